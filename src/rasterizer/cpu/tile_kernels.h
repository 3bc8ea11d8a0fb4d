// The inner loops of blending, which take nearly all the time: one tile, its pixels in the layout of vector registers. Compiled
// for several instruction sets; the processor decides when the program runs.
#pragma once

#include "rasterizer/cpu/tile.h"

namespace gsv3d::splat_cpu {

/// The pixels of one block on the way forward. A pixel that has ended keeps its transmittance with a negative sign.
struct alignas(64) ForwardBlock {
  float transmittance[kBlockPixels], red[kBlockPixels], green[kBlockPixels], blue[kBlockPixels], depth[kBlockPixels];
  float median_depth[kBlockPixels];
  int32_t last[kBlockPixels];  ///< see BlendOutputs::last
};

/// On the way back: gradients of the pixel's outputs, the transmittance behind the splat that comes next and Σ weight·f of all
/// splats behind it (see blend_backward.cpp).
struct alignas(64) BackwardBlock {
  float red[kBlockPixels], green[kBlockPixels], blue[kBlockPixels], depth[kBlockPixels], alpha[kBlockPixels];
  float transmittance[kBlockPixels], behind[kBlockPixels];
  int32_t last[kBlockPixels];
};

/// Each takes the kBlocks blocks of a tile. `backward` writes the moments of all of the tile's entries.
struct TileKernels {
  void (*forward)(const Tile& tile, ForwardBlock* blocks);
  void (*forward_with_median)(const Tile& tile, ForwardBlock* blocks);
  void (*backward)(const Tile& tile, BackwardBlock* blocks, SplatMoments* moments);
  /// 2^-x of 16 numbers ≥ 0, relative error below 3e-7; flat beyond x = 120. The library's exp is a call per pixel.
  void (*exp2_negative)(const float* x, float* result);
};

/// Those for the widest instructions of this processor, but no wider than `widest`.
const TileKernels& tile_kernels(VectorTarget widest = VectorTarget::kAvx512);

}  // namespace gsv3d::splat_cpu
