#include "diffusion/latent_preview.h"

namespace gsv3d {
namespace {

/// [N, z, h, w] → [N·h·w, z + 1], a column of ones behind.
Tensor rows(const Tensor& latents) {
  const Tensor flat = latents.to(at::kCPU, at::kFloat).permute({0, 2, 3, 1}).flatten(0, 2);
  return at::cat({flat, at::ones({flat.size(0), 1})}, 1);
}

}  // namespace

LatentPreview::LatentPreview(const Tensor& photo_latent, const Tensor& photo) {
  const Tensor small = at::adaptive_avg_pool2d(photo.to(at::kCPU, at::kFloat), {photo_latent.size(2), photo_latent.size(3)});
  const Tensor x = rows(photo_latent), y = small.permute({0, 2, 3, 1}).flatten(0, 2);
  // Ridge regression: a photo of one colour leaves the map undetermined.
  const Tensor gram = at::matmul(x.t(), x) + 1e-3 * static_cast<double>(x.size(0)) * at::eye(x.size(1));
  map_ = at::linalg_solve(gram, at::matmul(x.t(), y));
}

Tensor LatentPreview::operator()(const Tensor& latents) const {
  const Tensor colours = at::matmul(rows(latents), map_).clamp(0, 1);
  return colours.view({latents.size(0), latents.size(2), latents.size(3), 3}).permute({0, 3, 1, 2}).contiguous();
}

}  // namespace gsv3d
