// Which instruction sets this processor has; vector_targets.inc compiles kernels for each.
#pragma once

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace gsv3d::splat_cpu {

/// Instruction sets that kernels are compiled for.
enum class VectorTarget { kPortable, kAvx2, kAvx512 };

/// The widest of this processor's, but no wider than `widest`.
inline VectorTarget available_target([[maybe_unused]] VectorTarget widest) {
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
  static const bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
  static const bool has_avx512 = has_avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                                 __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  if (has_avx512 && widest >= VectorTarget::kAvx512) return VectorTarget::kAvx512;
  if (has_avx2 && widest >= VectorTarget::kAvx2) return VectorTarget::kAvx2;
#endif
  return VectorTarget::kPortable;
}

}  // namespace gsv3d::splat_cpu
