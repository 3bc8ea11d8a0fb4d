// Checkpoints as users have them, made for tests: the toy model under official names, and full-size ones whose data is a hole.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>

#include "core/config.h"
#include "core/safetensors.h"
#include "toy_model.h"

namespace gsv3d::testing {

/// A safetensors file of float32 tensors with these names and shapes and no data on the disk: only its header can be used.
inline void write_hollow(const std::filesystem::path& path, const std::map<std::string, std::vector<int64_t>>& shapes) {
  nlohmann::json header;
  uint64_t offset = 0;
  for (const auto& [name, shape] : shapes) {
    uint64_t bytes = 4;
    for (const int64_t extent : shape) bytes *= static_cast<uint64_t>(extent);
    header[name] = {{"dtype", "F32"}, {"shape", shape}, {"data_offsets", {offset, offset + bytes}}};
    offset += bytes;
  }
  const std::string text = header.dump();
  const uint64_t size = text.size();
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(&size), 8);
  file << text;
  file.close();
  std::filesystem::resize_file(path, 8 + size + offset);
}

/// The toy model's tensors as Stability AI would have named them, float32, with the official file's tensors that nobody uses.
inline NamedTensors official_toy_checkpoint(const std::filesystem::path& toy_model) {
  NamedTensors tensors;
  const auto add = [&](const char* part, const auto& rename) {
    for (const auto& [name, tensor] : read_safetensors(toy_model / (std::string(part) + ".safetensors")))
      tensors.emplace(rename(name), tensor.to(at::kFloat));
  };
  add("unet", [](const std::string& name) { return "model.diffusion_model." + name; });
  add("image_embedder", [](const std::string& name) { return "conditioner.embedders.0.open_clip.model." + name; });
  add("vae", [](const std::string& name) {
    return name.starts_with("decoder.") ? "first_stage_model." + name : "conditioner.embedders.1.encoder." + name;
  });
  tensors.emplace("conditioner.embedders.1.encoder.decoder.conv_in.weight", at::zeros({2, 2}));
  tensors.emplace("conditioner.embedders.1.encoder.post_quant_conv.bias", at::zeros({4}));
  tensors.emplace("conditioner.embedders.0.open_clip.model.ln_final.bias", at::zeros({4}));
  return tensors;
}

}  // namespace gsv3d::testing
