#include "core/fingerprint.h"

#include <fmt/format.h>

#include <cstring>

namespace gsv3d {
namespace {

constexpr uint64_t kFnvPrime = 1099511628211ull;

}  // namespace

uint64_t fingerprint(const void* data, size_t size, uint64_t start) {
  const auto* bytes = static_cast<const unsigned char*>(data);
  uint64_t hash = start;
  size_t i = 0;
  for (; i + 8 <= size; i += 8) {
    uint64_t word;
    std::memcpy(&word, bytes + i, 8);
    hash = (hash ^ word) * kFnvPrime;
    hash ^= hash >> 32;  // multiplication carries upwards only; without this the low bits would ignore the words' high bytes
  }
  for (; i < size; ++i) hash = (hash ^ bytes[i]) * kFnvPrime;
  return hash;
}

uint64_t fingerprint(std::string_view text, uint64_t start) {
  return fingerprint(text.data(), text.size(), start);
}

uint64_t fingerprint(const Tensor& tensor, uint64_t start) {
  const Tensor values = tensor.detach().to(at::kCPU).contiguous();
  const uint64_t sizes = fingerprint(values.sizes().data(), values.sizes().size() * sizeof(int64_t), start);
  return fingerprint(values.const_data_ptr(), values.nbytes(), sizes);
}

uint64_t fingerprint(const NamedTensors& tensors, uint64_t start) {
  uint64_t hash = start;
  for (const auto& [name, tensor] : tensors) hash = fingerprint(tensor, fingerprint(name, hash));
  return hash;
}

std::string fingerprint_text(uint64_t value) {
  return fmt::format("{:016x}", value);
}

}  // namespace gsv3d
