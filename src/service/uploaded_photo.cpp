#include "service/uploaded_photo.h"

#include <algorithm>

#include "image/load_image.h"
#include "image/object_mask.h"
#include "image/resize.h"
#include "matting/matting.h"
#include "service/service.h"

namespace gsv3d {
namespace {

Image with_margin(const Image& image) {
  const int64_t margin = 4 + std::max(image.width, image.height) / 20;  // wider than what is_cut_out takes for a soft frame
  Image result = blank_image(image.width + 2 * margin, image.height + 2 * margin, 255, 255, 255, 0);
  for (int64_t y = 0; y < image.height; ++y) std::copy_n(image.at(0, y), 4 * image.width, result.at(margin, y + margin));
  result.has_alpha = true;
  return result;
}

}  // namespace

Image decode_upload(Service& service, const std::string& bytes, const std::string& name) {
  if (bytes.empty()) throw Problem(422, name + " is empty");
  const std::lock_guard lock(service.decoding());
  Image image = decode_picture(bytes, name);
  if (image.width * image.height > service.config().photo_pixels)
    throw Problem(413, fmt::format("{} has {} x {} pixels; {} are allowed", name, image.width, image.height,
                                   service.config().photo_pixels));
  image.has_alpha = has_transparency(image);
  return image;
}

Image masked_photo(const Image& photo, const Image& mask) {
  Image image = with_matte(photo, mask);
  (void)object_box(image);  // throws when nothing is kept
  return is_cut_out(image) ? image : with_margin(image);
}

Image small_copy(const Image& photo, int64_t side) {
  const int64_t longer = std::max(photo.width, photo.height);
  if (longer <= side) return photo;
  const auto scaled = [&](int64_t length) { return std::max<int64_t>(1, (length * side + longer / 2) / longer); };
  Image small = resize_lanczos(photo, scaled(photo.width), scaled(photo.height));
  small.has_alpha = photo.has_alpha;
  return small;
}

}  // namespace gsv3d
