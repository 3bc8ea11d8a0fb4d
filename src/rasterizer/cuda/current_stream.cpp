// The one file of this folder that needs LibTorch's CUDA library.
#include <c10/cuda/CUDAStream.h>

#include "rasterizer/cuda/rasterize_cuda.h"

namespace gsv3d::splat_cuda {

Stream current_stream(const at::Device& device) {
  return c10::cuda::getCurrentCUDAStream(device.index()).stream();
}

}  // namespace gsv3d::splat_cuda
