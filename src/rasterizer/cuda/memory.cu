// Clearing and reading device memory, and the names of errors.
#include "rasterizer/cuda/device.cuh"
#include "rasterizer/cuda/kernels.h"

namespace gsv3d::splat_cuda {

const char* status_text(Status status) {
  return cudaGetErrorString(static_cast<cudaError_t>(status));
}

Status fill_zero(void* memory, size_t bytes, Stream stream) {
  return cudaMemsetAsync(memory, 0, bytes, stream);
}

Status read_back(void* host, const void* memory, size_t bytes, Stream stream) {
  const auto status = cudaMemcpyAsync(host, memory, bytes, cudaMemcpyDeviceToHost, stream);
  return status == cudaSuccess ? cudaStreamSynchronize(stream) : status;
}

}  // namespace gsv3d::splat_cuda
