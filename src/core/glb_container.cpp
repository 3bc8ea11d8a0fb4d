#include "core/glb_container.h"

#include <array>
#include <bit>
#include <cstring>
#include <limits>

#include "core/atomic_file.h"

namespace gsv3d {
namespace {

static_assert(std::endian::native == std::endian::little, "glTF is little-endian");

constexpr uint32_t kMagic = 0x46546c67, kVersion = 2, kJsonChunk = 0x4e4f534a,
                   kBinaryChunk = 0x004e4942;  // "glTF", "JSON", "BIN\0"

size_t padding(size_t size) {
  return (4 - size % 4) % 4;
}

uint32_t number_at(std::string_view bytes, size_t offset) {
  uint32_t number = 0;
  std::memcpy(&number, bytes.data() + offset, sizeof number);
  return number;
}

template <size_t N>
void write_numbers(AtomicFile& file, const std::array<uint32_t, N>& numbers) {
  file.write(numbers.data(), sizeof numbers);
}

}  // namespace

void write_glb_container(const std::filesystem::path& path, const Json& document, const std::vector<std::string_view>& buffer) {
  std::string text = document.dump();
  text.append(padding(text.size()), ' ');
  size_t bytes = 0;
  for (const auto& piece : buffer) bytes += piece.size();
  const std::string zeros(padding(bytes), '\0');
  const size_t chunk = bytes + zeros.size(), total = 12 + 8 + text.size() + (buffer.empty() ? 0 : 8 + chunk);
  require(total <= std::numeric_limits<uint32_t>::max(), "{} is not written: a GLB file ends at 4 GiB", path.string());

  AtomicFile file(path);
  write_numbers<5>(file, {kMagic, kVersion, static_cast<uint32_t>(total), static_cast<uint32_t>(text.size()), kJsonChunk});
  file.write(text);
  if (!buffer.empty()) {
    write_numbers<2>(file, {static_cast<uint32_t>(chunk), kBinaryChunk});
    for (const auto& piece : buffer) file.write(piece);
    file.write(zeros);
  }
  file.commit();
}

bool is_glb(std::string_view bytes) {
  return bytes.size() >= 4 && number_at(bytes, 0) == kMagic;
}

GlbContainer read_glb_container(std::string_view bytes, const std::string& where) {
  require(is_glb(bytes) && bytes.size() >= 20, "{}: not a GLB file", where);
  require(number_at(bytes, 4) == kVersion, "{}: binary glTF of version {}; version 2 is read", where, number_at(bytes, 4));
  require(number_at(bytes, 8) <= bytes.size(), "{}: cut off: {} of {} bytes", where, bytes.size(), number_at(bytes, 8));
  require(number_at(bytes, 16) == kJsonChunk, "{}: damaged: its first chunk is no JSON", where);
  GlbContainer container;
  for (size_t at = 12; bytes.size() - at >= 8;) {
    const size_t size = number_at(bytes, at), kind = number_at(bytes, at + 4);
    require(size <= bytes.size() - at - 8, "{}: damaged or cut off: a chunk of {} bytes with {} left", where, size,
            bytes.size() - at - 8);
    const std::string_view chunk = bytes.substr(at + 8, size);
    if (at == 12) container.json = chunk;
    if (kind == kBinaryChunk && !container.binary) container.binary = chunk;
    at += 8 + size;
  }
  return container;
}

}  // namespace gsv3d
