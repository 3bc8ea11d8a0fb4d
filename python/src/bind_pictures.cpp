#include <nanobind/stl/filesystem.h>

#include "arrays.h"
#include "bindings.h"
#include "core/error.h"

namespace nb = nanobind;

namespace gsv3d::python {

Image image_of(const PictureArray& array) {
  const auto height = static_cast<int64_t>(array.shape(0)), width = static_cast<int64_t>(array.shape(1));
  if (array.shape(2) != 4) throw UsageError(fmt::format("a picture of {} channels: RGBA has 4", array.shape(2)));
  if (width < 1 || height < 1 || width > kMaxPixels / height)
    throw UsageError(fmt::format("a picture of {} x {} pixels: it must have 1 to {}", width, height, kMaxPixels));
  Image image{width, height, {array.data(), array.data() + 4 * width * height}, false};
  image.has_alpha = has_transparency(image);
  return image;
}

OwnPictureArray array_of(Image image) {
  auto held = std::make_unique<Image>(std::move(image));
  const size_t shape[] = {static_cast<size_t>(held->height), static_cast<size_t>(held->width), 4};
  uint8_t* pixels = held->pixels.data();
  const nb::capsule owner(held.release(), [](void* taken) noexcept { delete static_cast<Image*>(taken); });
  return {pixels, 3, shape, owner};
}

void bind_pictures(nb::module_& module) {
  module.def(
      "read_picture",
      [](const std::filesystem::path& path) {
        Image image;
        {
          const nb::gil_scoped_release unlocked;
          image = load_image(path);
        }
        return array_of(std::move(image));
      },
      nb::arg("path"), "A picture's RGBA bytes, uint8 [H, W, 4]; JPEG, PNG, WebP, HEIC ... Raises Error for what is none.");
}

}  // namespace gsv3d::python
