#include "exports/frame_sink.h"

#include "core/error.h"
#include "image/contact_sheet.h"
#include "video/animation.h"
#include "video/video.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;

class VideoSink : public FrameSink {
 public:
  VideoSink(const fs::path& path, int64_t size, double frames_per_second)
      : writer_(path, size, size, {.frames_per_second = frames_per_second}) {}
  void add(Image frame) override { writer_.add(frame); }
  void finish() override { writer_.finish(); }

 private:
  VideoWriter writer_;
};

class AnimationSink : public FrameSink {
 public:
  AnimationSink(fs::path path, double frames_per_second) : path_(std::move(path)), frames_per_second_(frames_per_second) {}
  void add(Image frame) override { frames_.push_back(std::move(frame)); }
  void finish() override { write_animation(path_, frames_, {.frames_per_second = frames_per_second_}); }

 private:
  fs::path path_;
  double frames_per_second_;
  std::vector<Image> frames_;
};

/// One frame as it is; several on one sheet, in rows of about equal length.
class PictureSink : public FrameSink {
 public:
  explicit PictureSink(fs::path path) : path_(std::move(path)) {}
  void add(Image frame) override { frames_.push_back(std::move(frame)); }
  void finish() override {
    if (frames_.size() == 1) return save_png(path_, frames_[0]);
    const auto columns = static_cast<size_t>(std::ceil(std::sqrt(static_cast<double>(frames_.size()))));
    std::vector<SheetRow> rows;
    for (size_t i = 0; i < frames_.size(); ++i) {
      if (i % columns == 0) rows.emplace_back();
      rows.back().pictures.push_back(std::move(frames_[i]));
    }
    save_png(path_, contact_sheet(rows));
  }

 private:
  fs::path path_;
  std::vector<Image> frames_;
};

class FolderSink : public FrameSink {
 public:
  explicit FolderSink(fs::path folder) : folder_(std::move(folder)) {}
  void add(Image frame) override { save_png(folder_ / fmt::format("{:04}.png", count_++), frame); }
  void finish() override {}

 private:
  fs::path folder_;
  int count_ = 0;
};

}  // namespace

FilmKind film_kind(const fs::path& output) {
  const fs::path extension = output.extension();
  if (extension == ".mp4") return FilmKind::kVideo;
  if (extension == ".gif" || extension == ".webp") return FilmKind::kAnimation;
  if (extension == ".png") return FilmKind::kPicture;
  if (extension.empty() && !output.empty()) return FilmKind::kFolder;
  throw UsageError(fmt::format("{}: pictures are written as .mp4, .gif, .webp, .png or into a folder", output.string()));
}

std::unique_ptr<FrameSink> open_frame_sink(const fs::path& output, int64_t size, std::optional<double> frames_per_second) {
  switch (film_kind(output)) {
    case FilmKind::kVideo:
      return std::make_unique<VideoSink>(output, size, frames_per_second.value_or(24));
    case FilmKind::kAnimation:
      return std::make_unique<AnimationSink>(output, frames_per_second.value_or(12));
    case FilmKind::kPicture:
      return std::make_unique<PictureSink>(output);
    case FilmKind::kFolder:
      break;
  }
  return std::make_unique<FolderSink>(output);
}

fs::path with_suffix(const fs::path& output, const char* suffix) {
  const fs::path plain = output.has_filename() ? output : output.parent_path();  // "folder/" → "folder"
  return plain.parent_path() / (plain.stem().string() + suffix + plain.extension().string());
}

}  // namespace gsv3d
