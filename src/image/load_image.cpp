// The edge where users' files come in: what every build checks, whichever reader does the decoding.
#include "image/load_image.h"

#include "core/atomic_file.h"
#include "core/error.h"
#include "image/image.h"

namespace gsv3d {
namespace {

// 64 megapixels of 16-bit RGBA, uncompressed, fit.
constexpr size_t kMaxFileSize = size_t{1} << 30;

/// A guess at what a file is that no picture reader knows, for the message.
std::string_view describe(std::string_view bytes) {
  const std::string_view head = bytes.substr(0, 512);
  if (head.starts_with("version https://git-lfs")) return "it is a Git LFS pointer: fetch the real file with `git lfs pull`";
  if (head.starts_with("%PDF")) return "it is a PDF document";
  if (head.starts_with("BM")) return "it seems to be a BMP picture";
  if (head.find("<svg") != std::string_view::npos) return "it is an SVG drawing";
  const bool text =
      std::all_of(head.begin(), head.end(), [](char c) { return static_cast<uint8_t>(c) >= 32 || (c >= 9 && c <= 13); });
  if (text)
    return head.find("<html") != std::string_view::npos || head.find("<!DOCTYPE html") != std::string_view::npos
               ? "it is a web page"
               : "it is text";
  return "its format is unknown";
}

}  // namespace

void check_picture_size(int64_t width, int64_t height, const std::string& name) {
  require(width >= 2 && height >= 2, "{}: a picture of {} x {} pixels is too small", name, width, height);
  require(width <= kMaxPixels / height, "{}: {} x {} pixels is more than the limit of {} megapixels; make it smaller first", name,
          width, height, kMaxPixels >> 20);
}

void fail_unknown_format(std::string_view bytes, const std::string& name) {
  fail("{}: not a picture that can be read here ({}); {}", name, describe(bytes), readable_formats());
}

Image load_image(const std::filesystem::path& path, Orientation orientation) {
  const std::string name = path.string(), bytes = read_file(path, kMaxFileSize);
  require(!bytes.empty(), "{}: the file is empty", name);
  Image image = decode_picture(bytes, name, orientation);
  image.has_alpha = has_transparency(image);
  return image;
}

}  // namespace gsv3d
