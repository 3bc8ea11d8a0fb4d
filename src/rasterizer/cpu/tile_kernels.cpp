#include "rasterizer/cpu/tile_kernels.h"

#include <bit>
#include <limits>

namespace gsv3d::splat_cpu {

#define GSV3D_KERNELS "rasterizer/cpu/tile_kernels.inc"
#include "rasterizer/cpu/vector_targets.inc"

const TileKernels& tile_kernels([[maybe_unused]] VectorTarget widest) {
#ifdef GSV3D_X86_TARGETS
  const auto target = available_target(widest);
  if (target == VectorTarget::kAvx512) return avx512::kKernels;
  if (target == VectorTarget::kAvx2) return avx2::kKernels;
#endif
  return portable::kKernels;
}

}  // namespace gsv3d::splat_cpu
