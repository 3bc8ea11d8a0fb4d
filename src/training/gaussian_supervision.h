// The 3D loss: renders decoded Gaussians where true views exist, and compares.
#pragma once

#include <vector>

#include "gaussians/gaussians.h"
#include "rasterizer/rasterizer.h"
#include "training/clip_batch.h"

namespace gsv3d {

struct RenderingWeights {
  double alpha = 0.5, depth = 0.2;
  double thickness = 0;  ///< of thickness_loss(), in one view of each clip
  double l1 = 0;         ///< mean absolute colour error beside the squared one
  double size = 0;       ///< mean standard deviation of the Gaussians, world units
  double opacity = 0;    ///< mean of o (1 - o): Gaussians should be there or not
};

struct SupervisedRendering {
  Tensor loss;                          ///< mean over clips of clip_weight · (rgb + Σ weight · other loss)
  Tensor rgb, alpha, depth, thickness;  ///< detached unweighted means, for the log; thickness is 0 when it has no weight
  Rendering renderings;                 ///< [B·V, ...], clip-major
};

/// One set of Gaussians (all of one count) and one weight per clip; white background. At least one clip. A training loop passes
/// options with a workspace, always the same: fresh memory for each step costs a fifth of the rasterizer's time.
SupervisedRendering supervise(const std::vector<Gaussians>& gaussians, const Supervision& supervision,
                              const std::vector<double>& clip_weights, const RenderingWeights& weights,
                              const RasterizeOptions& options = {});

/// Mean over clips of clip_weight · (rgb + alpha_weight · alpha + depth_weight · depth) of surface_loss(): the Gaussians of each
/// clip against the views they were decoded from, `truth` [B·N, ...].
Tensor supervise_surface(const std::vector<Gaussians>& gaussians, const std::vector<Cameras>& cameras, const TargetViews& truth,
                         const std::vector<double>& clip_weights, const RenderingWeights& weights);

/// Preview rows, one per clip: its photo [B, 3 or 4, S, S], its target views, their renderings.
std::vector<Tensor> supervision_rows(const Tensor& photos, const Supervision& supervision, const SupervisedRendering& rendered);

}  // namespace gsv3d
