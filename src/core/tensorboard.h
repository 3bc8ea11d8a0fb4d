// TensorBoard event files, written by hand: TFRecord frames (u64 length, masked CRC of it, data, masked CRC of the data) around
// Event messages of tensorflow/core/util/event.proto.
#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <string>
#include <string_view>

namespace gsv3d {

struct EncodedPicture {
  std::string png;  ///< RGBA
  int64_t width = 0, height = 0;
};

/// One TFRecord frame, little-endian.
std::string tfrecord(std::string_view data);

/// Encoded Event messages. `wall_time` in seconds since 1970.
std::string version_event(double wall_time);
std::string scalar_event(double wall_time, int64_t step, const std::string& tag, double value);
std::string image_event(double wall_time, int64_t step, const std::string& tag, const EncodedPicture& picture);
/// Tells TensorBoard to forget what earlier files of the folder say from this step on: a run that resumes writes it first.
std::string restart_event(double wall_time, int64_t step);

class TensorboardWriter {
 public:
  /// Opens events.out.tfevents.<time>.<host>.<process> in the folder, for steps after `resumed_step`: what earlier
  /// files say of them is void.
  TensorboardWriter(const std::filesystem::path& folder, int64_t resumed_step);
  ~TensorboardWriter();
  TensorboardWriter(const TensorboardWriter&) = delete;
  TensorboardWriter& operator=(const TensorboardWriter&) = delete;

  void scalar(int64_t step, const std::string& tag, double value);
  void image(int64_t step, const std::string& tag, const EncodedPicture& picture);
  /// Throws Error when the disk is full.
  void flush();

 private:
  void write(const std::string& event);

  std::filesystem::path path_;
  std::FILE* file_ = nullptr;
};

}  // namespace gsv3d
