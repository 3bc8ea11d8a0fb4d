#include "image/edge_colors.h"

#include <algorithm>

#include "core/error.h"
#include "image/window_mean.h"

namespace gsv3d {

Tensor with_edge_colors_from_inside(const Tensor& cutout) {
  require(cutout.dim() == 3 && cutout.size(0) == 4, "edge colours: a cut-out must be [4, H, W]");
  constexpr double opaque = 0.9;
  const int64_t border = std::max<int64_t>(1, std::max(cutout.size(1), cutout.size(2)) / 170);
  const Tensor rgb = cutout.narrow(0, 0, 3).unsqueeze(0), alpha = cutout.narrow(0, 3, 1).unsqueeze(0);
  const Tensor outside = (alpha <= opaque).to(at::kFloat);
  const Tensor inside = (window_mean(outside, border) < 1e-6).to(at::kFloat);
  const Tensor around = window_mean(inside, 2 * border);
  const Tensor from_inside = window_mean(rgb * inside, 2 * border) / around.clamp_min(1e-6);
  const Tensor replaced = (inside == 0).logical_and(around > 1e-6).logical_and(alpha > 0);
  return at::cat({at::where(replaced, from_inside, rgb), alpha}, 1)[0];
}

}  // namespace gsv3d
