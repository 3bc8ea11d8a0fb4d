// Where the frames of a film go: the name of the file decides.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "image/image.h"

namespace gsv3d {

enum class FilmKind { kVideo, kAnimation, kPicture, kFolder };

/// .mp4; .gif and .webp; .png; a name without extension or with a slash at its end. Throws UsageError for other names.
FilmKind film_kind(const std::filesystem::path& output);

class FrameSink {
 public:
  virtual ~FrameSink() = default;
  virtual void add(Image frame) = 0;
  /// Files get their names here, except the pictures of a folder, which get theirs one by one.
  virtual void finish() = 0;
};

/// A sink for frames that are `size` pixels high and wide. frames_per_second: none for the kind's own. Throws Error when the file
/// cannot be written.
std::unique_ptr<FrameSink> open_frame_sink(const std::filesystem::path& output, int64_t size,
                                           std::optional<double> frames_per_second);

/// `output` with something before its extension (object.mp4, "_depth" → object_depth.mp4; folder → folder_depth).
std::filesystem::path with_suffix(const std::filesystem::path& output, const char* suffix);

}  // namespace gsv3d
