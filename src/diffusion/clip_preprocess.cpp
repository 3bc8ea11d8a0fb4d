// SV3D resizes its CLIP input with kornia.geometry.resize(interpolation="bicubic", align_corners=True, antialias=True): a
// Gaussian blur where the image shrinks, then a plain bicubic one. Photos enter without noise, in [-1, 1].
#include <algorithm>
#include <array>

#include "core/error.h"
#include "diffusion/image_embedder.h"

namespace gsv3d {
namespace {

/// kornia's kernel for an axis that shrinks by `factor`: sigma (f-1)/2, about 4 sigma taps, an odd number of them.
Tensor gaussian_kernel(double factor, const at::TensorOptions& options) {
  const double sigma = std::max((factor - 1) / 2, 0.001);
  const int64_t taps = std::max<int64_t>(static_cast<int64_t>(4 * sigma), 3) | 1;
  const Tensor offsets = at::arange(taps, options) - static_cast<double>(taps / 2);
  const Tensor weights = at::exp(offsets.square() / (-2 * sigma * sigma));
  return weights / weights.sum();
}

/// Separable blur of every channel, mirrored at the border without repeating the edge pixel.
Tensor blur(const Tensor& images, double factor_y, double factor_x) {
  const Tensor rows = gaussian_kernel(factor_y, images.options()), columns = gaussian_kernel(factor_x, images.options());
  const int64_t pad_y = rows.size(0) / 2, pad_x = columns.size(0) / 2;
  require(pad_y < images.size(2) && pad_x < images.size(3), "CLIP input: an image of {}x{} is too thin to be resized",
          images.size(3), images.size(2));
  const Tensor planes = at::reflection_pad2d(images, {pad_x, pad_x, pad_y, pad_y}).flatten(0, 1).unsqueeze(1);
  const Tensor blurred = at::conv2d(at::conv2d(planes, columns.view({1, 1, 1, -1})), rows.view({1, 1, -1, 1}));
  return blurred.view(images.sizes());
}

}  // namespace

Tensor clip_preprocess(const Tensor& images, int64_t image_size) {
  require(images.dim() == 4 && images.size(1) == 3 && image_size > 0, "CLIP input: images must be [B, 3, H, W]");
  const Tensor input = images.to(at::kFloat);
  const double factor_y = static_cast<double>(input.size(2)) / static_cast<double>(image_size);
  const double factor_x = static_cast<double>(input.size(3)) / static_cast<double>(image_size);
  const Tensor smooth = std::max(factor_y, factor_x) > 1 ? blur(input, factor_y, factor_x) : input;
  const Tensor resized = at::upsample_bicubic2d(smooth, {image_size, image_size}, /*align_corners=*/true);
  // OpenAI's constants (open_clip/constants.py).
  const auto column = [&](std::array<float, 3> values) {
    return at::tensor(values, at::kFloat).view({3, 1, 1}).to(input.device(), /*non_blocking=*/true);
  };
  return ((resized + 1) / 2 - column({0.48145466f, 0.4578275f, 0.40821073f})) / column({0.26862954f, 0.26130258f, 0.27577711f});
}

}  // namespace gsv3d
