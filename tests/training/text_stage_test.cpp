// Stage "text": what prompts it makes, that it learns, resumes to the same bytes, and exports what pictures are made with.
#include "training/text_stage.h"

#include <c10/core/GradMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/atomic_file.h"
#include "core/cancel.h"
#include "errors.h"
#include "models/text_model.h"
#include "toy_data.h"
#include "training/object_names.h"
#include "training/vae_stage.h"

namespace gsv3d {
namespace {

using ::testing::HasSubstr;

/// The toy context with names of its two objects, networks for text, and an autoencoder of random weights.
StageContext text_context(const std::filesystem::path& folder) {
  StageContext context = testing::toy_context(folder, /*with_depth=*/false);
  TextModelConfig text;
  text.image_size = 32;
  text.prompt_template = "{}", text.negative = "";
  text.tower = {64, 4, 16, 1, 8, 0, 0};
  text.unet.in_channels = text.unet.out_channels = context.model.vae.z_channels;
  text.unet.model_channels = 16, text.unet.channel_mult = {1, 2}, text.unet.attention_resolutions = {1};
  text.unet.num_res_blocks = 1, text.unet.num_head_channels = 8, text.unet.context_dim = 16, text.unet.norm_groups = 4;
  text.schedule.prediction = "v_prediction";
  text.sampler.steps = 2;
  context.model.text = text;
  write_json_file(context.model_folder / "config.json", config_to_json(context.model));
  write_file(context.data / "objects.csv", "id,name\nsmall,Blue Ball 2\nlarge,\"Beach ball, large\"\n");
  VaeStageConfig vae;
  const auto stage = make_vae_stage(context, vae);
  testing::export_to_model(*stage, context);
  context.model = read_model_config(context.model_folder);  // with the scale of such latents
  return context;
}

TextStageConfig few_steps() {
  TextStageConfig config;
  config.steps = 6, config.batch = 2, config.warmup_steps = 2, config.log_steps = 2, config.preview_steps = 2;
  return config;
}

TEST(ObjectNames, WordsWithoutNumbersAndSingleLetters) {
  const testing::TemporaryFolder folder("names");
  write_file(folder.path / "objects.csv", "id,name\na,Chair 2\nb,\"Plate, glasses and cutlery\"\nc,7\nd,Type E plug\n");
  const auto names = object_names(folder.path);
  EXPECT_EQ(names.size(), 3u);
  EXPECT_EQ(names.at("b"), (std::vector<std::string>{"plate", "glasses", "cutlery"}));
  EXPECT_EQ(names.at("d"), (std::vector<std::string>{"type", "plug"}));
  const WordList words = words_of_names(names);
  EXPECT_TRUE(std::is_sorted(words.words.begin(), words.words.end()));
  for (const char* word : {"chair", "cutlery", "gray", "wooden"})
    EXPECT_TRUE(std::binary_search(words.words.begin(), words.words.end(), word)) << word;
  EXPECT_THAT(testing::error_of([&] { object_names(folder.path / "nowhere" / "x.tar"); }), HasSubstr("objects.csv"));
}

TEST(ObjectNames, PromptsByTheirNumbers) {
  const std::vector<std::string> name = {"blue", "beach", "ball"};
  EXPECT_EQ(draw_prompt(name, {0.9, 0.9, 0}, 0.7).text, "blue beach ball");
  EXPECT_EQ(draw_prompt(name, {0.9, 0.1, 0}, 0.7).text, "ball");
  EXPECT_EQ(draw_prompt(name, {0.9, 0.1, 0}, 0.7).color, nullptr);
  const ObjectPrompt red = draw_prompt(name, {0, 0.9, 0}, 0.7);
  EXPECT_EQ(red.text, "red beach ball");  // another colour's word goes
  EXPECT_EQ(red.color->name, "red");
  const ObjectPrompt last = draw_prompt(name, {0.6999, 0.9, 0.9}, 0.7);
  EXPECT_EQ(last.color->name, "wooden");
  EXPECT_EQ(last.text, "wood beach ball");
}

TEST(TextStage, LearnsTwoNames) {
  const testing::TemporaryFolder folder("text-learns");
  const StageContext context = text_context(folder.path);
  TextStageConfig config = few_steps();
  config.steps = 150, config.batch = 8, config.learning_rate = 4e-3, config.paint_probability = 0, config.text_dropout = 0;
  const auto stage = make_text_stage(context, config);
  const auto mean_loss = [&] {
    const c10::NoGradGuard no_grad;
    double sum = 0;
    for (int64_t step = 1000; step < 1010; ++step) sum += stage->loss(step, 3, BatchShare::all(config.batch)).loss.item<double>();
    return sum / 10;
  };
  const double before = mean_loss();
  run_training(*stage, config, testing::toy_run(context, config, folder.path / "run"));
  EXPECT_LT(mean_loss(), 0.75 * before);
}

TEST(TextStage, ResumesExactlyAndMakesAModel) {
  const testing::TemporaryFolder folder("text-resumes");
  const StageContext context = text_context(folder.path);
  const auto run_to = [&](int64_t first_end, const char* name) {
    for (const int64_t steps : {first_end, int64_t{6}}) {
      TextStageConfig config = few_steps();
      config.steps = steps;
      config.learning_rate = 1e-3, config.final_learning_rate = 1;  // so that the schedule does not depend on the end
      run_training(*make_text_stage(context, config), config, testing::toy_run(context, config, folder.path / name));
    }
    return load_checkpoint(folder.path / name / "checkpoint.safetensors");
  };
  const TrainingCheckpoint resumed = run_to(3, "resumed"), whole = run_to(6, "whole");
  ASSERT_FALSE(whole.parameters.empty());
  for (const auto& [name, tensor] : whole.parameters) EXPECT_TRUE(at::equal(tensor, resumed.parameters.at(name))) << name;

  const TextModel model = load_text_model(context.model_folder, {});
  ASSERT_TRUE(model.config.words.has_value());
  EXPECT_THAT(model.config.words->words, ::testing::IsSupersetOf({"ball", "beach", "large", "red"}));
  EXPECT_EQ(model.tokenizer->encode("a red ball").size(), 2u);
}

TEST(TextStage, SaysWhatIsMissing) {
  const testing::TemporaryFolder folder("text-missing");
  StageContext context = text_context(folder.path);
  const auto refusal = [&] { return testing::error_of([&] { make_text_stage(context, few_steps()); }); };
  EXPECT_EQ(refusal(), "");
  const auto text = context.model.text;
  context.model.text->image_size = 64;
  EXPECT_THAT(refusal(), HasSubstr("text.image_size is 64"));
  context.model.text = text, context.model.text->tower.vocabulary_size = 4;
  EXPECT_THAT(refusal(), HasSubstr("vocabulary_size above"));
  context.model.text.reset();
  EXPECT_THAT(refusal(), HasSubstr("no section \"text\""));
  context.model.text = text;
  write_file(context.data / "objects.csv", "id,name\nother,Ball\n");
  EXPECT_THAT(refusal(), HasSubstr("none of the objects has a name"));
  std::filesystem::remove(context.data / "objects.csv");
  EXPECT_THAT(refusal(), HasSubstr("objects.csv"));
}

}  // namespace
}  // namespace gsv3d
