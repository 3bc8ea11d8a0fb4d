#include "models/model_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/atomic_file.h"
#include "core/error.h"
#include "errors.h"
#include "goldens.h"
#include "models/lora_file.h"
#include "models/quantize_model.h"
#include "pipeline/pipeline.h"
#include "toy_model.h"

namespace gsv3d {
namespace {

using ::testing::AllOf;
using testing::error_of;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::TemporaryFolder;
using testing::toy_config;

class ModelFolder : public ::testing::Test {
 protected:
  void SetUp() override { initialise_model(model(), toy_config(), 1); }
  std::filesystem::path model() const { return folder_ / "toy"; }
  std::filesystem::path file(const std::string& part) const { return model() / (part + ".safetensors"); }
  std::string load_error() const {
    return error_of([&] { load_model(model(), {}); });
  }
  /// Rewrites one of the model's files with changed tensors.
  void edit(const std::string& part, const std::function<void(NamedTensors&)>& change) const {
    NamedTensors copies;
    for (const auto& [name, tensor] : read_safetensors(file(part))) copies.emplace(name, tensor.clone());
    change(copies);
    write_safetensors(file(part), copies);
  }
  void edit_config(const std::function<void(Json&)>& change) const {
    Json json = read_json_file(model() / "config.json");
    change(json);
    write_json_file(model() / "config.json", json);
  }

 private:
  TemporaryFolder folder_;
};

TEST_F(ModelFolder, LoadsEveryPart) {
  const Model model = load_model(this->model(), {});
  EXPECT_TRUE(model.vae_encoder && model.vae_decoder && model.image_embedder && model.unet && model.dino &&
              model.gaussian_decoder);
  EXPECT_FALSE(model.distilled);
  EXPECT_EQ(model.config.frames, 3);
  EXPECT_EQ(model.config.unet.adm_in_channels, 24);
}

TEST_F(ModelFolder, QuantizedCopyComputesNearlyTheSame) {
  testing::initialise_toy_model(model(), 1);
  const std::filesystem::path smaller = model().string() + " smaller";
  const auto parts = quantize_model(model(), smaller, {"unet", "vae"});
  ASSERT_EQ(parts.size(), 2u);
  for (const QuantizedPart& part : parts) {
    EXPECT_EQ(part.bytes_after, std::filesystem::file_size(smaller / (part.name + ".safetensors")));
    EXPECT_LT(part.relative_error, 0.01) << part.name;  // uniform error of a step that is a 127th of a row's largest: 0.4 %
  }
  EXPECT_LT(parts[0].bytes_after, parts[0].bytes_before);
  EXPECT_GT(parts[0].relative_error, 1e-4);
  const Tensor latents = randn({2, 4, 8, 8}, make_generator(2));
  const auto decoded = [&](const std::filesystem::path& folder) { return decode_views(load_model(folder, {}), latents); };
  const Tensor exact = decoded(model());
  EXPECT_LT((decoded(smaller) - exact).norm().item<double>() / exact.norm().item<double>(), 0.02);
  EXPECT_THAT(error_of([&] { quantize_model(model(), smaller, {"unet"}); }), HasSubstr("exists already"));
  const std::filesystem::path other = model().string() + " other";
  EXPECT_THAT(error_of([&] { quantize_model(model(), other, {"nothing"}); }), HasSubstr("nothing.safetensors: not there"));
  EXPECT_FALSE(std::filesystem::exists(other));
}

TEST_F(ModelFolder, ConfigSurvivesTheRoundTrip) {
  EXPECT_EQ(config_to_json(read_model_config(model())), config_to_json(toy_config()));
}

TEST_F(ModelFolder, MissingFileLeavesThePartEmptyAndIsNamedWhenNeeded) {
  std::filesystem::remove(file("unet"));
  const Model model = load_model(this->model(), {});
  EXPECT_FALSE(model.unet);
  EXPECT_THAT(error_of([&] { require_parts(model, {"vae", "unet"}); }), HasSubstr("unet.safetensors is missing"));
  EXPECT_THAT(error_of([&] { generate(model, Image{}, {}); }), HasSubstr("unet.safetensors is missing"));
}

TEST_F(ModelFolder, UnknownConfigKeyIsNamed) {
  edit_config([](Json& json) { json["unet"]["colour"] = 1; });
  EXPECT_THAT(load_error(), AllOf(HasSubstr("config.json"), HasSubstr("unet"), HasSubstr("\"colour\"")));
}

TEST_F(ModelFolder, WidthsThatDoNotFitAreNamed) {
  edit_config([](Json& json) { json["unet"]["adm_in_channels"] = 25; });
  EXPECT_THAT(load_error(), AllOf(HasSubstr("unet.adm_in_channels = 25"), HasSubstr("24")));
  edit_config([](Json& json) { json["unet"]["adm_in_channels"] = 24, json["gaussian_decoder"]["context_dim"] = 8; });
  EXPECT_THAT(load_error(), AllOf(HasSubstr("gaussian_decoder.context_dim = 8"), HasSubstr("dino.embed_dim = 16")));
  edit_config([](Json& json) { json["gaussian_decoder"]["context_dim"] = 16, json["image_size"] = 36; });
  EXPECT_THAT(load_error(), HasSubstr("multiple of"));
}

TEST_F(ModelFolder, AutoencoderSettingsThatDoNotFitAreNamed) {
  edit_config([](Json& json) { json["vae"]["in_channels"] = 5; });
  EXPECT_THAT(load_error(), AllOf(HasSubstr("vae.in_channels = 5"), Not(HasSubstr("\n"))));
  edit_config([](Json& json) { json["vae"]["in_channels"] = 4; });
  EXPECT_THAT(load_error(), AllOf(HasSubstr("vae.out_ch = 3"), HasSubstr("vae.in_channels = 4")));
  edit_config([](Json& json) { json["vae"]["in_channels"] = 3, json["vae"]["latent_scale"] = {1, 2, 3}; });
  EXPECT_THAT(load_error(), AllOf(HasSubstr("vae.latent_shift has 0 numbers"), HasSubstr("vae.latent_scale asks for 3")));
  edit_config([](Json& json) { json["vae"]["latent_shift"] = {0, 0, 0}; });
  EXPECT_THAT(load_error(), AllOf(HasSubstr("vae.latent_scale has 3 numbers"), HasSubstr("vae.z_channels asks for 4")));
  edit_config([](Json& json) { json["vae"]["latent_shift"] = {0, 0, 0, 0}, json["vae"]["latent_scale"] = {1, 2, 3, 0}; });
  EXPECT_THAT(load_error(), HasSubstr("vae.latent_scale = 0"));
  // 3 · 4 pixels a latent cell do not divide 32, and neither does 8 · 4 leave the UNet two levels.
  edit_config([](Json& json) { json["vae"]["latent_scale"] = {1, 2, 3, 4}, json["vae"]["patch_size"] = 3; });
  EXPECT_THAT(load_error(), AllOf(HasSubstr("image_size = 32"), HasSubstr("vae downsampling = 12")));
  edit_config([](Json& json) { json["vae"]["patch_size"] = 8; });
  EXPECT_THAT(load_error(), AllOf(HasSubstr("latent size = 1"), HasSubstr("unet downsampling = 2")));
}

TEST_F(ModelFolder, ChannelScalesSurviveTheRoundTrip) {
  ModelConfig config = toy_config();
  config.vae.latent_shift = {0.25, -1, 0, 3}, config.vae.latent_scale = {1, 2, 0.5, 4};
  config.vae.patch_size = 2, config.vae.ch_mult = {1, 2};
  initialise_model(model(), config, 1);
  EXPECT_EQ(config_to_json(load_model(model(), {}).config), config_to_json(config));
}

TEST_F(ModelFolder, AbsurdNumbersAreRefusedBeforeAnythingIsAllocated) {
  edit_config([](Json& json) { json["image_size"] = int64_t{1} << 40; });
  EXPECT_THAT(load_error(), HasSubstr("image_size"));
  edit_config([](Json& json) { json["image_size"] = 32, json["sampler"]["guider"] = "circle"; });
  EXPECT_THAT(load_error(), HasSubstr("\"circle\""));
  edit_config([](Json& json) { json["sampler"]["guider"] = "linear", json["sampler"]["method"] = "rk4"; });
  EXPECT_THAT(load_error(), HasSubstr("sampler.method = \"rk4\" is unknown: use one of euler, heun, dpmpp2m"));
  edit_config([](Json& json) { json["sampler"]["method"] = "heun", json["sampler"]["guidance_range"] = {5, 1}; });
  EXPECT_THAT(load_error(), HasSubstr("sampler.guidance_range = [5.0,1.0]"));
}

TEST_F(ModelFolder, WrongShapeNamesFileAndTensor) {
  edit("unet", [](NamedTensors& tensors) { tensors.at("input_blocks.0.0.weight") = at::zeros({8, 8, 3, 2}); });
  EXPECT_THAT(load_error(),
              AllOf(HasSubstr("unet.safetensors"), HasSubstr("input_blocks.0.0.weight"), HasSubstr("[8, 8, 3, 2]")));
}

TEST_F(ModelFolder, MissingAndUnknownTensorsAreNamed) {
  edit("vae", [](NamedTensors& tensors) { tensors.erase("quant_conv.weight"); });
  EXPECT_THAT(load_error(), AllOf(HasSubstr("vae.safetensors"), HasSubstr("quant_conv.weight")));
  initialise_model(model(), toy_config(), 1);
  edit("dino", [](NamedTensors& tensors) { tensors.emplace("blocks.9.extra", at::zeros({1})); });
  EXPECT_THAT(load_error(), AllOf(HasSubstr("dino.safetensors"), HasSubstr("blocks.9.extra")));
}

TEST_F(ModelFolder, DamagedFileIsNamed) {
  const std::string content = read_file(file("gaussian_decoder"));
  write_file(file("gaussian_decoder"), content.substr(0, content.size() / 2));
  EXPECT_THAT(load_error(), AllOf(HasSubstr("gaussian_decoder.safetensors"), HasSubstr("truncated"), Not(HasSubstr("\n"))));
}

TEST_F(ModelFolder, FolderWithoutConfigIsExplained) {
  std::filesystem::remove(model() / "config.json");
  EXPECT_THAT(load_error(), HasSubstr("no config.json"));
  EXPECT_THAT(error_of([] { read_model_config("does/not/exist"); }), HasSubstr("no such model folder"));
}

TEST_F(ModelFolder, SameSeedGivesTheSameWeights) {
  const std::string first = read_file(file("unet"));
  initialise_model(model(), toy_config(), 1);
  EXPECT_TRUE(read_file(file("unet")) == first);
  initialise_model(model(), toy_config(), 2);
  EXPECT_FALSE(read_file(file("unet")) == first);
}

TEST(LoraFile, OverAnotherBaseThanItWasTrainedOverIsRefused) {
  const TemporaryFolder folder;
  initialise_model(folder / "toy", testing::toy_config(), 1);
  const auto unet = folder / "toy" / "unet.safetensors", lora = folder / "toy" / "distilled_lora.safetensors";
  const NamedTensors weights = read_safetensors(unet);
  const std::string layer = "middle_block.1.transformer_blocks.0.attn1.to_q";
  const NamedTensors pair = {{layer + ".lora_A.weight", at::ones({1, 16})}, {layer + ".lora_B.weight", at::ones({16, 1})}};
  const auto write = [&](const std::map<std::string, std::string>& unet_header,
                         const std::map<std::string, std::string>& header) {
    NamedTensors copies;  // the file that is written anew is mapped
    for (const auto& [name, tensor] : weights) copies[name] = tensor.clone();
    write_safetensors(unet, copies, unet_header), write_safetensors(lora, pair, header);
  };
  write({{weights_header::fingerprint, "aa"}}, {{weights_header::base, "bb"}});
  EXPECT_THAT(error_of([&] { load_model(folder / "toy", {}); }), AllOf(HasSubstr("distilled_lora"), HasSubstr("another unet")));
  EXPECT_FALSE(load_model(folder / "toy", {at::kCPU, at::kFloat, /*use_lora=*/false}).distilled);
  write({{weights_header::fingerprint, "aa"}}, {{weights_header::base, "aa"}});
  EXPECT_TRUE(load_model(folder / "toy", {}).distilled);
  write({}, {{weights_header::base, "aa"}});
  EXPECT_TRUE(load_model(folder / "toy", {}).distilled) << "files of other programs say nothing";
}

TEST(LoraFile, MergesPeftAndPlainNames) {
  const TemporaryFolder folder;
  const auto path = folder / "lora.safetensors";
  const at::Generator generator = make_generator(3);
  const Tensor a = randn({2, 5}, generator), b = randn({4, 2}, generator), w = randn({4, 5}, generator);
  for (const std::string prefix : {"", "base_model.model."}) {
    write_safetensors(path, {{prefix + "layer.lora_A.weight", a}, {prefix + "layer.lora_B.weight", b}});
    NamedTensors weights = {{"layer.weight", w.clone()}, {"other.weight", w}};
    const NamedTensors merged = merged_lora_weights({{"layer.weight", w}, {"other.weight", w}}, read_lora(path), 6, path);
    // alpha / rank = 3. Tolerance: float32 rounding of sums of two products.
    testing::expect_close(merged.at("layer.weight"), w + 3 * b.matmul(a), 1e-6, "merged weight");
    EXPECT_FALSE(merged.count("other.weight"));
  }
}

TEST(LoraFile, ForeignAndIncompleteFilesAreNamed) {
  const TemporaryFolder folder;
  const auto path = folder / "lora.safetensors";
  write_safetensors(path, {{"layer.weight", at::zeros({2, 2})}});
  EXPECT_THAT(error_of([&] { read_lora(path); }), AllOf(HasSubstr("lora.safetensors"), HasSubstr("layer.weight")));
  write_safetensors(path, {{"layer.lora_A.weight", at::zeros({2, 5})}});
  EXPECT_THAT(error_of([&] { read_lora(path); }), HasSubstr("no partner"));
  write_safetensors(path, {{"layer.lora_A.weight", at::zeros({2, 5})}, {"layer.lora_B.weight", at::zeros({4, 2})}});
  EXPECT_THAT(error_of([&] { merged_lora_weights({}, read_lora(path), 0, path); }), HasSubstr("\"layer\""));
}

}  // namespace
}  // namespace gsv3d
