// What the image tests share: pictures with known pixels and a folder to write into.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <string>

#include "core/error.h"
#include "image/image.h"

namespace gsv3d::testing {

/// A smooth colour ramp: red tells the column, green the row.
inline Image gradient(int64_t width, int64_t height) {
  Image image = blank_image(width, height, 0, 0, 60);
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      image.at(x, y)[0] = static_cast<uint8_t>(255 * x / std::max<int64_t>(width - 1, 1));
      image.at(x, y)[1] = static_cast<uint8_t>(255 * y / std::max<int64_t>(height - 1, 1));
    }
  }
  return image;
}

/// Largest difference of any channel; 256 when the sizes differ.
inline int max_difference(const Image& a, const Image& b) {
  if (a.width != b.width || a.height != b.height) return 256;
  int worst = 0;
  for (size_t i = 0; i < a.pixels.size(); ++i) worst = std::max(worst, std::abs(a.pixels[i] - b.pixels[i]));
  return worst;
}

/// The message of the Error that a call throws; empty when it throws none.
template <class Call>
std::string error_of(Call call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

/// A folder that goes away with the test.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "gsv3d_image_XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

}  // namespace gsv3d::testing
