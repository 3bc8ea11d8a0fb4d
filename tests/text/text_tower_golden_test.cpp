// The text tower against open_clip's numbers (goldens/text/README.md gives the tolerance).
#include <c10/core/GradMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "errors.h"
#include "goldens.h"
#include "text/text_tower.h"

namespace gsv3d {
namespace {

constexpr const char* prefix = "cond_stage_model.model.";

TextTowerConfig golden_config(const SafetensorsFile& file) {
  const auto number = [&](const char* key) { return std::stoll(file.metadata().at(key)); };
  TextTowerConfig config;
  config.vocabulary_size = number("vocab"), config.context_length = number("context");
  config.width = number("width"), config.layers = number("layers"), config.head_width = config.width / number("heads");
  config.embed_dim = config.width;
  return config;
}

TEST(TextTowerGolden, SkippedAndAllBlocks) {
  GSV3D_GOLDEN_OR_SKIP(weights, "text/text_tower.weights.safetensors");
  GSV3D_GOLDEN_OR_SKIP(golden, "text/text_tower.golden.safetensors");
  const SafetensorsFile file(weights);
  const auto store = nn::ParameterStore::from_file(weights, at::kFloat, at::kCPU, prefix);
  const TextTower tower(golden_config(file), nn::Scope(store));
  store->check_all_used({std::string(prefix) + "logit_scale"});
  const NamedTensors io = read_safetensors(golden);
  const Tensor tokens = io.at("tokens").to(at::kLong);
  const c10::NoGradGuard no_grad;
  testing::expect_close(tower.context(tokens), io.at("penultimate_ln_final"), 1e-5, "context");
  const Tensor last = tower.last(tokens);
  testing::expect_close(last, io.at("last_ln_final"), 1e-5, "last");
  // The embedding by its definition: the last output at the highest id, times the projection.
  const Tensor projection = store->parameters().at("text_projection");
  const Tensor embedding = tower.embedding(tokens);
  for (int64_t i = 0; i < tokens.size(0); ++i)
    testing::expect_close(embedding[i], at::matmul(last[i][tokens[i].argmax().item<int64_t>()], projection), 1e-5, "embedding");
}

TEST(TextTower, LaterTokensDoNotChangeEarlierOutputs) {
  const TextTowerConfig config{.vocabulary_size = 50, .context_length = 6, .width = 8, .layers = 3, .head_width = 4};
  const TextTower tower(config, nn::Scope(nn::ParameterStore::random(3)));
  const c10::NoGradGuard no_grad;
  const Tensor one = at::tensor({1, 2, 3, 4, 5, 6}, at::kLong).unsqueeze(0);
  Tensor other = one.clone();
  other[0][4] = 49;
  const Tensor difference = (tower.context(one) - tower.context(other)).abs().amax(-1)[0];
  EXPECT_EQ(difference.narrow(0, 0, 4).max().item<float>(), 0);
  EXPECT_GT(difference[4].item<float>(), 1e-4);
}

TEST(TextTower, SaysWhatIsWrong) {
  TextTowerConfig config{.vocabulary_size = 50, .context_length = 6, .width = 8, .layers = 3, .head_width = 4};
  const TextTower tower(config, nn::Scope(nn::ParameterStore::random(3)));
  EXPECT_THAT(testing::error_of([&] { tower.context(at::zeros({1, 5}, at::kLong)); }), ::testing::HasSubstr("tokens must be"));
  EXPECT_THAT(testing::error_of([&] { tower.embedding(at::zeros({1, 6}, at::kLong)); }), ::testing::HasSubstr("no projection"));
  config.skipped_layers = 3;
  EXPECT_THAT(testing::error_of([&] { TextTower(config, nn::Scope(nn::ParameterStore::meta())); }),
              ::testing::HasSubstr("cannot be skipped"));
}

}  // namespace
}  // namespace gsv3d
