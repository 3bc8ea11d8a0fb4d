// Runs CUDA kernels on the CPU, for tests: the .cu files are compiled as C++ with this header in the place of CUDA's. One block
// runs at a time; each of its threads is a fiber with a stack of its own, and barriers and warp operations switch between them.
// Slow, but the code is the very one that a GPU runs: indices, shared memory, barriers and reductions are all put to the test.
// Fibers run in an order drawn from a seed, so that a missing barrier shows up as a difference between seeds. Only what the
// kernels use is here.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __shared__ static  // one block at a time

struct float2 {
  float x, y;
};
struct alignas(16) float4 {
  float x, y, z, w;
};
inline float4 make_float4(float x, float y, float z, float w) {
  return {x, y, z, w};
}

namespace cuda_emulation {

struct Index {
  unsigned x = 0;
};
extern Index thread_index, block_index;

/// Order in which the fibers of a block run from here on.
void set_seed(unsigned seed);
/// Runs one block; throws std::logic_error when its threads wait for different things or never all arrive.
void run_block(unsigned block, int threads, const std::function<void()>& body);

/// Waits for all threads of the block; → whether `value` holds for all of them.
bool block_all(bool value);
/// Waits for the calling thread's warp and hands out what each lane brought. The result lives until the warp's next call.
const uint64_t* exchange(uint64_t value);
int lane();

template <class Value>
uint64_t to_bits(Value value) {
  static_assert(sizeof(Value) <= sizeof(uint64_t));
  uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof(value));
  return bits;
}
template <class Value>
Value from_bits(uint64_t bits) {
  Value value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

}  // namespace cuda_emulation

#define threadIdx (::cuda_emulation::thread_index)
#define blockIdx (::cuda_emulation::block_index)

inline void __syncthreads() {
  cuda_emulation::block_all(true);
}
inline int __syncthreads_and(int value) {
  return cuda_emulation::block_all(value != 0);
}
template <class Value>
Value __shfl_xor_sync(unsigned, Value value, int mask) {
  const int lane = cuda_emulation::lane();
  return cuda_emulation::from_bits<Value>(cuda_emulation::exchange(cuda_emulation::to_bits(value))[lane ^ mask]);
}
inline unsigned __ballot_sync(unsigned, int value) {
  const uint64_t* all = cuda_emulation::exchange(value != 0);
  unsigned bits = 0;
  for (int i = 0; i < 32; ++i) bits |= static_cast<unsigned>(all[i]) << i;
  return bits;
}
inline int __any_sync(unsigned mask, int value) {
  return __ballot_sync(mask, value) != 0;
}
inline int __reduce_max_sync(unsigned, int value) {
  const uint64_t* all = cuda_emulation::exchange(cuda_emulation::to_bits(value));
  int largest = value;
  for (int i = 0; i < 32; ++i) largest = std::max(largest, cuda_emulation::from_bits<int>(all[i]));
  return largest;
}

inline int __ffs(unsigned value) {
  return value ? std::countr_zero(value) + 1 : 0;
}
inline int __clz(unsigned value) {
  return std::countl_zero(value);
}
inline unsigned __float_as_uint(float value) {
  return std::bit_cast<unsigned>(value);
}
inline float atomicAdd(float* address, float value) {
  const float old = *address;
  *address += value;
  return old;
}
inline unsigned long long atomicMax(unsigned long long* address, unsigned long long value) {
  const auto old = *address;
  *address = std::max(old, value);
  return old;
}

enum cudaError_t { cudaSuccess = 0, cudaErrorInvalidConfiguration = 9 };
enum cudaMemcpyKind { cudaMemcpyDeviceToHost };
inline const char* cudaGetErrorString(cudaError_t error) {
  return error == cudaSuccess ? "no error" : "invalid configuration argument";
}
inline cudaError_t cudaMemsetAsync(void* memory, int value, size_t bytes, void*) {
  if (bytes > 0) std::memset(memory, value, bytes);  // no bytes: the address may be null, which memset does not take
  return cudaSuccess;
}
inline cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind, void*) {
  if (bytes > 0) std::memcpy(to, from, bytes);
  return cudaSuccess;
}
inline cudaError_t cudaStreamSynchronize(void*) {
  return cudaSuccess;
}

struct CUstream_st;
namespace gsv3d::splat_cuda {

using std::max;
using std::min;

template <class... Parameters, class... Arguments>
int launch(void (*kernel)(Parameters...), int64_t blocks, int threads, CUstream_st*, const Arguments&... arguments) {
  for (int64_t block = 0; block < blocks; ++block)
    cuda_emulation::run_block(static_cast<unsigned>(block), threads, [&] { kernel(arguments...); });
  return cudaSuccess;
}

}  // namespace gsv3d::splat_cuda
