#include "core/tensorboard.h"

#include <fmt/format.h>
#include <unistd.h>

#include <bit>
#include <chrono>

#include "core/crc32c.h"
#include "core/error.h"

namespace gsv3d {
namespace {

double now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

template <class Unsigned>
std::string little_endian(Unsigned value) {
  std::string bytes;
  for (size_t i = 0; i < sizeof(value); ++i) bytes.push_back(static_cast<char>(value >> (8 * i) & 0xff));
  return bytes;
}

std::string varint(uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes.push_back(static_cast<char>((value & 0x7f) | 0x80));
  bytes.push_back(static_cast<char>(value));
  return bytes;
}

// Protocol buffers' wire format: a key of (field number, wire type), then the value.
std::string field_varint(int field, int64_t value) {
  return varint(static_cast<uint64_t>(field) << 3) + varint(static_cast<uint64_t>(value));
}
std::string field_double(int field, double value) {
  return varint(static_cast<uint64_t>(field) << 3 | 1) + little_endian(std::bit_cast<uint64_t>(value));
}
std::string field_float(int field, float value) {
  return varint(static_cast<uint64_t>(field) << 3 | 5) + little_endian(std::bit_cast<uint32_t>(value));
}
std::string field_bytes(int field, std::string_view value) {
  return varint(static_cast<uint64_t>(field) << 3 | 2) + varint(value.size()) + std::string(value);
}

std::string event(double wall_time, int64_t step, const std::string& what) {
  return field_double(1, wall_time) + (step != 0 ? field_varint(2, step) : "") + what;  // proto3 leaves zeros out
}

}  // namespace

std::string tfrecord(std::string_view data) {
  const std::string length = little_endian(static_cast<uint64_t>(data.size()));
  return length + little_endian(masked_crc32c(length)) + std::string(data) + little_endian(masked_crc32c(data));
}

std::string version_event(double wall_time) {
  return event(wall_time, 0, field_bytes(3, "brain.Event:2"));
}

std::string scalar_event(double wall_time, int64_t step, const std::string& tag, double value) {
  const std::string summary_value = field_bytes(1, tag) + field_float(2, static_cast<float>(value));
  return event(wall_time, step, field_bytes(5, field_bytes(1, summary_value)));
}

std::string image_event(double wall_time, int64_t step, const std::string& tag, const EncodedPicture& picture) {
  constexpr int64_t rgba = 4;
  const std::string image =
      field_varint(1, picture.height) + field_varint(2, picture.width) + field_varint(3, rgba) + field_bytes(4, picture.png);
  const std::string summary_value = field_bytes(1, tag) + field_bytes(4, image);
  return event(wall_time, step, field_bytes(5, field_bytes(1, summary_value)));
}

std::string restart_event(double wall_time, int64_t step) {
  constexpr int64_t start = 1;  // SessionLog.SessionStatus.START
  return event(wall_time, step, field_bytes(7, field_varint(1, start)));
}

TensorboardWriter::TensorboardWriter(const std::filesystem::path& folder, int64_t resumed_step) {
  char host[256] = "localhost";
  ::gethostname(host, sizeof(host) - 1);
  std::filesystem::create_directories(folder);
  path_ = folder / fmt::format("events.out.tfevents.{:010d}.{}.{}", static_cast<int64_t>(now()), host, ::getpid());
  file_ = std::fopen(path_.c_str(), "ab");
  require(file_ != nullptr, "{}: cannot be written", path_.string());
  write(version_event(now()));
  write(restart_event(now(), resumed_step + 1));
  flush();
}

TensorboardWriter::~TensorboardWriter() {
  std::fclose(file_);
}

void TensorboardWriter::scalar(int64_t step, const std::string& tag, double value) {
  write(scalar_event(now(), step, tag, value));
}
void TensorboardWriter::image(int64_t step, const std::string& tag, const EncodedPicture& picture) {
  write(image_event(now(), step, tag, picture));
}

void TensorboardWriter::write(const std::string& event) {
  const std::string record = tfrecord(event);
  require(std::fwrite(record.data(), 1, record.size(), file_) == record.size(), "{}: writing failed (disk full?)",
          path_.string());
}

void TensorboardWriter::flush() {
  require(std::fflush(file_) == 0, "{}: writing failed (disk full?)", path_.string());
}

}  // namespace gsv3d
