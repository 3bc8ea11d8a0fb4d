// What the image tests share: pictures with known pixels and a folder to write into.
#pragma once

#include <algorithm>
#include <cstdlib>

#include "errors.h"
#include "image/image.h"
#include "temporary_folder.h"

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

}  // namespace gsv3d::testing
