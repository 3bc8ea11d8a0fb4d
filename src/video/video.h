// H.264 video that plays everywhere: MP4, yuv420p, BT.709, index at the front.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "image/image.h"

namespace gsv3d {

struct VideoOptions {
  double frames_per_second = 24;
  int quality = 18;  ///< x264's constant rate factor, 0-51: lower is better and larger
};

/// Encodes frame by frame; the file appears under its name when finish() is called, and not at all otherwise.
/// Uses libx264, or the next best H.264 or MPEG-4 encoder that FFmpeg has here (with a line in the log).
class VideoWriter {
 public:
  /// Frames of width × height; odd sizes are padded by one repeated column or row, since yuv420p needs even ones.
  /// Throws Error when the file cannot be written, no encoder works, or the build has no FFmpeg (GSV3D_WITH_VIDEO=OFF).
  VideoWriter(const std::filesystem::path& path, int64_t width, int64_t height, const VideoOptions& options = {});
  ~VideoWriter();
  VideoWriter(const VideoWriter&) = delete;
  VideoWriter& operator=(const VideoWriter&) = delete;

  /// Appends one frame; transparency is shown on white. Throws Error when its size is not the writer's.
  void add(const Image& frame);
  /// Writes what the encoder still holds and the index, and gives the file its name. Throws Error when there was no frame.
  void finish();

 private:
  struct Encoder;
  std::unique_ptr<Encoder> encoder_;
};

/// Writes a whole video at once.
void write_mp4(const std::filesystem::path& path, const std::vector<Image>& frames, const VideoOptions& options = {});

}  // namespace gsv3d
