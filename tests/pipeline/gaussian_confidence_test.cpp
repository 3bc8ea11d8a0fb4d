// Confidences that are known by hand, and those of generate() against objects made one by one.
#include "pipeline/gaussian_confidence.h"

#include <gtest/gtest.h>

#include "errors.h"
#include "pipeline/pipeline.h"
#include "toy_model.h"

namespace gsv3d {
namespace {

/// Opaque balls of radius 0.01 at places along x, with grey colours.
Gaussians balls(const std::vector<float>& places, const std::vector<float>& greys) {
  const auto count = static_cast<int64_t>(places.size());
  Gaussians g{at::zeros({count, 3}), at::zeros({count, 4}), at::full({count, 3}, 0.01F), at::ones({count}), {}};
  g.quats.select(1, 0).fill_(1);
  g.means.select(1, 0).copy_(at::tensor(places));
  g.sh = rgb_to_sh(at::tensor(greys).unsqueeze(1).expand({count, 3}));
  return g;
}

TEST(GaussianConfidence, FallsWithDistanceAndColour) {
  const Gaussians object = balls({0, 0.2F, -0.3F}, {0.5F, 0.5F, 0.5F});
  // The first is there again; the second is two deviations of distance away; the third has a colour one deviation away.
  const Gaussians other = balls({-0.3F, 0.24F, 0}, {0.6F, 0.5F, 0.5F});
  const GaussianConfidence found = gaussian_confidence(object, {other});
  EXPECT_EQ(found.seeds, 2);
  ASSERT_EQ(found.values.sizes(), (std::vector<int64_t>{3}));
  EXPECT_EQ(found.values.scalar_type(), at::kFloat);
  EXPECT_NEAR(found.values[0].item<double>(), 1, 1e-6);
  EXPECT_NEAR(found.values[1].item<double>(), std::exp(-2.0), 1e-5);
  EXPECT_NEAR(found.values[2].item<double>(), std::exp(-0.5), 1e-5);
  EXPECT_NEAR(found.value, (1 + std::exp(-2.0) + std::exp(-0.5)) / 3, 1e-5);
  // With a seed that made the same object, halfway to certainty.
  const Tensor both = gaussian_confidence(object, {other, object}).values;
  EXPECT_NEAR((both - (found.values + 1) / 2).abs().max().item<double>(), 0, 1e-6);
}

TEST(GaussianConfidence, TheNumberCountsWhatIsSeen) {
  Gaussians object = balls({0, 0.2F}, {0.5F, 0.5F});
  const Gaussians other = balls({0}, {0.5F});  // the second ball is nowhere: ten deviations
  object.opacities[1] = 0.5;
  object.scales[1] = at::tensor({0.02F, 0.001F, 0.03F});  // seen at most over 0.02 · 0.03 / 0.01² = 6 times the area
  EXPECT_NEAR(gaussian_confidence(object, {other}).value, 1 / (1 + 0.5 * 6), 1e-6);
  // What cannot be seen of another seed is not there.
  Gaussians faint = object;
  faint.opacities[0] = 0.05;
  EXPECT_LT(gaussian_confidence(object, {faint}).values[0].item<double>(), 1e-6);
  faint.opacities.fill_(0.05);
  EXPECT_EQ(gaussian_confidence(object, {faint}).value, 0);
  EXPECT_EQ(gaussian_confidence(balls({}, {}), {other}).values.numel(), 0);
  testing::expect_error([&] { gaussian_confidence(object, {}); }, "another seed");
}

/// With a decoder, and without one, where every seed's views are fitted.
TEST(GaussianConfidence, ComparesWithTheObjectsOfTheNextSeeds) {
  const testing::TemporaryFolder folder;
  testing::initialise_toy_model(folder / "toy", 5);
  Model model = load_model(folder / "toy", {});
  const Tensor photo = at::rand({1, 4, 32, 32}, make_generator(3));
  const PreparedPhoto prepared{to_image(photo[0]), {}, photo};
  for (const bool with_decoder : {true, false}) {
    if (!with_decoder) model.gaussian_decoder.reset();
    GenerateOptions options;
    options.fit_steps = 3;
    const auto object_of = [&](uint64_t seed) {
      options.seed = seed;
      return *generate(model, prepared, options).gaussians;
    };
    const Gaussians first = object_of(23), second = object_of(24), third = object_of(25);
    options.seed = 23, options.spread_seeds = 3, options.confidence = true;
    std::vector<int64_t> seeds_done;
    const Result result = generate(model, prepared, options, [&](const std::string& stage, int64_t done, int64_t total) {
      if (stage == "confidence" && total == 2 && (seeds_done.empty() || seeds_done.back() != done)) seeds_done.push_back(done);
    });
    EXPECT_TRUE(at::equal(result.gaussians->means, first.means)) << "asking does not change the object";
    EXPECT_TRUE(at::equal(result.gaussians->sh, first.sh));
    ASSERT_TRUE(result.confidence.has_value());
    EXPECT_EQ(result.confidence->seeds, 3);
    const GaussianConfidence expected = gaussian_confidence(first, {second, third});
    EXPECT_TRUE(at::equal(result.confidence->values, expected.values));
    EXPECT_EQ(result.confidence->value, expected.value);
    EXPECT_GT(expected.value, 0);
    EXPECT_LT(expected.value, 1);
    EXPECT_EQ(seeds_done, (std::vector<int64_t>{0, 1, 2}));
  }
  GenerateOptions alone;
  alone.confidence = true;
  testing::expect_error([&] { generate(model, prepared, alone); }, "at least two seeds");
  alone.spread_seeds = 2, alone.views_only = true;
  testing::expect_error([&] { generate(model, prepared, alone); }, "needs Gaussians");
}

}  // namespace
}  // namespace gsv3d
