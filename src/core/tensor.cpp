#include "core/tensor.h"

#include <ATen/CPUGeneratorImpl.h>

namespace gsv3d {

at::Generator make_generator(uint64_t seed) {
  return at::detail::createCPUGenerator(seed);
}

Tensor randn(at::IntArrayRef shape, const at::Generator& generator) {
  return at::randn(shape, generator, at::TensorOptions().dtype(at::kFloat));
}

}  // namespace gsv3d
