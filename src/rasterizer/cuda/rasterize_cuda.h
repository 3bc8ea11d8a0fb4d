// The binding of the CUDA kernels to tensors and autograd: the counterpart of rasterize_function.h for tensors on a GPU.
#pragma once

#include "rasterizer/cuda/kernels.h"
#include "rasterizer/rasterize_function.h"

namespace gsv3d::splat_cuda {

/// gsv3d::rasterize_joined for tensors on one GPU; `scenes` on the CPU.
Rendering rasterize_joined(const RasterizeTensors& tensors, int64_t width, int64_t height, const RasterizeOptions& options);

/// The stream on which LibTorch works on this device.
Stream current_stream(const at::Device& device);

}  // namespace gsv3d::splat_cuda
