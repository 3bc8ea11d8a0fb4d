#include "core/tensor.h"

#include <ATen/CPUGeneratorImpl.h>

namespace gsv3d {

at::Generator make_generator(uint64_t seed) {
  return at::detail::createCPUGenerator(seed);
}

Tensor randn(at::IntArrayRef shape, const at::Generator& generator) {
  return at::randn(shape, generator, at::TensorOptions().dtype(at::kFloat));
}

Tensor seeded_randn(at::IntArrayRef shape, uint64_t seed, at::Device device) {
  if (device.is_cpu()) return randn(shape, make_generator(seed));
  at::Generator generator = at::globalContext().defaultGenerator(device).clone();
  generator.set_current_seed(seed);
  return at::randn(shape, generator, at::TensorOptions().dtype(at::kFloat).device(device));
}

}  // namespace gsv3d
