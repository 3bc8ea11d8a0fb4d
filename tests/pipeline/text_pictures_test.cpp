// From words to pictures with networks of a few thousand random parameters: what the options do, and which candidate is taken.
#include "pipeline/text_pictures.h"

#include <c10/core/GradMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/cancel.h"
#include "errors.h"
#include "image/framing.h"
#include "toy_text_model.h"

namespace gsv3d {
namespace {

using testing::error_of;
using ::testing::HasSubstr;

class TextPicturesTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    shared_ = new testing::TemporaryFolder;
    for (const char* name : {"pairs", "words"}) testing::initialise_toy_model(*shared_ / name, 3);
    testing::add_toy_text_model(*shared_ / "pairs", testing::toy_text_config(), 4);
    testing::add_toy_text_model(*shared_ / "words", testing::toy_text_config({"chair", "red", "table"}), 5);
    pairs_ = new TextModel(load_text_model(*shared_ / "pairs", {}));
    words_ = new TextModel(load_text_model(*shared_ / "words", {}));
  }
  static void TearDownTestSuite() {
    delete pairs_;
    delete words_;
    delete shared_;
  }
  TextPicturesTest() { options_.matting = false; }
  TextPictures make(const std::string& words, const PictureEmbedder& embed = {}) const {
    return make_pictures(*pairs_, words, options_, embed);
  }
  static std::vector<uint8_t> pixels(const TextPictures& pictures) { return pictures.best().picture.pixels; }

  static testing::TemporaryFolder* shared_;
  static TextModel *pairs_, *words_;
  TextOptions options_;
};
testing::TemporaryFolder* TextPicturesTest::shared_ = nullptr;
TextModel* TextPicturesTest::pairs_ = nullptr;
TextModel* TextPicturesTest::words_ = nullptr;

TEST_F(TextPicturesTest, SeedsWordsAndSettingsDecide) {
  const auto first = pixels(make("red chair"));
  EXPECT_EQ(first.size(), 32u * 32 * 4);
  EXPECT_EQ(pixels(make("red chair")), first);
  EXPECT_NE(pixels(make("red ch")), first);
  options_.seed = 24;
  EXPECT_NE(pixels(make("red chair")), first);
  options_ = TextOptions();
  options_.matting = false, options_.negative = "chair";
  EXPECT_NE(pixels(make("red chair")), first);
  options_.negative.reset(), options_.sampling = {{"picture-steps", 3}};
  EXPECT_NE(pixels(make("red chair")), first);
  for (const char* method : {"euler_ancestral", "ddim", "lcm"}) {
    options_.sampling = {{"picture-sampler", method}};
    EXPECT_NE(pixels(make("red chair")), first) << method;
    EXPECT_EQ(pixels(make("red chair")), pixels(make("red chair"))) << method;
  }
}

TEST_F(TextPicturesTest, TheTemplateSurroundsTheWords) {
  EXPECT_EQ(make("red chair").prompt,
            "red chair, a single object, centered, entire object visible, isolated on a plain white background");
  options_.use_template = false;
  EXPECT_EQ(make("red {} chair").prompt, "red {} chair");
}

/// By the formula, without the sampler: one Euler step over the network's two answers.
TEST_F(TextPicturesTest, GuidanceIsTheOneFormula) {
  options_.use_template = false;
  options_.sampling = {{"picture-steps", 1}, {"picture-guidance", 3.0}, {"picture-spacing", "trailing"}};
  const c10::NoGradGuard no_grad;
  const PictureSampler sampler({}, {.steps = 1, .spacing = "trailing"});
  const double sigma = sampler.sigmas().front();
  const Tensor x = randn({1, 4, 8, 8}, make_generator(options_.seed)) * sigma, scaled = x / std::sqrt(sigma * sigma + 1);
  const auto answer = [&](const std::string& words) {
    const Tensor context = pairs_->tower->context(tokens_of(*pairs_->tokenizer, {words}, 8));
    return (*pairs_->unet)({.x = scaled, .timesteps = at::full({1}, 999.0F), .context = context});
  };
  const Tensor without = answer(pairs_->config.negative), with = answer("red chair");
  const Tensor latents = x - sigma * (without + 3 * (with - without));
  const Tensor picture = ((*pairs_->decoder)(latents / pairs_->vae.scale_factor)[0] + 1) / 2;
  const TextPictures made = make("red chair");
  const Tensor difference = (to_tensor(made.best().picture).narrow(0, 0, 3) - picture.clamp(0, 1)).abs();
  EXPECT_LE(difference.max().item<float>(), 1.01 / 255);  // a level: both are rounded
}

TEST_F(TextPicturesTest, ASketchIsLeftAsFarAsItsStrengthSays) {
  Image sketch = blank_image(20, 32, 255, 255, 255);
  for (int64_t y = 8; y < 24; ++y)
    for (int64_t x = 5; x < 15; ++x) sketch.at(x, y)[0] = 0;
  options_.sampling = {{"picture-steps", 20}};
  const auto without = pixels(make("red chair"));
  options_.sketch = sketch, options_.strength = 1;
  EXPECT_EQ(pixels(make("red chair")), without);
  // The less may change, the nearer the picture is to the sketch as the autoencoder shows it.
  const auto at_strength = [&](double strength) {
    options_.strength = strength;
    return to_tensor(make("red chair").best().picture).narrow(0, 0, 3);
  };
  Image square = blank_image(32, 32, 255, 255, 255);
  for (int64_t y = 0; y < 32; ++y) std::copy_n(sketch.at(0, y), 4 * 20, square.at(6, y));
  const c10::NoGradGuard no_grad;
  const Tensor latents = pairs_->encoder->mode(to_tensor(square).narrow(0, 0, 3).unsqueeze(0) * 2 - 1);
  const Tensor shown = (((*pairs_->decoder)(latents)[0] + 1) / 2).clamp(0, 1);
  const auto distance = [&](double strength) { return (at_strength(strength) - shown).abs().mean().item<double>(); };
  EXPECT_LT(distance(0.05), distance(0.9));
}

TEST_F(TextPicturesTest, TheBestCandidateIsTaken) {
  options_.candidates = 4;
  Tensor wanted;  // an embedder by which the third candidate's picture is the nearest to the words
  {
    const c10::NoGradGuard no_grad;
    TextModelConfig config = testing::toy_text_config();
    config.tower.embed_dim = 12;
    const testing::TemporaryFolder folder;
    testing::initialise_toy_model(folder / "m", 3);
    testing::add_toy_text_model(folder / "m", config, 4);
    const TextModel model = load_text_model(folder / "m", {});
    wanted = model.tower->embedding(tokens_of(*model.tokenizer, {"red chair"}, 8))[0];
    int64_t calls = 0;
    const TextPictures made =
        make_pictures(model, "red chair", options_, [&](const Image&) { return ++calls == 3 ? wanted : at::neg(wanted); });
    EXPECT_EQ(made.chosen, 2u);
    EXPECT_NEAR(*made.candidates[2].clip_score, 1, 1e-5);
    EXPECT_NEAR(*made.candidates[0].clip_score, -1, 1e-5);
    const Json json = text_pictures_json(made, "red chair", options_, model);
    EXPECT_EQ(json["chosen"], 2);
    EXPECT_EQ(json["candidates"][1]["seed"], options_.seed + 1);
    EXPECT_EQ(candidate_sheet(made).has_alpha, false);
  }
  const TextPictures plain = make("red chair");
  EXPECT_EQ(plain.chosen, 0u);
  EXPECT_FALSE(plain.best().clip_score.has_value());
  options_.candidates = 1, options_.seed += 2;
  EXPECT_EQ(plain.candidates[2].picture.pixels, make("red chair").best().picture.pixels);
}

TEST_F(TextPicturesTest, ModelsOfFewWordsSayWhatTheyDoNotKnow) {
  options_.use_template = true;
  EXPECT_EQ(make_pictures(*words_, "the red Chair", options_).prompt, "the red Chair");
  EXPECT_THAT(error_of([&] { make_pictures(*words_, "red sofa", options_); }), HasSubstr("\"sofa\" (nearest: "));
  options_.negative = "blue";
  EXPECT_THAT(error_of([&] { make_pictures(*words_, "red chair", options_); }), HasSubstr("\"blue\""));
}

TEST_F(TextPicturesTest, RefusesBeforeAnyWork) {
  const auto refusal = [&](const std::string& words) { return error_of([&] { check_text(*pairs_, words, options_); }); };
  for (const char* blank : {"", "  \t\n", "\x01\x7f"}) EXPECT_THAT(refusal(blank), HasSubstr("the text is empty"));
  EXPECT_THAT(refusal(std::string(100'001, 'x')), HasSubstr("at most 100000"));
  EXPECT_EQ(refusal(std::string(10'000, 'x')), "");
  for (const char* odd : {"🙂", "красное кресло", "(red:1.3) [chair]", "a\x01\xff"}) EXPECT_EQ(refusal(odd), "") << odd;
  options_.candidates = 65;
  EXPECT_THAT(refusal("chair"), HasSubstr("candidates = 65"));
  options_.candidates = 1, options_.strength = 0;
  EXPECT_THAT(refusal("chair"), HasSubstr("strength"));
  options_.strength = 1, options_.sampling = {{"picture-guidance", 1}};
  options_.negative = "dark";
  EXPECT_THAT(refusal("chair"), HasSubstr("needs guidance"));
}

TEST_F(TextPicturesTest, StopsWhenAsked) {
  request_cancel();
  EXPECT_THROW(make("red chair"), Cancelled);
  clear_cancel();
}

}  // namespace
}  // namespace gsv3d
