// The projection of a run of Gaussians and its gradient, in vectors of Gaussians. The arithmetic is that of rasterizer/math/,
// which the CUDA kernels call one Gaussian at a time and which the tests hold against this.
#pragma once

#include "rasterizer/cpu/projection.h"
#include "rasterizer/math/projection.h"
#include "rasterizer/math/projection_gradient.h"

namespace gsv3d::splat_cpu {

/// Of one camera; in double because very many Gaussians add to it.
using ViewGradient = splat_math::ViewGradient<double>;

/// A run's Gaussians, one array per quantity, so that vectors load them. What lies beyond the last one is zero.
struct alignas(64) GaussianRun {
  float mean[3][kGaussianChunk], quat[4][kGaussianChunk], scale[3][kGaussianChunk], opacity[kGaussianChunk];
  float covariance[6][kGaussianChunk];                       ///< xx, xy, xz, yy, yz, zz
  float color[3 * splat_math::kMaxShCount][kGaussianChunk];  ///< the first 3 · max(sh_count, 1) are filled
};

/// Gradients of a run's Gaussians, collected over its views.
struct alignas(64) GaussianRunGradient {
  float mean[3][kGaussianChunk], s[kGaussianChunk];          ///< s: Σ dL/dσ, from which the opacity's follows
  float scale[3][kGaussianChunk], quat[4][kGaussianChunk];   ///< filled at the end; s is dL/dopacity then
  float covariance[6][kGaussianChunk];                       ///< of the full symmetric matrix, in the order of GaussianRun
  float color[3 * splat_math::kMaxShCount][kGaussianChunk];  ///< with at most one coefficient: Σ over the views of dL/dcolour
};

struct ProjectionKernels {
  /// The run of `chunk` in all views of its scene.
  void (*forward)(const ProjectionParameters& in, const splat_math::DrawRules& rules, const GaussianChunk& chunk, Splat* splats);
  /// Overwrites the gradients of the chunk's Gaussians; v_views: null or one for each of the scene's views, overwritten.
  void (*backward)(const ProjectionParameters& in, const GaussianChunk& chunk, const int32_t* first_slot,
                   const SplatMoments* moments, const ProjectionGradients& out, ViewGradient* v_views);
};

/// Those for the widest instructions of this processor, but no wider than `widest`.
const ProjectionKernels& projection_kernels(VectorTarget widest);

/// Fills all of `run` but its covariance.
void load_run(const GaussianArrays& gaussians, const GaussianChunk& chunk, GaussianRun& run);

}  // namespace gsv3d::splat_cpu
