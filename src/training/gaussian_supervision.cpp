#include "training/gaussian_supervision.h"

#include "core/error.h"
#include "rasterizer/rasterize_scenes.h"
#include "training/surface_loss.h"

namespace gsv3d {
namespace {

/// [B, G, ·] of one field.
Tensor stacked(const std::vector<Gaussians>& gaussians, Tensor Gaussians::*field) {
  std::vector<Tensor> parts;
  for (const Gaussians& one : gaussians) parts.push_back(one.*field);
  return at::stack(parts);
}

/// [B] on the device, without waiting for it.
Tensor on_device(const std::vector<double>& values, const Tensor& like) {
  return at::tensor(values, at::kFloat).to(like.device(), /*non_blocking=*/true);
}

Rendering joined(const std::vector<Rendering>& renderings) {
  if (renderings.size() == 1) return renderings[0];
  std::vector<Tensor> rgb, alpha, depth;
  for (const Rendering& one : renderings) {
    rgb.push_back(one.rgb), alpha.push_back(one.alpha);
    if (one.depth.defined()) depth.push_back(one.depth);
  }
  return {at::cat(rgb), at::cat(alpha), depth.empty() ? Tensor() : at::cat(depth)};
}

/// The first supervised view of every clip once more, with depth and its square as colours: a quarter of the renderings of four
/// views, and no kernel of its own.
Tensor thickness(const std::vector<Gaussians>& gaussians, const Tensor& means, const Supervision& supervision,
                 RasterizeOptions options) {
  const auto clips = static_cast<int64_t>(gaussians.size());
  std::vector<Cameras> cameras;
  for (const Cameras& all : supervision.cameras) cameras.push_back(all.slice(0, 1));
  const Tensor forward = concatenate(cameras).world_to_camera.select(1, 2);  // [B, 4]: the row that gives camera z
  // Seen from the origin, so that float32 keeps the difference of squares.
  const Tensor z = (means * forward.narrow(1, 0, 3).unsqueeze(1)).sum(-1);
  const auto colors = at::stack({z.square(), z, at::zeros_like(z)}, -1).unbind(0);
  options.depth = false;
  std::vector<RasterizeScene> scenes;
  for (size_t i = 0; i < gaussians.size(); ++i) scenes.push_back({gaussians[i], colors[i], cameras[i], {}});
  const auto first = [&](const Tensor& images) { return images.unflatten(0, {clips, supervision.views}).select(1, 0); };
  const TargetViews& all = supervision.targets;
  return thickness_loss(joined(rasterize_scenes(scenes, options)), forward.narrow(1, 3, 1).view({clips, 1, 1, 1}),
                        {first(all.rgb), first(all.alpha), first(all.depth)});
}

}  // namespace

SupervisedRendering supervise(const std::vector<Gaussians>& gaussians, const Supervision& supervision,
                              const std::vector<double>& clip_weights, const RenderingWeights& weights,
                              const RasterizeOptions& options) {
  const auto clips = static_cast<int64_t>(gaussians.size());
  require(clips > 0 && gaussians.size() == supervision.cameras.size() && gaussians.size() == clip_weights.size() &&
              supervision.targets.rgb.size(0) == clips * supervision.views,
          "{} sets of Gaussians, {} of cameras, {} targets and {} weights do not fit", gaussians.size(),
          supervision.cameras.size(), supervision.targets.rgb.size(0), clip_weights.size());
  const Tensor white = at::ones({3}, gaussians[0].means.options().requires_grad(false));
  SupervisedRendering result;
  result.renderings = joined(rasterize_batch(gaussians, supervision.cameras, white, options));
  const RenderingLoss loss = rendering_loss(result.renderings, supervision.targets, clips, weights.l1);
  Tensor total = loss.rgb + weights.alpha * loss.alpha + weights.depth * loss.depth;
  result.thickness = at::zeros({}, loss.rgb.options().requires_grad(false));
  if (weights.thickness > 0) {
    const Tensor value = thickness(gaussians, stacked(gaussians, &Gaussians::means), supervision, options);
    total = total + weights.thickness * value;
    result.thickness = value.detach().mean();
  }
  if (weights.size > 0) total = total + weights.size * stacked(gaussians, &Gaussians::scales).mean({1, 2});
  if (weights.opacity > 0) {
    const Tensor opacity = stacked(gaussians, &Gaussians::opacities);
    total = total + weights.opacity * (opacity * (1 - opacity)).mean(1);
  }
  result.loss = (total * on_device(clip_weights, total)).mean();
  result.rgb = loss.rgb.detach().mean();
  result.alpha = loss.alpha.detach().mean();
  result.depth = loss.depth.detach().mean();
  return result;
}

Tensor supervise_surface(const std::vector<Gaussians>& gaussians, const std::vector<Cameras>& cameras, const TargetViews& truth,
                         const std::vector<double>& clip_weights, const RenderingWeights& weights) {
  require(!gaussians.empty() && gaussians.size() == cameras.size() && gaussians.size() == clip_weights.size(),
          "{} sets of Gaussians, {} of cameras and {} weights do not fit", gaussians.size(), cameras.size(), clip_weights.size());
  const auto flat = [&](Tensor Gaussians::*field) { return stacked(gaussians, field).flatten(0, 1); };
  Gaussians all;
  all.means = flat(&Gaussians::means), all.opacities = flat(&Gaussians::opacities), all.sh = flat(&Gaussians::sh);
  const RenderingLoss loss = surface_loss(all, concatenate(cameras), truth, static_cast<int64_t>(gaussians.size()));
  const Tensor total = loss.rgb + weights.alpha * loss.alpha + weights.depth * loss.depth;
  return (total * on_device(clip_weights, total)).mean();
}

std::vector<Tensor> supervision_rows(const Tensor& photos, const Supervision& supervision, const SupervisedRendering& rendered) {
  std::vector<Tensor> rows;
  for (int64_t i = 0; i < photos.size(0); ++i) {
    const auto own = [&](const Tensor& images) { return images.narrow(0, i * supervision.views, supervision.views); };
    rows.push_back(at::cat({photos.narrow(0, i, 1).narrow(1, 0, 3), own(supervision.targets.rgb), own(rendered.renderings.rgb)}));
  }
  return rows;
}

}  // namespace gsv3d
