// Front-to-back blending of each tile's splats, and its gradient.
#pragma once

#include "rasterizer/cpu/layout.h"

namespace gsv3d::splat_cpu {

/// What both directions read.
struct BlendInputs {
  const Splat* splats;
  const ViewRange* views;
  int64_t view_count;
  const TileEntry* entries;
  const int32_t* tile_offsets;
  const float* backgrounds;  ///< [V, 3]
  Grid grid;
  int threads;
  VectorTarget target = VectorTarget::kAvx512;  ///< the widest that may be used; narrower where the processor has less
};

/// Planes of V images, H·W floats each.
struct BlendOutputs {
  float* rgb;            ///< [V, 3, H, W]
  float* alpha;          ///< [V, 1, H, W]
  float* depth;          ///< [V, 1, H, W]; null: not written
  float* median_depth;   ///< [V, 1, H, W] z of the first splat behind which T < 0.5, else 0; null: not written
  float* transmittance;  ///< [V, H, W] what is left behind the last splat
  int32_t* last;         ///< [V, H, W] one past the last entry that contributed, counted from the start of the tile's list
};

void blend_forward(const BlendInputs& in, const BlendOutputs& out);

struct BlendGradients {
  const float* transmittance;  ///< as written by blend_forward
  const int32_t* last;
  const float* v_rgb;  ///< gradients of the outputs, same layout; null: zero
  const float* v_alpha;
  const float* v_depth;
};

/// Writes every slot of `moments` once; see project_backward for what follows.
void blend_backward(const BlendInputs& in, const BlendGradients& gradients, SplatMoments* moments);

}  // namespace gsv3d::splat_cpu
