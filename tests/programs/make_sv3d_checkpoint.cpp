// Writes a checkpoint of random weights with SV3D's or Stable Diffusion's official names and shapes, to try the import and the
// full-size networks without the real one.
//   make_sv3d_checkpoint KEYS.json OUTPUT.safetensors [fp32 | fp16 | bf16] [seed]
// KEYS.json: {"keys": {NAME: {"shape": [...]}}}, as tests/goldens/sv3d/keys_sv3d_*.json, or {"sd21_ldm": {NAME: [...]}}, as
// tests/goldens/text/key_inventory_sd21.json. One tensor is in memory at a time.
#include <fmt/core.h>

#include <exception>
#include <string>

#include "core/config.h"
#include "core/device.h"
#include "core/safetensors.h"

namespace {

using namespace gsv3d;

/// Weights that keep activations near 1: matrices uniform in ±sqrt(3 / fan-in)/2, norms 1, biases and the blend factors small.
Tensor random_weight(const std::string& name, const std::vector<int64_t>& shape, const at::Generator& generator) {
  if (shape.size() <= 1 && name.ends_with("weight")) return at::ones(shape);
  if (shape.size() <= 1) return 0.05 * randn(shape, generator);
  double fan_in = 1;
  for (size_t i = 1; i < shape.size(); ++i) fan_in *= static_cast<double>(shape[i]);
  const double bound = 0.5 * std::sqrt(3 / fan_in);
  return at::rand(shape, generator, at::TensorOptions().dtype(at::kFloat)).mul_(2 * bound).sub_(bound);
}

void write(const std::string& keys, const std::string& output, at::ScalarType dtype, uint64_t seed) {
  const Json file = read_json_file(keys);
  const Json inventory = file.contains("keys") ? file["keys"] : file.at("sd21_ldm");
  std::vector<SafetensorsWriter::Item> items;
  for (const auto& [name, entry] : inventory.items())
    items.push_back({name, dtype, (entry.is_array() ? entry : entry.at("shape")).get<std::vector<int64_t>>()});
  const at::Generator generator = make_generator(seed);
  SafetensorsWriter writer(output, items, {{"format", "pt"}});
  for (const auto& item : items) writer.add(random_weight(item.name, item.shape, generator).to(dtype));
  writer.commit();
  fmt::print("{}: {} tensors\n", output, items.size());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    fmt::print(stderr, "use: make_sv3d_checkpoint KEYS.json OUTPUT.safetensors [fp32 | fp16 | bf16] [seed]\n");
    return 2;
  }
  try {
    write(argv[1], argv[2], gsv3d::parse_dtype(argc > 3 ? argv[3] : "fp32"), argc > 4 ? std::stoull(argv[4]) : 1);
  } catch (const std::exception& error) {
    fmt::print(stderr, "make_sv3d_checkpoint: {}\n", error.what());
    return 1;
  }
}
