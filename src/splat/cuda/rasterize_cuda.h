// The binding of the CUDA kernels to tensors and autograd: the counterpart of rasterize_function.h for tensors on a GPU.
#pragma once

#include "splat/cuda/kernels.h"
#include "splat/rasterize_function.h"

namespace gsv3d::splat_cuda {

struct RasterizeSettings {
  int64_t width, height;
  RasterizeOptions options;
  bool median_depth = false;
  bool need_gradients = true;  ///< false: nothing is kept for the way back
};

/// Tensors on one GPU; `scenes` on the CPU. → as gsv3d::rasterize_joined, and median_depth [C, 1, H, W] where asked for.
struct CudaRendering {
  Rendering rendering;
  Tensor median_depth;
};
CudaRendering rasterize_joined(const RasterizeTensors& tensors, const RasterizeSettings& settings);

/// The stream on which LibTorch works on this device.
Stream current_stream(const at::Device& device);

}  // namespace gsv3d::splat_cuda
