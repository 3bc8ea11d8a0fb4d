#include "evaluation/view_warp.h"

#include <limits>

namespace gsv3d {
namespace {

constexpr double hidden_behind = 0.02;  ///< world units of depth; objects are about 1 long
constexpr double opaque = 0.95;         ///< alpha from which a colour is the object's, hardly the background's
constexpr int64_t fewest_points = 16;
constexpr double nothing = std::numeric_limits<double>::quiet_NaN();

/// World points [P, 3] (double) seen by the pixels ([P, 2]: row, column) of view `index`.
Tensor surface_points(const GeneratedViews& views, int64_t index, const Tensor& pixels) {
  const Tensor depth = views.object_depth[index][0].index({pixels.select(1, 0), pixels.select(1, 1)}).to(at::kDouble);
  const Tensor centres = at::stack({pixels.select(1, 1).to(at::kDouble) + 0.5, pixels.select(1, 0).to(at::kDouble) + 0.5,
                                    at::ones({pixels.size(0)}, at::kDouble)});  // [3, P]
  const Tensor intrinsics = views.cameras.intrinsics[index].to(at::kDouble);
  const Tensor pose = views.cameras.world_to_camera[index].to(at::kDouble);
  const Tensor in_camera = at::matmul(at::linalg_inv(intrinsics), centres) * depth;
  const Tensor rotation = pose.slice(0, 0, 3).slice(1, 0, 3), translation = pose.slice(0, 0, 3).slice(1, 3);
  return at::matmul(rotation.t(), in_camera - translation).t();
}

/// Bilinear values [P, C] of a picture [C, H, W] at pixel coordinates [P].
Tensor sampled(const Tensor& picture, const Tensor& x, const Tensor& y) {
  const double width = static_cast<double>(picture.size(2)), height = static_cast<double>(picture.size(1));
  const Tensor grid = at::stack({x * (2 / width) - 1, y * (2 / height) - 1}, 1);
  return at::grid_sampler_2d(picture.unsqueeze(0).to(at::kDouble), grid.view({1, -1, 1, 2}), /*bilinear=*/0, /*border=*/1,
                             /*align_corners=*/false)
      .squeeze(0)
      .squeeze(-1)
      .t();
}

/// Values [P, C] of a picture at integer pixels.
Tensor picked(const Tensor& picture, const Tensor& pixels) {
  return picture.index({at::indexing::Slice(), pixels.select(1, 0), pixels.select(1, 1)}).t().to(at::kDouble);
}

WarpError one_way(const GeneratedViews& views, int64_t from, int64_t to) {
  const Tensor pixels = views.object_alpha[from][0].gt(0.5).nonzero();
  if (pixels.size(0) == 0) return {nothing, nothing};
  const Cameras target = views.cameras.slice(to, to + 1);
  const SeenPoints points = seen_points(target, surface_points(views, from, pixels));
  const Tensor x = points.x[0], y = points.y[0], place = pixels_of(points, target)[0], known = place.clamp_min(0);
  const Tensor nearest = at::stack({known.div(target.width, "floor"), known.remainder(target.width)}, 1);
  const Tensor seen =
      (picked(views.object_depth[to], nearest).select(1, 0) - points.z[0]).abs().lt(hidden_behind).logical_and(place >= 0);
  const Tensor alpha =
      at::minimum(picked(views.object_alpha[from], pixels), picked(views.object_alpha[to], nearest)).select(1, 0);
  const auto difference = [&](const Tensor& pictures, double least_alpha) {
    const Tensor kept = alpha.gt(least_alpha).logical_and(seen).nonzero().squeeze(1);
    if (kept.size(0) < fewest_points) return nothing;
    const Tensor here = picked(pictures[from], pixels.index_select(0, kept));
    return (here - sampled(pictures[to], x.index_select(0, kept), y.index_select(0, kept))).abs().mean().item<double>();
  };
  return {difference(views.rgb, opaque), views.alpha.defined() ? difference(views.alpha, 0.5) : nothing};
}

double mean_of(const std::vector<double>& values) {
  return at::nanmean(at::tensor(values, at::kDouble)).item<double>();
}

}  // namespace

WarpError warp_error(const GeneratedViews& views, int64_t a, int64_t b) {
  const WarpError forth = one_way(views, a, b), back = one_way(views, b, a);
  return {(forth.color + back.color) / 2, (forth.outline + back.outline) / 2};
}

WarpError mean_warp_error(const GeneratedViews& views, int64_t step) {
  const int64_t count = views.cameras.count();
  std::vector<double> colors, outlines;
  for (int64_t i = 0; i < count; ++i) {
    const WarpError error = warp_error(views, i, (i + step) % count);
    colors.push_back(error.color), outlines.push_back(error.outline);
  }
  return {mean_of(colors), mean_of(outlines)};
}

}  // namespace gsv3d
