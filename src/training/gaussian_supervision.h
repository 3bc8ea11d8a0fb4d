// The 3D loss: renders decoded Gaussians where true views exist, and compares.
#pragma once

#include <vector>

#include "gaussians/gaussians.h"
#include "rasterizer/rasterizer.h"
#include "training/clip_batch.h"

namespace gsv3d {

struct RenderingWeights {
  double alpha = 0.5, depth = 0.2;
};

struct SupervisedRendering {
  Tensor loss;               ///< Σ clip_weight (rgb + alpha_weight · alpha + depth_weight · depth) / number of clips
  Tensor rgb, alpha, depth;  ///< detached unweighted means, for the log
  std::vector<Rendering> renderings;
};

/// One set of Gaussians, one weight and one supervision per clip; white background. At least one clip. A training loop passes
/// options with a workspace, always the same: fresh memory for each step costs a fifth of the rasterizer's time.
SupervisedRendering supervise(const std::vector<Gaussians>& gaussians, const Supervision& supervision,
                              const std::vector<double>& clip_weights, const RenderingWeights& weights,
                              const RasterizeOptions& options = {});

/// Mean over clips of clip_weight · (rgb + alpha_weight · alpha + depth_weight · depth) of surface_loss(): the Gaussians of each
/// clip against the views [N] they were decoded from, `cameras` one entry a clip, `truth` clip-major.
Tensor supervise_surface(const std::vector<Gaussians>& gaussians, const std::vector<Cameras>& cameras,
                         const TargetViews& truth, const std::vector<double>& clip_weights,
                         const RenderingWeights& weights);

/// Preview rows, one per clip: its photo, its target views, their renderings.
std::vector<Tensor> supervision_rows(const Tensor& photos, const Supervision& supervision, const SupervisedRendering& rendered);

}  // namespace gsv3d
