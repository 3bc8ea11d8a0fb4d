// Gaussians → splats: covariance, perspective projection (EWA), colour from spherical harmonics, and the way back for gradients.
#pragma once

#include "splat/cpu/layout.h"

namespace gsv3d::splat_cpu {

struct ProjectionParameters {
  GaussianArrays gaussians;
  const SceneRange* scenes;
  int64_t scene_count;
  const View* views;
  Grid grid;
  bool antialiased;
  int threads;
};

/// Writes every splat of every view; those outside [near, far], outside the image or too faint are culled.
void project_forward(const ProjectionParameters& parameters, float near_plane, float far_plane, Splat* splats);

struct ProjectionGradients {
  float* means;             ///< [G, 3]; every array is overwritten
  float* quats;             ///< [G, 4]
  float* scales;            ///< [G, 3]
  float* opacities;         ///< [G]
  float* colors;            ///< as GaussianArrays::colors
  float* world_to_cameras;  ///< [V, 4, 4], the last row zero; or null
};

/// Adds up the moments of each splat's slots [first_slot[i], first_slot[i + 1]) and carries them back to the Gaussians and
/// cameras.
void project_backward(const ProjectionParameters& parameters, const Splat* splats, const int32_t* first_slot,
                      const SplatMoments* moments, const ProjectionGradients& gradients);

}  // namespace gsv3d::splat_cpu
