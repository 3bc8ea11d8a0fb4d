// Network weights that need no storage: every element follows from a hash of its tensor's name and its index (goldens
// sv3d/procedural_weights.py is the specification). A manifest lists names, shapes, amplitudes and offsets.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>

#include "core/config.h"
#include "core/safetensors.h"
#include "core/tensor.h"

namespace gsv3d::testing {

inline uint64_t splitmix64(uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

inline uint64_t fnv1a64(const std::string& text) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const unsigned char c : text) hash = (hash ^ c) * 0x100000001b3;
  return hash;
}

/// One tensor, float32, in [b - a, b + a).
inline Tensor procedural_tensor(const std::string& name, const std::vector<int64_t>& shape, float a, float b, uint64_t seed) {
  const Tensor tensor = at::empty(shape, at::kFloat);
  const uint64_t start = fnv1a64(name) ^ splitmix64(seed);
  float* values = tensor.mutable_data_ptr<float>();
  for (int64_t i = 0; i < tensor.numel(); ++i) {
    const float u = static_cast<float>(splitmix64(start + static_cast<uint64_t>(i)) >> 40) / 16777216.0f;
    values[i] = (2.0f * u - 1.0f) * a + b;  // the product is exact: one rounding, with or without fused multiply-add
  }
  return tensor;
}

/// The manifest's tensors whose full name starts with `prefix`; the prefix stays in the names.
inline NamedTensors procedural_weights(const std::filesystem::path& manifest, const std::string& prefix = "") {
  std::ifstream file(manifest);
  const nlohmann::json json = nlohmann::json::parse(file);
  const auto seed = json.at("seed").get<uint64_t>();
  NamedTensors tensors;
  for (const auto& [name, entry] : json.at("tensors").items()) {
    if (name.compare(0, prefix.size(), prefix) != 0) continue;
    tensors[name] = procedural_tensor(name, entry.at("shape").get<std::vector<int64_t>>(), entry.at("a").get<float>(),
                                      entry.at("b").get<float>(), seed);
  }
  return tensors;
}

}  // namespace gsv3d::testing
