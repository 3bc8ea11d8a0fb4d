// The second of the two ways in which kernels use what the processor has: tile_kernels.inc is written in vectors; what goes
// through run_with_avx2 is plain code, compiled twice. Without fused multiply-add, so that both copies give the same bits, and so
// do two functions that inline the same lines: counting the tiles of a splat and listing them must agree. (GCC's target_clones
// would do much the same by ifunc, which sanitizers do not survive.)
#pragma once

namespace gsv3d::splat_cpu {

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)

template <auto kBody, class... Arguments>
__attribute__((target("avx2,bmi,bmi2"), flatten)) void body_with_avx2(const Arguments&... arguments) {
  kBody(arguments...);
}

/// Calls kBody(arguments...), in a copy compiled for AVX2 where the processor has that.
template <auto kBody, class... Arguments>
void run_with_avx2(const Arguments&... arguments) {
  static const bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
  if (has_avx2)
    body_with_avx2<kBody>(arguments...);
  else
    kBody(arguments...);
}

#else

template <auto kBody, class... Arguments>
void run_with_avx2(const Arguments&... arguments) {
  kBody(arguments...);
}

#endif

}  // namespace gsv3d::splat_cpu
