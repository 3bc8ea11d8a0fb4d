#include "decoder/dinov2.h"

#include <c10/core/GradMode.h>

#include <cmath>

#include "core/config.h"
#include "core/device.h"
#include "core/error.h"
#include "decoder/dinov2_import.h"
#include "golden_sets.h"
#include "nn/layers.h"

namespace gsv3d {
namespace {

using testing::expect_close;
using testing::expect_near;

constexpr double tolerance = 3e-4;  // absolute; the reference's own float32 is within 2.3e-5 of its float64

Dinov2Config tiny_config(const SafetensorsFile& weights) {
  const auto number = [&](const char* key) { return testing::golden_metadata(weights, key).get<int64_t>(); };
  Dinov2Config config;
  config.embed_dim = number("embed_dim"), config.depth = number("depth"), config.num_heads = number("num_heads");
  config.patch_size = number("patch_size"), config.mlp_ratio = number("mlp_ratio");
  config.num_register_tokens = number("num_register_tokens");
  const char* positions = weights.contains("pos_embed") ? "pos_embed" : "embeddings.position_embeddings";
  const auto patches = static_cast<double>(weights.entries().at(positions).shape[1] - 1);
  config.pretrain_image_size = std::lround(std::sqrt(patches)) * config.patch_size;
  return config;
}

/// Normalises without resizing: squares by the function under test.
Tensor normalised(const Tensor& bytes) {
  if (bytes.size(-1) == bytes.size(-2)) return dinov2_preprocess(bytes.to(at::kFloat) / 255, bytes.size(-1));
  const Tensor mean = at::tensor({0.485f, 0.456f, 0.406f}).view({3, 1, 1}),
               deviation = at::tensor({0.229f, 0.224f, 0.225f}).view({3, 1, 1});
  return (bytes.to(at::kFloat) / 255 - mean) / deviation;
}

struct GoldenCase {
  std::string name;
  bool hugging_face;
};

class Dinov2Golden : public ::testing::TestWithParam<GoldenCase> {};

/// Every tensor of the golden file is asked for by name, so that none is passed over.
TEST_P(Dinov2Golden, AllSizesAndLayers) {
  const auto [name, hugging_face] = GetParam();
  const std::string stem = "dinov2/" + name;
  const std::string weights_name = stem + (hugging_face ? ".weights_hf.safetensors" : ".weights.safetensors");
  GSV3D_GOLDEN_OR_SKIP(weights_path, weights_name);
  GSV3D_GOLDEN_OR_SKIP(golden_path, stem + ".golden.safetensors");
  GSV3D_GOLDEN_OR_SKIP(inputs_path, "dinov2/inputs.safetensors");
  const c10::NoGradGuard no_grad;
  const NamedTensors goldens = read_safetensors(golden_path), inputs = read_safetensors(inputs_path);
  const auto store = nn::ParameterStore::from_tensors(dinov2_official_names(read_safetensors(weights_path)), weights_name);
  const SafetensorsFile weights(weights_path);
  const Dinov2Config config = tiny_config(weights);
  const Dinov2 network(config, nn::Scope(store));
  store->check_all_used();
  const nn::LayerNorm norm(nn::Scope(store) / "norm", config.embed_dim,
                           testing::golden_metadata(weights, "layernorm_eps").get<double>());

  const std::string block_prefix = "last_blocks.", every_prefix = "tokens0_every";
  size_t compared = 0, blocks = 0;
  for (const auto& [tensor, unused] : goldens)  // last_blocks.0 … , the earliest first
    if (const size_t at = tensor.find(block_prefix); at != std::string::npos)
      blocks = std::max(blocks, static_cast<size_t>(std::stoul(tensor.substr(at + block_prefix.size()))) + 1);
  for (const auto& [input, bytes] : inputs) {
    const std::string size = input.substr(std::string("image_").size());
    const Dinov2::Output output = network(normalised(bytes), static_cast<int64_t>(blocks));
    ASSERT_EQ(output.last_blocks.size(), blocks);
    const auto compare = [&, name = name](const std::string& tensor, const Tensor& actual) {
      const auto golden = goldens.find(size + "/" + tensor);
      if (golden == goldens.end()) return;
      expect_near(actual, golden->second, tolerance, name + " " + size + "/" + tensor);
      ++compared;
    };
    compare("tokens0", output.embedded);
    for (const auto& [tensor, unused] : goldens)  // every so many-th: "7th"
      if (tensor.starts_with(size + "/" + every_prefix)) {
        const std::string name_of = tensor.substr(size.size() + 1);
        compare(name_of, output.embedded.slice(1, 0, std::nullopt, std::stoll(name_of.substr(every_prefix.size()))));
      }
    compare("x_prenorm", output.prenorm);
    compare("x_norm_clstoken", output.class_token);
    compare("x_norm_regtokens", output.register_tokens);
    compare("x_norm_patchtokens", output.patch_tokens);
    for (size_t i = 0; i < blocks; ++i) {
      const std::string block = block_prefix + std::to_string(i);
      const Tensor& tokens = output.last_blocks[i];
      compare(block + ".cls_normed", norm(tokens).select(1, 0));
      compare(block + ".patch_normed", norm(tokens).slice(1, 1 + config.num_register_tokens));
      compare(block + ".map_unnormed", tokens.slice(1, 1 + config.num_register_tokens)
                                           .transpose(1, 2)
                                           .unflatten(2, {bytes.size(2) / config.patch_size, bytes.size(3) / config.patch_size}));
    }
  }
  EXPECT_EQ(compared, goldens.size());
}

/// Every network of the set, under both namings.
std::vector<GoldenCase> networks() {
  std::vector<GoldenCase> cases;
  for (const std::string& name : testing::golden_names("dinov2", ".golden.safetensors")) {
    cases.push_back({name, false});
    cases.push_back({name, true});
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(All, Dinov2Golden, ::testing::ValuesIn(networks()), [](const auto& info) {
  return testing::test_name(info.param.name + (info.param.hugging_face ? "_hugging_face" : "_official"));
});

TEST(Dinov2ImportGolden, BothSpellingsOfTheMapping) {
  GSV3D_GOLDEN_OR_SKIP(mapping_path, "dinov2/key_mapping_official_hf.json");
  for (const char* spelling : {"hf_on_disk", "hf_transformers5_in_memory"}) {
    NamedTensors source, expected;
    float next = 1;
    for (const auto& entry : read_json_file(mapping_path)) {
      const auto numbered = [](std::string name) {
        const size_t at = name.find("{i}");
        return at == std::string::npos ? name : name.replace(at, 3, "11");
      };
      std::vector<Tensor> parts;
      for (const auto& name : entry.at(spelling)) {
        parts.push_back(at::full({2}, next++));
        source["dinov2." + numbered(name.get<std::string>())] = parts.back();
      }
      const auto official = numbered(entry.at("official").get<std::string>());
      if (official != "mask_token") expected[official] = at::cat(parts);
    }
    const NamedTensors actual = dinov2_official_names(source);
    EXPECT_EQ(actual.size(), expected.size()) << spelling;
    for (const auto& [name, tensor] : expected) {
      ASSERT_TRUE(actual.count(name)) << spelling << " " << name;
      EXPECT_TRUE(at::equal(actual.at(name), tensor)) << spelling << " " << name;
    }
  }
}

TEST(Dinov2Import, ConfigurationOfThePublishedModels) {
  for (const auto& [width, depth, registers] : {std::tuple{384, 12, 0}, {768, 12, 4}, {1024, 24, 0}}) {
    Dinov2Config config;
    config.embed_dim = width, config.depth = depth, config.num_heads = width / 64, config.num_register_tokens = registers;
    const auto store = nn::ParameterStore::meta();
    const Dinov2 network(config, nn::Scope(store));
    EXPECT_EQ(config_to_json(dinov2_config_of(store->parameters())), config_to_json(config));
  }
}

TEST(Dinov2Import, StrangeFilesAreRefused) {
  const Tensor tensor = at::zeros({1});
  EXPECT_THROW(dinov2_official_names({{"visual.conv1.weight", tensor}}), Error);
  EXPECT_THROW(dinov2_official_names({{"encoder.layer.0.attention.attention.query.weight", tensor}}), Error);
  EXPECT_THROW(dinov2_config_of({{"pos_embed", tensor}}), Error);
}

TEST(Dinov2, PreprocessingNormalisesAndStaysInRange) {
  const Tensor white = at::ones({1, 3, 20, 30});
  const Tensor result = dinov2_preprocess(white, 28);
  EXPECT_EQ(result.sizes(), (std::vector<int64_t>{1, 3, 28, 28}));
  expect_near(result.mean({0, 2, 3}), at::tensor({2.2489083f, 2.4285715f, 2.64f}), 1e-5, "white");
  // A hard edge overshoots under bicubic interpolation; 8-bit pictures cannot.
  Tensor edge = at::zeros({1, 3, 8, 8});
  edge.narrow(3, 4, 4).fill_(1);
  EXPECT_LE(dinov2_preprocess(edge, 56).select(1, 0).max().item<float>(), 2.24891f);
}

TEST(Dinov2, TrainsInBfloat16WithFiniteGradients) {
  Dinov2Config config;
  config.patch_size = 8, config.embed_dim = 32, config.depth = 2, config.num_heads = 2, config.num_register_tokens = 2;
  config.pretrain_image_size = 32, config.image_size = 32;
  const auto store = nn::ParameterStore::random(1);
  const Dinov2 network(config, nn::Scope(store));
  store->set_requires_grad(true);
  const Tensor images = randn({2, 3, 32, 48}, make_generator(2));  // another grid than the table's: positions are interpolated
  const Tensor exact = network(images).patch_tokens;
  Tensor rounded;
  {
    const Autocast autocast(at::kCPU, at::kBFloat16);
    rounded = network(images).patch_tokens.to(at::kFloat);
    expect_close(rounded, exact, 0.05, "bfloat16");  // 8 bits of mantissa through two blocks
  }
  rounded.square().sum().backward();
  for (const auto& [name, parameter] : store->parameters()) {
    ASSERT_TRUE(parameter.grad().defined()) << name;
    EXPECT_TRUE(at::isfinite(parameter.grad()).all().item<bool>()) << name;
  }
  EXPECT_GT(store->parameters().at("pos_embed").grad().abs().sum().item<float>(), 0);
}

TEST(Dinov2, WrongShapesAreNamed) {
  Dinov2Config config;
  config.embed_dim = 16, config.depth = 1, config.num_heads = 2, config.pretrain_image_size = 28;
  const Dinov2 network(config, nn::Scope(nn::ParameterStore::random(1)));
  EXPECT_THROW(network(at::zeros({1, 3, 30, 28})), Error);
  EXPECT_THROW(network(at::zeros({1, 1, 28, 28})), Error);
}

}  // namespace
}  // namespace gsv3d
