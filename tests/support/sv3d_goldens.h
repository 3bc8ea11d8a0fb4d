// The small SV3D models of the golden files: hyper-parameters from tiny_config.json, weights by the key of that file ("p", "u",
// "procedural").
#pragma once

#include <ATen/Parallel.h>

#include <memory>
#include <set>
#include <string>

#include "core/config.h"
#include "core/error.h"
#include "diffusion/autoencoder.h"
#include "diffusion/image_embedder.h"
#include "diffusion/sampler.h"
#include "diffusion/video_unet.h"
#include "goldens.h"
#include "nn/parameter_store.h"
#include "procedural_weights.h"

namespace gsv3d::testing {

/// A section of tiny_config.json as our config struct. Keys that only say what every SV3D model has in common are left out; any
/// other unknown key is still an error.
template <class T>
T sv3d_config(const Json& section) {
  static const std::set<std::string> common = {"num_classes",        "use_linear_in_transformer",
                                               "extra_ff_mix_layer", "use_spatial_context",
                                               "merge_strategy",     "video_kernel_size",
                                               "double_z",           "resolution",
                                               "attn_resolutions",   "dropout"};
  Json kept = Json::object();
  for (const auto& [key, value] : section.items())
    if (!common.count(key)) kept[key] = value;
  return config_from_json<T>(kept, "tiny_config.json");
}

/// expect_close that says how close it was, for the record.
inline void expect_golden(const Tensor& actual, const Tensor& expected, double relative_tolerance, const std::string& what) {
  expect_close(actual, expected, relative_tolerance, what);
  if (actual.sizes() != expected.sizes()) return;
  const double error = (actual.to(at::kDouble) - expected.to(at::kDouble)).abs().max().item<double>();
  const double scale = expected.abs().max().to(at::kDouble).item<double>();
  fmt::print("{:45} max error {:.1e}, relative to max {:.1e} (limit {:.0e})\n", what, error, scale > 0 ? error / scale : error,
             relative_tolerance);
}

/// One of the models.
struct Sv3dGoldenModel {
  VideoUNetConfig unet;
  AutoencoderConfig vae;
  ImageEmbedderConfig image_embedder;
  SamplerConfig sampler;
  std::vector<int64_t> vector_dimensions;
  NamedTensors weights;

  /// The parameters below a prefix of the checkpoint.
  nn::Scope scope(const std::string& prefix) const {
    return nn::Scope(nn::ParameterStore::from_tensors(weights, "golden checkpoint", at::kFloat, at::kCPU, prefix));
  }
  VideoUNet make_unet() const { return VideoUNet(unet, scope("model.diffusion_model.")); }
};

inline Json sv3d_image_embedder(Json section) {
  Json result = section.at("vision_cfg");
  result["embed_dim"] = section.at("embed_dim");
  return result;
}

/// Files that hold a model's weights; a later one replaces tensors of an earlier one. The procedural model's manifest is the
/// first.
inline std::vector<std::string> sv3d_weight_files(const std::string& key) {
  if (key == "procedural") return {"sv3d/procedural_1244.json"};
  if (key == "u") return {"sv3d/tiny_sv3d_p.safetensors", "sv3d/tiny_sv3d_u_override.safetensors"};
  return {"sv3d/tiny_sv3d_p.safetensors"};
}

inline bool has_sv3d_golden_model(const std::string& key) {
  for (const auto& file : sv3d_weight_files(key))
    if (golden(file).empty()) return false;
  return !golden("sv3d/tiny_config.json").empty();
}

/// Hyper-parameters alone.
inline Sv3dGoldenModel sv3d_golden_settings(const std::string& key) {
  const Json json = read_json_file(golden("sv3d/tiny_config.json")).at(key);
  Sv3dGoldenModel model;
  model.unet = sv3d_config<VideoUNetConfig>(json.at("unet"));
  model.vae = sv3d_config<AutoencoderConfig>(json.at("vae"));
  model.vae.scale_factor = json.at("scale_factor").get<double>();
  model.image_embedder = sv3d_config<ImageEmbedderConfig>(sv3d_image_embedder(json.at("clip")));
  model.sampler = sv3d_config<SamplerConfig>(json.at("sampler"));
  model.vector_dimensions = json.at("vector_dims").get<std::vector<int64_t>>();
  return model;
}

/// One thread: these networks are so small that two threads only wait for each other, 40 times as long on a busy machine.
inline Sv3dGoldenModel sv3d_golden_model(const std::string& key) {
  at::set_num_threads(1);
  Sv3dGoldenModel model = sv3d_golden_settings(key);
  for (const auto& file : sv3d_weight_files(key)) {
    const auto path = golden(file);
    for (auto& [name, tensor] : path.extension() == ".json" ? procedural_weights(path) : read_safetensors(path))
      model.weights[name] = tensor;
  }
  return model;
}

}  // namespace gsv3d::testing
