// Gaussians → splats: covariance, perspective projection (EWA), colour from spherical harmonics, and the way back for gradients.
#pragma once

#include "rasterizer/cpu/layout.h"

namespace gsv3d::splat_cpu {

/// How colours are stored.
enum class ColorType { kFloat32, kFloat16, kBfloat16 };

/// All scenes' Gaussians, joined; arrays without gaps, float32 but for the colours.
struct GaussianArrays {
  const float* means;      ///< [G, 3]
  const float* quats;      ///< [G, 4] w, x, y, z, any length
  const float* scales;     ///< [G, 3]
  const float* opacities;  ///< [G]
  const void* colors;      ///< [G, sh_count, 3] coefficients, or [G, 3] colours used as they are when sh_count is 0
  int sh_count;
  ColorType color_type = ColorType::kFloat32;
};

struct ProjectionParameters {
  GaussianArrays gaussians;
  const SceneRange* scenes;
  int64_t scene_count;
  const View* views;
  Grid grid;
  bool antialiased;
  int threads;
  VectorTarget target = VectorTarget::kAvx512;  ///< the widest that may be used; narrower where the processor has less
};

/// Writes every splat of every view; those outside [near, far], outside the image or too faint are culled.
void project_forward(const ProjectionParameters& parameters, float near_plane, float far_plane, Splat* splats);

/// Doubles of scratch that project_backward takes when it is asked for world_to_cameras.
int64_t project_backward_scratch(const ProjectionParameters& parameters);

struct ProjectionGradients {
  float* means;             ///< [G, 3]; every array is overwritten
  float* quats;             ///< [G, 4]
  float* scales;            ///< [G, 3]
  float* opacities;         ///< [G]
  float* colors;            ///< as GaussianArrays::colors
  float* world_to_cameras;  ///< [V, 4, 4], the last row zero; or null
  double* scratch;          ///< [project_backward_scratch], or null with world_to_cameras
};

/// Adds up the moments of each splat's slots [first_slot[i], first_slot[i + 1]) and carries them back to the Gaussians and
/// cameras.
void project_backward(const ProjectionParameters& parameters, const int32_t* first_slot, const SplatMoments* moments,
                      const ProjectionGradients& gradients);

}  // namespace gsv3d::splat_cpu
