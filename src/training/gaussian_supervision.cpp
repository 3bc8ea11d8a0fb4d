#include "training/gaussian_supervision.h"

#include "core/error.h"
#include "training/surface_loss.h"

namespace gsv3d {

SupervisedRendering supervise(const std::vector<Gaussians>& gaussians, const Supervision& supervision,
                              const std::vector<double>& clip_weights, const RenderingWeights& weights,
                              const RasterizeOptions& options) {
  require(!gaussians.empty() && gaussians.size() == supervision.targets.size() && gaussians.size() == clip_weights.size(),
          "{} sets of Gaussians, {} targets and {} weights do not fit", gaussians.size(), supervision.targets.size(),
          clip_weights.size());
  const Tensor white = at::ones({3}, gaussians[0].means.options().requires_grad(false));
  SupervisedRendering result;
  result.renderings = rasterize_batch(gaussians, supervision.cameras, white, options);
  std::vector<Tensor> losses, rgb, alpha, depth;
  for (size_t i = 0; i < gaussians.size(); ++i) {
    const RenderingLoss loss = rendering_loss(result.renderings[i], supervision.targets[i]);
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
                         const std::vector<TargetViews>& truth, const std::vector<double>& clip_weights,
                         const RenderingWeights& weights) {
  require(!gaussians.empty() && gaussians.size() == truth.size() && gaussians.size() == cameras.size() &&
              gaussians.size() == clip_weights.size(),
          "{} sets of Gaussians, {} of cameras, {} of true views and {} weights do not fit", gaussians.size(), cameras.size(),
          truth.size(), clip_weights.size());
  std::vector<Tensor> losses;
  for (size_t i = 0; i < gaussians.size(); ++i) {
    const RenderingLoss loss = surface_loss(gaussians[i], cameras[i], truth[i]);
    losses.push_back(clip_weights[i] * (loss.rgb + weights.alpha * loss.alpha + weights.depth * loss.depth));
  }
  return at::stack(losses).mean();
}

std::vector<Tensor> supervision_rows(const Tensor& photos, const Supervision& supervision, const SupervisedRendering& rendered) {
  std::vector<Tensor> rows;
  for (size_t i = 0; i < supervision.targets.size(); ++i)
    rows.push_back(
        at::cat({photos.narrow(0, static_cast<int64_t>(i), 1), supervision.targets[i].rgb, rendered.renderings[i].rgb}));
  return rows;
}

}  // namespace gsv3d
