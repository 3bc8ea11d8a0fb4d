#include "image/framing.h"

#include <algorithm>

#include "core/error.h"

namespace gsv3d {

Image centre_object(const Image& image, std::optional<double> image_frame_ratio) {
  require(!image_frame_ratio || (*image_frame_ratio > 0 && *image_frame_ratio <= 1),
          "the object's share of the frame must be above 0 and at most 1, not {}", image_frame_ratio.value_or(0));
  const auto [clean, box] = clean_cutout(image);
  const int64_t longer = std::max(box.width, box.height);
  const double wanted = image_frame_ratio ? static_cast<double>(longer) / *image_frame_ratio : static_cast<double>(image.height);
  require(wanted * wanted <= static_cast<double>(kMaxPixels),
          "a share of the frame of {} is too small for an object of {} pixels", image_frame_ratio.value_or(1), longer);
  // SV3D's script cannot paste an object that is wider than the picture is high; here the square grows to hold it.
  const int64_t side = std::max(static_cast<int64_t>(wanted), longer);
  const int64_t left = side / 2 - box.width / 2, top = side / 2 - box.height / 2;
  Image square = blank_image(side, side, 0, 0, 0, 0);
  for (int64_t y = 0; y < box.height; ++y) {
    std::copy_n(clean.at(box.x, box.y + y), 4 * box.width, square.at(left, top + y));
  }
  square.has_alpha = has_transparency(square);
  return square;
}

Image composite_on_white(const Image& image) {
  Image result = image;
  for (size_t i = 0; i < result.pixels.size(); i += 4) {
    const double alpha = result.pixels[i + 3] / 255.0;
    for (size_t c = 0; c < 3; ++c)
      result.pixels[i + c] = static_cast<uint8_t>((result.pixels[i + c] / 255.0 * alpha + (1 - alpha)) * 255);
    result.pixels[i + 3] = 255;
  }
  result.has_alpha = false;
  return result;
}

FramedPhoto frame_object(const Image& image, std::optional<double> image_frame_ratio, int64_t size, int64_t largest_detail) {
  const Image object = centre_object(image, image_frame_ratio);
  const int64_t detail = std::clamp(object.width, size, std::max(size, largest_detail));
  FramedPhoto framed;
  framed.cutout = resize_lanczos(object, size, size);
  framed.on_white = composite_on_white(framed.cutout);
  framed.detail = resize_lanczos(object, detail, detail);
  return framed;
}

}  // namespace gsv3d
