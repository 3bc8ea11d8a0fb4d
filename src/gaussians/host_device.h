// Functions that the CPU kernels and the CUDA kernels share: one source, so that what the CPU's tests check is what a GPU runs.
#pragma once

#if defined(__CUDACC__)
#define GSV3D_HOST_DEVICE __host__ __device__ __forceinline__
#else
#define GSV3D_HOST_DEVICE inline
#endif

#if defined(__CUDA_ARCH__)
#define GSV3D_UNROLL _Pragma("unroll")
#else
#define GSV3D_UNROLL
#endif
