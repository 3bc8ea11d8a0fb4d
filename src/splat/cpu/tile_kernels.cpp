#include "splat/cpu/tile_kernels.h"

#include <bit>
#include <limits>

#define GSV3D_INLINE inline __attribute__((always_inline))

namespace gsv3d::splat_cpu {

// The compiler decides about vector types while it reads a function, so that each instruction set needs its own reading.
// GSV3D_BITS turns `mask` into one bit per element.
namespace portable {
constexpr int kWidth = 4;
#include "splat/cpu/tile_kernels.inc"
}  // namespace portable

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define GSV3D_TILE_KERNELS_X86
#pragma GCC push_options
#pragma GCC target("avx2,fma,bmi,bmi2,lzcnt,popcnt")
namespace avx2 {
constexpr int kWidth = 8;
#define GSV3D_BITS __builtin_ia32_movmskps256((Floats)mask)
#include "splat/cpu/tile_kernels.inc"
#undef GSV3D_BITS
}  // namespace avx2
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi,bmi2,lzcnt,popcnt")
namespace avx512 {
constexpr int kWidth = 16;
#define GSV3D_BITS __builtin_ia32_cvtd2mask512(mask)
#include "splat/cpu/tile_kernels.inc"
#undef GSV3D_BITS
}  // namespace avx512
#pragma GCC pop_options
#endif

const TileKernels& tile_kernels(VectorTarget widest) {
#ifdef GSV3D_TILE_KERNELS_X86
  static const bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
  static const bool has_avx512 = has_avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                                 __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  if (has_avx512 && widest >= VectorTarget::kAvx512) return avx512::kKernels;
  if (has_avx2 && widest >= VectorTarget::kAvx2) return avx2::kKernels;
#endif
  return portable::kKernels;
}

}  // namespace gsv3d::splat_cpu
