#include "training/gaussian_supervision.h"

#include "core/error.h"
#include "training/surface_loss.h"

namespace gsv3d {
namespace {

TargetViews of_clip(const TargetViews& all, size_t clip, int64_t views) {
  const int64_t first = static_cast<int64_t>(clip) * views;
  return {all.rgb.narrow(0, first, views), all.alpha.narrow(0, first, views), all.depth.narrow(0, first, views)};
}

}  // namespace

SupervisedRendering supervise(const std::vector<Gaussians>& gaussians, const Supervision& supervision,
                              const std::vector<double>& clip_weights, const RenderingWeights& weights,
                              const RasterizeOptions& options) {
  require(!gaussians.empty() && gaussians.size() == supervision.cameras.size() && gaussians.size() == clip_weights.size(),
          "{} sets of Gaussians, {} targets and {} weights do not fit", gaussians.size(), supervision.cameras.size(),
          clip_weights.size());
  const Tensor white = at::ones({3}, gaussians[0].means.options().requires_grad(false));
  SupervisedRendering result;
  result.renderings = rasterize_batch(gaussians, supervision.cameras, white, options);
  std::vector<Tensor> losses, rgb, alpha, depth;
  for (size_t i = 0; i < gaussians.size(); ++i) {
    const RenderingLoss loss = rendering_loss(result.renderings[i], of_clip(supervision.targets, i, supervision.views));
    losses.push_back(clip_weights[i] * (loss.rgb + weights.alpha * loss.alpha + weights.depth * loss.depth));
    rgb.push_back(loss.rgb.detach());
    alpha.push_back(loss.alpha.detach());
    depth.push_back(loss.depth.detach());
  }
  result.loss = at::stack(losses).mean();
  result.rgb = at::stack(rgb).mean();
  result.alpha = at::stack(alpha).mean();
  result.depth = at::stack(depth).mean();
  return result;
}

Tensor supervise_surface(const std::vector<Gaussians>& gaussians, const std::vector<Cameras>& cameras,
                         const TargetViews& truth, const std::vector<double>& clip_weights,
                         const RenderingWeights& weights) {
  require(!gaussians.empty() && gaussians.size() == cameras.size() && gaussians.size() == clip_weights.size(),
          "{} sets of Gaussians, {} of cameras and {} weights do not fit", gaussians.size(), cameras.size(), clip_weights.size());
  std::vector<Tensor> losses;
  for (size_t i = 0; i < gaussians.size(); ++i) {
    const RenderingLoss loss = surface_loss(gaussians[i], cameras[i], of_clip(truth, i, cameras[i].count()));
    losses.push_back(clip_weights[i] * (loss.rgb + weights.alpha * loss.alpha + weights.depth * loss.depth));
  }
  return at::stack(losses).mean();
}

std::vector<Tensor> supervision_rows(const Tensor& photos, const Supervision& supervision, const SupervisedRendering& rendered) {
  std::vector<Tensor> rows;
  for (size_t i = 0; i < rendered.renderings.size(); ++i) {
    const Tensor photo = photos.narrow(0, static_cast<int64_t>(i), 1).narrow(1, 0, 3);
    rows.push_back(at::cat({photo, of_clip(supervision.targets, i, supervision.views).rgb, rendered.renderings[i].rgb}));
  }
  return rows;
}

}  // namespace gsv3d
