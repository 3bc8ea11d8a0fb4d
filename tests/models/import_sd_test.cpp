// Stable Diffusion's public files become networks that make pictures from text.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "errors.h"
#include "goldens.h"
#include "models/import_model.h"
#include "public_checkpoints.h"
#include "toy_text_model.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;
using testing::error_of;
using ::testing::HasSubstr;

using Shapes = std::map<std::string, std::vector<int64_t>>;

Shapes shapes_of(const Json& json) {
  Shapes shapes;
  for (const auto& [name, shape] : json.items()) shapes[name] = shape.get<std::vector<int64_t>>();
  return shapes;
}

size_t used(const PlannedParts& plan) {
  size_t count = 0;
  for (const PlannedPart& part : plan.parts)
    for (const PlannedTensor& tensor : part.tensors) count += tensor.recipe.parts.size();
  return count;
}

size_t ignored(const PlannedParts& plan) {
  size_t count = 0;
  for (const IgnoredTensors& group : plan.ignored) {
    EXPECT_THAT(group.reason, ::testing::Not(HasSubstr("unknown"))) << group.names.front();
    count += group.names.size();
  }
  return count;
}

/// A checkpoint of full size, whose data is a hole: every tensor is used or named with the reason why not.
TEST(ImportSdGolden, EveryTensorOfASingleFile) {
  GSV3D_GOLDEN_OR_SKIP(inventory, "text/key_inventory_sd21.json");
  const testing::TemporaryFolder folder;
  const Shapes listed = shapes_of(read_json_file(inventory).at("sd21_ldm"));
  testing::write_hollow(folder / "v2-1.safetensors", listed);
  const SdPlan plan = plan_sd(folder / "v2-1.safetensors", {}, {});
  EXPECT_EQ(used(plan.tensors) + ignored(plan.tensors), listed.size());
  EXPECT_EQ(ignored(plan.tensors), 1u);  // logit_scale
  EXPECT_EQ(plan.config.tower.layers, 24);
  EXPECT_EQ(plan.config.tower.embed_dim, 1024);
  EXPECT_TRUE(plan.config.vae->post_quant_conv);
  EXPECT_EQ(plan.config.schedule.prediction, "epsilon");
  EXPECT_TRUE(plan.vocabulary.empty());
}

TEST(ImportSdGolden, EveryTensorOfADiffusersFolder) {
  GSV3D_GOLDEN_OR_SKIP(inventory, "text/key_inventory_sd21.json");
  const testing::TemporaryFolder folder;
  const Json listed = read_json_file(inventory).at("sd21_diffusers");
  size_t tensors = 0;
  for (const auto& [part, shapes] : listed.items()) {
    fs::create_directory(folder / part);
    testing::write_hollow(folder / part / "model.safetensors", shapes_of(shapes));
    tensors += shapes.size();
  }
  fs::create_directory(folder / "scheduler");
  write_json_file(folder / "scheduler" / "scheduler_config.json",
                  {{"prediction_type", "v_prediction"}, {"timestep_spacing", "leading"}, {"beta_schedule", "scaled_linear"}});
  write_json_file(folder / "unet" / "config.json", {{"sample_size", 96}});
  const SdPlan plan = plan_sd(folder.path(), {}, {});
  EXPECT_EQ(used(plan.tensors), tensors);
  EXPECT_EQ(ignored(plan.tensors), 0u);
  EXPECT_EQ(plan.config.tower.layers, 23);  // the skipped block is not there
  EXPECT_EQ(plan.config.tower.skipped_layers, 0);
  EXPECT_EQ(plan.config.image_size, 768);
  EXPECT_TRUE(plan.config.schedule.predicts_v());
}

/// The golden UNet's names in diffusers: all of them, to the letter.
TEST(ImportSdGolden, DiffusersNamesOfTheUNet) {
  GSV3D_GOLDEN_OR_SKIP(names, "text/unet2d.diffusers_names.json");
  GSV3D_GOLDEN_OR_SKIP(weights, "text/unet2d.weights.safetensors");
  const SafetensorsFile file(weights);
  Json config = testing::golden_metadata(file, "config");
  UNet2DConfig unet;
  unet.num_res_blocks = config.at("num_res_blocks").get<int64_t>();
  std::set<std::string> ours, listed;
  const std::string prefix = "model.diffusion_model.";
  for (const auto& [name, entry] : file.entries()) ours.insert(diffusers_unet_name(name.substr(prefix.size()), unet));
  const Json json = read_json_file(names);
  for (const auto& item : json.at("keys").items()) listed.insert(item.key());
  EXPECT_EQ(ours, listed);
}

class ImportSd : public ::testing::Test {
 protected:
  ImportSd() {
    testing::initialise_toy_model(folder_ / "toy", 1);
    config_.text = testing::toy_text_config();
    write_json_file(folder_ / "config.json", config_to_json(config_));
    write_merges(folder_ / "merges.txt", testing::toy_merges());
    options_.sd = folder_ / "sd_turbo.safetensors", options_.config = folder_ / "config.json";
    options_.output = folder_ / "made";
    write_safetensors(options_.sd, testing::toy_sd_checkpoint(*config_.text, 5));
  }
  testing::TemporaryFolder folder_;
  ModelConfig config_ = testing::toy_config();
  ImportOptions options_;
};

TEST_F(ImportSd, SingleFileLoadsWithTheSameNumbers) {
  const ImportReport report = import_model(options_);
  EXPECT_EQ(report.parts.size(), 3u);
  const TextModel model = load_text_model(options_.output, {});
  EXPECT_EQ(model.config.sampler.steps, 1);  // by its name, it is a turbo model
  EXPECT_EQ(model.config.sampler.spacing, "trailing");
  EXPECT_EQ(model.config.tower.embed_dim, 12);
  const NamedTensors source = read_safetensors(options_.sd);
  for (const auto& [part, prefix] : std::map<std::string, std::string>{{"text_tower", "cond_stage_model.model."},
                                                                       {"text_unet", "model.diffusion_model."},
                                                                       {"text_vae", "first_stage_model."}})
    for (const auto& [name, tensor] : read_safetensors(options_.output / (part + ".safetensors")))
      EXPECT_TRUE(at::equal(tensor, source.at(prefix + name))) << name;
}

TEST_F(ImportSd, OtherPrefixOtherTypeAndAFolderThatExists) {
  write_safetensors(options_.sd, testing::toy_sd_checkpoint(*config_.text, 5, "conditioner.embedders.0.model."));
  options_.output = folder_ / "toy", options_.config.clear(), options_.dtype = at::kHalf;
  ModelConfig there = read_model_config(folder_ / "toy");
  there.text = config_.text;
  write_model_config(folder_ / "toy", there);
  import_model(options_);
  EXPECT_EQ(read_safetensors(folder_ / "toy" / "text_unet.safetensors").at("input_blocks.0.0.weight").scalar_type(), at::kHalf);
  EXPECT_EQ(read_safetensors(folder_ / "toy" / "text_vae.safetensors").at("decoder.conv_in.weight").scalar_type(), at::kFloat);
  (void)load_model(folder_ / "toy", {});  // what was there stays
  (void)load_text_model(folder_ / "toy", {});
}

TEST_F(ImportSd, RefusalsAreOneLineAndLeaveNothing) {
  const auto refusal = [&] {
    const std::string message = error_of([&] { import_model(options_); });
    EXPECT_FALSE(fs::exists(options_.output));
    EXPECT_THAT(message, ::testing::Not(HasSubstr("\n")));
    return message;
  };
  fs::rename(folder_ / "merges.txt", folder_ / "elsewhere.txt");
  EXPECT_THAT(refusal(), HasSubstr("--sd-vocabulary"));
  options_.sd_vocabulary = folder_ / "short.txt";
  write_merges(options_.sd_vocabulary, {{"a", "b"}});
  EXPECT_THAT(refusal(), HasSubstr("515 tokens"));
  options_.sd_vocabulary = folder_ / "elsewhere.txt";
  options_.sd_kind = "xl";
  EXPECT_THAT(refusal(), HasSubstr("base, v768 or turbo"));
  options_.sd_kind = "";
  NamedTensors tensors = testing::toy_sd_checkpoint(*config_.text, 5);
  tensors.erase("model.diffusion_model.out.0.bias");
  write_safetensors(options_.sd, tensors);
  EXPECT_THAT(refusal(), HasSubstr("1 of"));
  write_safetensors(options_.sd, {{"cond_stage_model.transformer.x", at::ones({1})},
                                  {"model.diffusion_model.x", at::ones({1})},
                                  {"first_stage_model.x", at::ones({1})}});
  EXPECT_THAT(refusal(), HasSubstr("1.x"));
  write_safetensors(options_.sd, {{"context_embed.x", at::ones({1})}});
  EXPECT_THAT(refusal(), HasSubstr("a Gaussian decoder"));
}

}  // namespace
}  // namespace gsv3d
