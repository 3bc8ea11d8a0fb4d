// Splats as three float4s: one 16-byte access each.
#pragma once

#include "rasterizer/cuda/device.cuh"
#include "rasterizer/cuda/kernels.h"

namespace gsv3d::splat_cuda {

using splat_math::Splat;

__device__ __forceinline__ Splat load_splat(const float4* vectors) {
  const float4 p = vectors[0], q = vectors[1], r = vectors[2];
  return {p.x, p.y, p.z, p.w, q.x, q.y, q.z, q.w, r.x, r.y, r.z, r.w};
}

__device__ __forceinline__ void store_splat(const Splat& s, float4* vectors) {
  vectors[0] = make_float4(s.x, s.y, s.a, s.b);
  vectors[1] = make_float4(s.c, s.opacity, s.red, s.green);
  vectors[2] = make_float4(s.blue, s.depth, s.extent_x, s.extent_y);
}

}  // namespace gsv3d::splat_cuda
