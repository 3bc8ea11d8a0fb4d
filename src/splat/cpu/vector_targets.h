// Kernels compiled for several instruction sets in one file; the loader picks one when the program starts.
#pragma once

#include <bit>
#include <cstdint>

// GCC writes the choice as an ifunc, which the sanitizers' start-up code cannot survive, and only GCC ≥ 12 knows the x86-64
// levels here.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 12 && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define GSV3D_VECTOR_TARGETS __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define GSV3D_VECTOR_TARGETS
#endif

// Helpers of such kernels must be part of each copy.
#define GSV3D_INLINE inline __attribute__((always_inline))

namespace gsv3d::splat_cpu {

// Choices inside vectorised loops, without `?:`: GCC turns that into branches with stores, which it then cannot vectorise.
/// All bits set where the condition holds.
GSV3D_INLINE int32_t mask(bool condition) {
  return -static_cast<int32_t>(condition);
}
/// `value` where the mask is set, else 0.
GSV3D_INLINE float keep(int32_t mask, float value) {
  return std::bit_cast<float>(mask & std::bit_cast<int32_t>(value));
}
GSV3D_INLINE int32_t choose(int32_t mask, int32_t yes, int32_t no) {
  return (mask & yes) | (~mask & no);
}
GSV3D_INLINE float choose(int32_t mask, float yes, float no) {
  return std::bit_cast<float>(choose(mask, std::bit_cast<int32_t>(yes), std::bit_cast<int32_t>(no)));
}

}  // namespace gsv3d::splat_cpu
