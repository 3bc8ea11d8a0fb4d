// Public checkpoints become model folders with the same numbers; files that are something else are refused with a line that says
// what they are.
#include "models/import_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/atomic_file.h"
#include "core/error.h"
#include "errors.h"
#include "goldens.h"
#include "models/checkpoint.h"
#include "models/sv3d_source.h"
#include "public_checkpoints.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using testing::error_of;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::TemporaryFolder;
using testing::toy_config;

class ImportModel : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    shared_ = new TemporaryFolder;
    testing::initialise_toy_model(*shared_ / "toy", 3);
  }
  static void TearDownTestSuite() { delete shared_; }
  void SetUp() override {
    checkpoint_ = testing::official_toy_checkpoint(toy());
    options_.sv3d = folder_ / "sv3d.safetensors";
    options_.config = toy() / "config.json";
    options_.output = folder_ / "model";
  }
  static fs::path toy() { return *shared_ / "toy"; }
  ImportReport import() {
    write_safetensors(options_.sv3d, checkpoint_);
    return import_model(options_);
  }
  std::string refusal() {
    const std::string message = error_of([&] { import(); });
    EXPECT_FALSE(fs::exists(options_.output));
    EXPECT_THAT(message, Not(HasSubstr("\n")));
    return message;
  }
  NamedTensors imported(const std::string& part) const { return read_safetensors(options_.output / (part + ".safetensors")); }

  static TemporaryFolder* shared_;
  TemporaryFolder folder_;
  NamedTensors checkpoint_;
  ImportOptions options_;
};
TemporaryFolder* ImportModel::shared_ = nullptr;

TEST_F(ImportModel, OfficialFileGivesTheSameModel) {
  const ImportReport report = import();
  for (const char* part : {"unet", "vae", "image_embedder"}) {
    const NamedTensors expected = read_safetensors(toy() / (std::string(part) + ".safetensors")), actual = imported(part);
    ASSERT_EQ(actual.size(), expected.size()) << part;
    for (const auto& [name, tensor] : expected) EXPECT_TRUE(at::equal(actual.at(name), tensor.to(at::kFloat))) << name;
  }
  int64_t used = 0, ignored = 0;
  for (const ImportedPart& part : report.parts) used += part.source_tensors;
  for (const IgnoredTensors& group : report.ignored) ignored += static_cast<int64_t>(group.names.size());
  EXPECT_EQ(ignored, 3);
  EXPECT_EQ(used + ignored, static_cast<int64_t>(checkpoint_.size()));
  const Model model = load_model(options_.output, {});
  EXPECT_TRUE(model.unet && model.vae_encoder && model.image_embedder && !model.dino);
}

TEST_F(ImportModel, UnknownTensorsAreListedAndTheRestIsUsed) {
  checkpoint_.emplace("denoiser.sigmas", at::zeros({3}));
  const ImportReport report = import();
  const auto unknown = std::find_if(report.ignored.begin(), report.ignored.end(),
                                    [](const IgnoredTensors& group) { return group.reason == "unknown to SV3D"; });
  ASSERT_NE(unknown, report.ignored.end());
  EXPECT_EQ(unknown->names, std::vector<std::string>{"denoiser.sigmas"});
  EXPECT_THAT(read_file(options_.output / "import.json"), HasSubstr("denoiser.sigmas"));
}

TEST_F(ImportModel, ReducedPrecisionKeepsVectorsAndTheAutoencoder) {
  options_.dtype = at::kHalf;
  import();
  for (const auto& [name, tensor] : imported("unet"))
    EXPECT_EQ(tensor.scalar_type(), tensor.dim() > 1 ? at::kHalf : at::kFloat) << name;
  for (const auto& [name, tensor] : imported("vae")) EXPECT_EQ(tensor.scalar_type(), at::kFloat) << name;
  options_.dtype = at::kBFloat16, options_.output = folder_ / "bf16";
  import();
  EXPECT_EQ(imported("vae").at("encoder.conv_in.weight").scalar_type(), at::kBFloat16);
  EXPECT_EQ(imported("vae").at("encoder.conv_in.bias").scalar_type(), at::kFloat);
}

TEST_F(ImportModel, WeightsInTheWantedPrecisionAreMappedAndOthersConverted) {
  options_.dtype = at::kBFloat16;
  import();
  const auto path = options_.output / "unet.safetensors";
  const auto bf16 = nn::ParameterStore::for_inference(path, at::kBFloat16, at::kCPU);
  const auto fp32 = nn::ParameterStore::for_inference(path, at::kFloat, at::kCPU);
  const NamedTensors file = read_safetensors(path);
  const std::string name = "input_blocks.0.0.weight";
  const Tensor& stored = file.at(name);
  const Tensor mapped = bf16->get(name, stored.sizes(), {}), converted = fp32->get(name, stored.sizes(), {});
  EXPECT_EQ(mapped.scalar_type(), at::kBFloat16);
  // A view of a mapping does not own its bytes as an allocation: both begin at the same place within a page of their files.
  EXPECT_EQ(reinterpret_cast<uintptr_t>(mapped.const_data_ptr()) % 4096,
            reinterpret_cast<uintptr_t>(stored.const_data_ptr()) % 4096);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(mapped.const_data_ptr()) % 64, 0u);
  EXPECT_TRUE(at::equal(converted, stored.to(at::kFloat)));
  EXPECT_TRUE(at::equal(mapped, stored));
}

TEST_F(ImportModel, NarrowCameraEmbeddingIsSv3dU) {
  const std::string name = "model.diffusion_model.label_emb.0.0.weight";
  checkpoint_.at(name) = checkpoint_.at(name).slice(1, 0, 8).contiguous();
  EXPECT_EQ(import().config.vector_dimensions, std::vector<int64_t>{8});
  checkpoint_.at(name) = checkpoint_.at(name).slice(1, 0, 7).contiguous();
  options_.output = folder_ / "other";
  EXPECT_THAT(refusal(), HasSubstr("takes 7 numbers per frame"));
}

TEST_F(ImportModel, MissingAndMisshapenTensorsAreNamed) {
  checkpoint_.erase("first_stage_model.decoder.conv_in.weight");
  checkpoint_.at("model.diffusion_model.input_blocks.0.0.weight") = at::zeros({8, 8, 1, 3});
  checkpoint_.emplace("renamed.conv_in.weight", at::zeros({1}));
  EXPECT_THAT(refusal(), AllOf(HasSubstr("1 of"), HasSubstr("tensors missing (first_stage_model.decoder.conv_in.weight)"),
                               HasSubstr("input_blocks.0.0.weight is [8, 8, 1, 3], not [8, 8, 3, 3]"),
                               HasSubstr("1 unknown (renamed.conv_in.weight)")));
}

TEST_F(ImportModel, AnotherSizeAsksForItsConfiguration) {
  options_.config.clear();
  EXPECT_THAT(refusal(), HasSubstr("per frame"));  // its camera embedding is neither 256 nor 1280 wide
}

TEST_F(ImportModel, ValuesThatCannotBeStoredAreNamed) {
  options_.dtype = at::kHalf;
  checkpoint_.at("model.diffusion_model.out.2.weight") = checkpoint_.at("model.diffusion_model.out.2.weight").clone().fill_(1e6);
  EXPECT_THAT(refusal(), AllOf(HasSubstr("out.2.weight"), HasSubstr("does not fit into fp16"), HasSubstr("--dtype bf16")));
  checkpoint_.at("model.diffusion_model.out.2.weight").fill_(NAN);
  EXPECT_THAT(refusal(), AllOf(HasSubstr("out.2.weight"), HasSubstr("not finite")));
}

TEST_F(ImportModel, OtherModelsAreRecognised) {
  const std::vector<std::pair<std::string, std::string>> files = {
      {"model.diffusion_model.input_blocks.0.0.weight", "Stable Diffusion checkpoint"},
      {"model.diffusion_model.input_blocks.1.0.time_stack.in_layers.0.weight", "UNet of a video model alone"},
      {"down_blocks.0.resnets.0.conv1.weight", "pass the folder that holds unet/"},
      {"vision_model.embeddings.class_embedding", "CLIP"},
      {"blocks.0.attn.qkv.weight", "--dino"},
      {"encoder.layer.0.attention.attention.query.weight", "--dino"},
      {"lora_unet_x.lora_down.weight", "--lora"},
      {"context_embed.weight", "--decoder"},
      {"input_blocks.0.0.weight", "UNet of a model folder"},
      {"something.else", "its first tensor is \"something.else\""}};
  for (const auto& [name, answer] : files) {
    checkpoint_ = {{name, at::zeros({2, 2})}};
    EXPECT_THAT(refusal(), AllOf(HasSubstr("not an SV3D checkpoint"), HasSubstr(answer)));
  }
}

TEST_F(ImportModel, DamagedAndForeignFilesAreExplained) {
  write_safetensors(options_.sv3d, checkpoint_);
  const std::string content = read_file(options_.sv3d);
  const std::vector<std::pair<std::string, std::string>> files = {
      {content.substr(0, content.size() - 100), "truncated"},
      {content.substr(0, 1000), "truncated"},
      {std::string("PK\x03\x04") + std::string(100, 'x'), "pass the model's .safetensors release"},
      {std::string("\x80\x02}q") + std::string(100, 'x'), "pickle"},
      {"<html>" + std::string(100, 'x'), "web page"},
      {std::string(), "0 bytes"}};
  for (const auto& [bytes, answer] : files) {
    write_file(options_.sv3d, bytes);
    EXPECT_THAT(error_of([&] { import_model(options_); }), HasSubstr(answer));
    EXPECT_FALSE(fs::exists(options_.output));
  }
  options_.sv3d = folder_ / "absent.safetensors";
  EXPECT_THAT(error_of([&] { import_model(options_); }), HasSubstr("no such file"));
  options_.sv3d = folder_.path();
  EXPECT_THAT(error_of([&] { import_model(options_); }),
              AllOf(HasSubstr("no folder image_encoder in it"), HasSubstr("unet/, vae/")));
}

TEST_F(ImportModel, NothingIsOverwritten) {
  import();
  EXPECT_THAT(error_of([&] { import_model(options_); }), HasSubstr("exists already"));
  options_ = {};
  EXPECT_THROW(import_model(options_), UsageError);
}

TEST_F(ImportModel, DinoAndDecoderAreAddedToAFolder) {
  import();
  ImportOptions more;
  more.output = options_.output;
  more.dino = toy() / "dino.safetensors";
  more.decoder = toy() / "gaussian_decoder.safetensors";
  import_model(more);
  const Model model = load_model(options_.output, {});
  EXPECT_TRUE(model.dino && model.gaussian_decoder);
  more.decoder.clear(), more.dino = toy() / "vae.safetensors";
  EXPECT_THAT(error_of([&] { import_model(more); }), AllOf(HasSubstr("vae.safetensors"), HasSubstr("DINOv2")));
  more.dino.clear(), more.decoder = toy() / "dino.safetensors";
  EXPECT_THAT(error_of([&] { import_model(more); }), AllOf(HasSubstr("dino.safetensors"), HasSubstr("pass them with --dino")));
}

/// One adapted layer under the names of every program; the same numbers must come out.
TEST_F(ImportModel, LoraFilesOfEveryProgram) {
  const std::string layer = "middle_block.1.transformer_blocks.0.attn1.to_q";
  const int64_t width = 16;
  const at::Generator generator = make_generator(4);
  const Tensor down = randn({2, width}, generator), up = randn({width, 2}, generator), alpha = at::scalar_tensor(4.0);
  const std::vector<NamedTensors> files = {
      {{"base_model.model." + layer + ".lora_A.weight", down}, {"base_model.model." + layer + ".lora_B.weight", up * 2}},
      {{"unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_q.lora_A.weight", down},
       {"unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_q.lora_B.weight", up * 2}},
      {{"mid_block.attentions.0.transformer_blocks.0.attn1.processor.to_q_lora.down.weight", down},
       {"mid_block.attentions.0.transformer_blocks.0.attn1.processor.to_q_lora.up.weight", up * 2}},
      {{"lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_q.lora_down.weight", down},
       {"lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_q.lora_up.weight", up},
       {"lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_q.alpha", alpha}},
      {{"lora_unet_middle_block_1_transformer_blocks_0_attn1_to_q.lora_down.weight", down},
       {"lora_unet_middle_block_1_transformer_blocks_0_attn1_to_q.lora_up.weight", up},
       {"lora_unet_middle_block_1_transformer_blocks_0_attn1_to_q.alpha", alpha}}};
  const Tensor base = checkpoint_.at("model.diffusion_model." + layer + ".weight");
  options_.lora = folder_ / "lora.safetensors", options_.lora_weight = 0.5;
  for (size_t i = 0; i < files.size(); ++i) {
    write_safetensors(options_.lora, files[i]);
    options_.merge_lora = true, options_.output = folder_ / fmt::format("merged{}", i);
    import();
    // Tolerance: float32 rounding of sums of two products.
    testing::expect_close(imported("unet").at(layer + ".weight"), base + at::matmul(up, down), 1e-6, "merged weight");
    options_.merge_lora = false, options_.output = folder_ / fmt::format("apart{}", i);
    import();
    EXPECT_TRUE(at::equal(imported("unet").at(layer + ".weight"), base));
    testing::expect_close(imported("distilled_lora").at(layer + ".lora_B.weight"), up, 1e-6, "scaled B");
    EXPECT_TRUE(load_model(options_.output, {}).distilled);
  }
}

/// Two layers of different rank and alpha, as PEFT's patterns and diffusers' header tell them.
TEST_F(ImportModel, LoraStrengthsOfPatternsAndHeaders) {
  const std::string block = "middle_block.1.transformer_blocks.0.attn1.";
  const std::string diffusers = "mid_block.attentions.0.transformer_blocks.0.attn1.";
  const at::Generator generator = make_generator(4);
  const Tensor q_down = randn({2, 16}, generator), q_up = randn({16, 2}, generator);
  const Tensor v_down = randn({4, 16}, generator), v_up = randn({16, 4}, generator);
  const NamedTensors peft = {{"base_model.model." + block + "to_q.lora_A.weight", q_down},
                             {"base_model.model." + block + "to_q.lora_B.weight", q_up},
                             {"base_model.model." + block + "to_v.lora_A.weight", v_down},
                             {"base_model.model." + block + "to_v.lora_B.weight", v_up}};
  const NamedTensors unet = {{"unet." + diffusers + "to_q.lora_A.weight", q_down},
                             {"unet." + diffusers + "to_q.lora_B.weight", q_up},
                             {"unet." + diffusers + "to_v.lora_A.weight", v_down},
                             {"unet." + diffusers + "to_v.lora_B.weight", v_up}};
  options_.lora = folder_ / "lora.safetensors", options_.merge_lora = true;
  int count = 0;
  const auto expect_scales = [&](double q, double v) {
    options_.output = folder_ / fmt::format("model{}", ++count);
    import();
    const NamedTensors merged = imported("unet");
    const auto base = [&](const char* layer) { return checkpoint_.at("model.diffusion_model." + block + layer + ".weight"); };
    // Tolerance: float32 rounding of sums of four products, up to 60 large.
    testing::expect_close(merged.at(block + "to_q.weight"), base("to_q") + q * at::matmul(q_up, q_down), 1e-5, "to_q");
    testing::expect_close(merged.at(block + "to_v.weight"), base("to_v") + v * at::matmul(v_up, v_down), 1e-5, "to_v");
  };
  const Json config = {{"r", 2}, {"lora_alpha", 4}, {"rank_pattern", {{"attn1.to_v", 4}}}, {"alpha_pattern", {{"to_[vk]", 32}}}};
  const auto packed = [&](const std::string& prefix) {
    Json header;
    for (const auto& [key, value] : config.items()) header[prefix + key] = value;
    return std::map<std::string, std::string>{{"lora_adapter_metadata", header.dump()}};
  };
  write_safetensors(options_.lora, unet, packed("unet."));
  expect_scales(2, 8);
  write_safetensors(options_.lora, peft, packed(""));
  expect_scales(2, 8);
  write_safetensors(options_.lora, peft, {{"ss_network_alpha", "8"}});
  expect_scales(4, 2);
  write_safetensors(options_.lora, peft);
  write_json_file(folder_ / "adapter_config.json", config);
  expect_scales(2, 8);
  Json root = config;
  root["use_rslora"] = true;
  write_json_file(folder_ / "adapter_config.json", root);
  expect_scales(4 / std::sqrt(2.0), 16);
  root["rank_pattern"]["attn1.to_v"] = 8;
  write_json_file(folder_ / "adapter_config.json", root);
  options_.output = folder_ / "wrong";
  EXPECT_THAT(refusal(), HasSubstr("says rank 8 for layer \"" + block + "to_v\", whose tensors have rank 4"));
  root["rank_pattern"] = {{"to_(v", 4}};
  write_json_file(folder_ / "adapter_config.json", root);
  EXPECT_THAT(refusal(), HasSubstr("not a regular expression"));
}

TEST_F(ImportModel, AdaptersOfOtherKindsAreNamed) {
  options_.lora = folder_ / "lora.safetensors";
  const std::string layer = "lora_unet_middle_block_1_transformer_blocks_0_attn1_to_q.";
  const std::vector<std::pair<std::string, std::string>> kinds = {{"lora_magnitude_vector", "DoRA"},
                                                                  {"dora_scale", "DoRA"},
                                                                  {"hada_w1_a", "LoHa"},
                                                                  {"lokr_w1", "LoKr"},
                                                                  {"diff", "a kind that is not supported"}};
  for (const auto& [name, kind] : kinds) {
    write_safetensors(options_.lora, {{layer + "alpha", at::ones({})}, {layer + name, at::zeros({2, 2})}});
    EXPECT_THAT(refusal(), AllOf(HasSubstr(kind), HasSubstr(layer + name), Not(HasSubstr("pass it with --lora")))) << name;
  }
  EXPECT_EQ(describe_checkpoint({layer + "hada_w1_a"}), "an adapter of the kind LoHa, which is not supported");
}

TEST_F(ImportModel, LoraFilesThatDoNotFitAreExplained) {
  options_.lora = folder_ / "lora.safetensors";
  options_.output = folder_ / "lora";
  const std::vector<std::pair<NamedTensors, std::string>> files = {
      {{{"unknown.layer.lora_A.weight", at::zeros({2, 2})}}, "adapts a layer that is not one of the UNet's"},
      {{{"time_embed.0.lora_A.weight", at::zeros({2, 8})}}, "only one half"},
      {{{"time_embed.0.lora_A.weight", at::zeros({2, 9})}, {"time_embed.0.lora_B.weight", at::zeros({32, 2})}}, "model's shape"},
      {{{"blocks.0.attn.qkv.weight", at::zeros({2, 2})}}, "DINOv2"}};
  for (const auto& [tensors, answer] : files) {
    write_safetensors(options_.lora, tensors);
    EXPECT_THAT(refusal(), AllOf(HasSubstr("lora.safetensors"), HasSubstr(answer)));
  }
}

// Full size: headers with the complete inventories, data sections that are holes.

std::map<std::string, std::vector<int64_t>> shapes_of(const Json& inventory) {
  std::map<std::string, std::vector<int64_t>> shapes;
  for (const auto& [name, entry] : inventory.items())
    shapes.emplace(name, (entry.is_object() ? entry.at("shape") : entry).get<std::vector<int64_t>>());
  return shapes;
}

struct Counts {
  size_t used = 0, ignored = 0;
  explicit Counts(const Sv3dPlan& plan) {
    for (const PlannedPart& part : plan.tensors.parts)
      for (const PlannedTensor& tensor : part.tensors) used += tensor.recipe.parts.size();
    for (const IgnoredTensors& group : plan.tensors.ignored) ignored += group.names.size();
  }
};

TEST(ImportInventory, EveryTensorOfTheOfficialFilesHasAPlace) {
  for (const std::string variant : {"p", "u"}) {
    GSV3D_GOLDEN_OR_SKIP(keys, "sv3d/keys_sv3d_p.json");
    const TemporaryFolder folder;
    const auto path = folder / "sv3d.safetensors";
    auto shapes = shapes_of(read_json_file(keys).at("keys"));
    if (variant == "u") shapes.at("model.diffusion_model.label_emb.0.0.weight") = {1280, 256};  // the one difference
    testing::write_hollow(path, shapes);
    const Sv3dPlan plan = plan_sv3d(path, ModelConfig());
    EXPECT_EQ(plan.config.name, "sv3d_" + variant);
    EXPECT_NO_THROW(check_model_config(plan.config, variant));
    const Counts counts(plan);
    EXPECT_EQ(plan.tensors.parts[0].tensors.size(), 1428u);
    EXPECT_EQ(counts.used, 2066u);
    EXPECT_EQ(counts.ignored, 146u);  // a second decoder with its convolution, and the text tower's leftovers
    for (const IgnoredTensors& group : plan.tensors.ignored) EXPECT_NE(group.reason, "unknown to SV3D") << group.names.front();
  }
}

TEST(ImportInventory, EveryTensorOfADiffusersFolderHasAPlace) {
  GSV3D_GOLDEN_OR_SKIP(keys, "sv3d/keys_diffusers_p.json");
  const Json inventory = read_json_file(keys);
  const TemporaryFolder folder;
  for (const auto& [part, shapes] : inventory.items()) {
    std::filesystem::create_directories(folder / part);
    testing::write_hollow(folder / part / (part == "image_encoder" ? "model.safetensors" : "diffusion_pytorch_model.safetensors"),
                          shapes_of(shapes));
  }
  const Sv3dPlan plan = plan_sv3d(folder.path(), ModelConfig());
  const Counts counts(plan);
  EXPECT_EQ(counts.used, 1428u + 246u + 520u);
  EXPECT_EQ(counts.ignored, 2u);  // post_quant_conv
  // Every source is used once: no two of our tensors come from one of theirs.
  std::set<std::string> sources;
  for (const PlannedPart& part : plan.tensors.parts)
    for (const PlannedTensor& tensor : part.tensors)
      for (const std::string& name : tensor.recipe.parts) EXPECT_TRUE(sources.insert(part.name + ":" + name).second) << name;
}

}  // namespace
}  // namespace gsv3d
