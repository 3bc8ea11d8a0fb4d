// The 2D UNet against ldm's numbers (goldens/text/README.md gives the tolerance).
#include <c10/core/GradMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "diffusion/savings.h"
#include "diffusion/unet2d.h"
#include "errors.h"
#include "goldens.h"
#include "nn/layers.h"

namespace gsv3d {
namespace {

constexpr const char* prefix = "model.diffusion_model.";

/// Without keys that say what every Stable Diffusion 2.x has in common.
UNet2DConfig golden_config(const SafetensorsFile& file) {
  Json json = testing::golden_metadata(file, "config");
  EXPECT_TRUE(json.at("use_linear_in_transformer").get<bool>());
  for (const char* key : {"use_linear_in_transformer", "use_checkpoint", "spatial_transformer_attn_type"}) json.erase(key);
  return config_from_json<UNet2DConfig>(json, "golden config");
}

UNet2D golden_unet(const std::filesystem::path& weights) {
  const auto store = nn::ParameterStore::from_file(weights, at::kFloat, at::kCPU, prefix);
  UNet2D unet(golden_config(SafetensorsFile(weights)), nn::Scope(store));
  store->check_all_used();
  return unet;
}

TEST(UNet2DGolden, OutputAndActivations) {
  GSV3D_GOLDEN_OR_SKIP(weights, "text/unet2d.weights.safetensors");
  GSV3D_GOLDEN_OR_SKIP(golden, "text/unet2d.golden.safetensors");
  const c10::NoGradGuard no_grad;
  const UNet2D unet = golden_unet(weights);
  const NamedTensors io = read_safetensors(golden);
  NamedTensors activations;
  const Tensor out = unet({.x = io.at("x"), .timesteps = io.at("timesteps"), .context = io.at("context")}, &activations);
  testing::expect_close(out, io.at("out"), 2e-5, "out");
  UNetMemory memory;
  for (int call = 0; call < 2; ++call)
    EXPECT_TRUE(
        at::equal(unet({.x = io.at("x"), .timesteps = io.at("timesteps"), .context = io.at("context"), .memory = &memory}), out));
  EXPECT_EQ(memory.constants.empty(), !savings().once_per_run);
  activations["middle_block"] = activations.at("middle_block.2");
  size_t compared = 0;
  for (const auto& [name, expected] : io) {
    if (!name.starts_with("feat/")) continue;
    ASSERT_TRUE(activations.count(name.substr(5))) << name << " was not recorded";
    testing::expect_close(activations.at(name.substr(5)), expected, 2e-5, name);
    ++compared;
  }
  EXPECT_GE(compared, 3u);
  testing::expect_close(nn::sinusoidal_embedding(io.at("timesteps"), io.at("timestep_embedding").size(1)),
                        io.at("timestep_embedding"), 1e-6, "timestep_embedding");
}

TEST(UNet2DGolden, StreamedWeightsGiveTheSame) {
  GSV3D_GOLDEN_OR_SKIP(weights, "text/unet2d.weights.safetensors");
  GSV3D_GOLDEN_OR_SKIP(golden, "text/unet2d.golden.safetensors");
  const c10::NoGradGuard no_grad;
  NamedTensors stripped;
  for (const auto& [name, tensor] : read_safetensors(weights)) stripped[name.substr(std::string(prefix).size())] = tensor;
  const auto host = nn::ParameterStore::from_tensors(stripped, "golden");
  const UNet2D streamed(golden_config(SafetensorsFile(weights)), nn::Scope(host), nn::Streaming{});
  const NamedTensors io = read_safetensors(golden);
  const UNet2D::Input input{.x = io.at("x"), .timesteps = io.at("timesteps"), .context = io.at("context")};
  EXPECT_TRUE(at::equal(streamed(input), golden_unet(weights)(input)));
}

/// The full-size model without memory: every parameter of Stable Diffusion 2.x's UNet, and no other.
TEST(UNet2DNamesGolden, OfficialParameterNames) {
  GSV3D_GOLDEN_OR_SKIP(path, "text/key_inventory_sd21.json");
  const auto store = nn::ParameterStore::meta();
  const UNet2D unet(UNet2DConfig{}, nn::Scope(store, std::string(prefix).substr(0, std::string(prefix).size() - 1)));
  std::map<std::string, std::vector<int64_t>> ours, listed;
  for (const auto& [name, tensor] : store->parameters()) ours[name] = tensor.sizes().vec();
  const Json inventory = read_json_file(path).at("sd21_ldm");
  for (const auto& [name, shape] : inventory.items())
    if (name.starts_with(prefix)) listed[name] = shape.get<std::vector<int64_t>>();
  EXPECT_EQ(ours, listed);
}

TEST(UNet2D, SaysWhichShapeIsWrong) {
  UNet2DConfig config;
  config.model_channels = 32, config.channel_mult = {1, 1}, config.num_res_blocks = 1, config.num_head_channels = 16,
  config.context_dim = 8;
  const UNet2D unet(config, nn::Scope(nn::ParameterStore::random(1)));
  const auto message = [&](at::IntArrayRef x, at::IntArrayRef times, at::IntArrayRef context) {
    return testing::error_of([&] { unet({.x = at::zeros(x), .timesteps = at::zeros(times), .context = at::zeros(context)}); });
  };
  EXPECT_THAT(message({1, 3, 4, 4}, {1}, {1, 5, 8}), ::testing::HasSubstr("x must be [B, 4, h, w]"));
  EXPECT_THAT(message({1, 4, 5, 4}, {1}, {1, 5, 8}), ::testing::HasSubstr("not a multiple of 2"));
  EXPECT_THAT(message({2, 4, 4, 4}, {1}, {2, 5, 8}), ::testing::HasSubstr("timesteps must be [2]"));
  EXPECT_THAT(message({2, 4, 4, 4}, {2}, {1, 5, 8}), ::testing::HasSubstr("context must be [2, tokens, 8]"));
}

}  // namespace
}  // namespace gsv3d
