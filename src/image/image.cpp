#include "image/image.h"

#include "core/error.h"

namespace gsv3d {

Image blank_image(int64_t width, int64_t height, uint8_t red, uint8_t green, uint8_t blue, uint8_t alpha) {
  require(width > 0 && height > 0 && width <= kMaxPixels / height, "a picture of {} x {} pixels is not possible", width, height);
  Image image{width, height, std::vector<uint8_t>(4 * width * height), alpha != 255};
  for (int64_t i = 0; i < width * height; ++i) {
    uint8_t* pixel = image.pixels.data() + 4 * i;
    pixel[0] = red, pixel[1] = green, pixel[2] = blue, pixel[3] = alpha;
  }
  return image;
}

bool has_transparency(const Image& image) {
  for (size_t i = 3; i < image.pixels.size(); i += 4) {
    if (image.pixels[i] != 255) return true;
  }
  return false;
}

Image to_image(const Tensor& tensor) {
  require(tensor.dim() == 3 && (tensor.size(0) == 3 || tensor.size(0) == 4) && tensor.size(1) > 0 && tensor.size(2) > 0,
          "to_image: expected a tensor [3 or 4, H, W], got {}", fmt::join(tensor.sizes(), " x "));
  Tensor bytes = tensor.detach().to(at::kCPU);
  if (at::isFloatingType(bytes.scalar_type())) {
    bytes = at::nan_to_num(bytes.to(at::kFloat), 0.0).clamp(0, 1).mul(255).round().to(at::kByte);
  }
  require(bytes.scalar_type() == at::kByte, "to_image: expected floating point or uint8, got {}",
          c10::toString(tensor.scalar_type()));
  const int64_t channels = bytes.size(0), height = bytes.size(1), width = bytes.size(2);
  bytes = bytes.permute({1, 2, 0}).contiguous();
  Image image{width, height, std::vector<uint8_t>(4 * width * height, 255), false};
  const auto* source = bytes.const_data_ptr<uint8_t>();
  for (int64_t i = 0; i < width * height; ++i) std::copy_n(source + channels * i, channels, image.pixels.data() + 4 * i);
  image.has_alpha = channels == 4 && has_transparency(image);
  return image;
}

Tensor to_tensor(const Image& image) {
  require(image.width > 0 && image.height > 0, "to_tensor: the picture is empty");
  // from_blob only looks at the pixels; permute().contiguous() makes the copy that the result owns.
  const Tensor view = at::from_blob(const_cast<uint8_t*>(image.pixels.data()), {image.height, image.width, 4}, at::kByte);
  return view.permute({2, 0, 1}).contiguous().to(at::kFloat).div_(255);
}

}  // namespace gsv3d
