#include "diffusion/diffusion_loss.h"

#include "core/error.h"
#include "goldens.h"
#include "unet_toy.h"

namespace gsv3d {
namespace {

using testing::expect_close;

TEST(DiffusionLoss, SigmasAreLogNormal) {
  const int64_t n = 20000;
  const Tensor logs = sample_training_sigmas(n, 0.7, 1.6, make_generator(1)).to(at::kDouble).log();
  // Five standard errors: 1.6 / sqrt(n), and 1.6 / sqrt(2n) for the deviation.
  EXPECT_NEAR(logs.mean().item<double>(), 0.7, 5 * 1.6 / std::sqrt(n));
  EXPECT_NEAR(logs.std().item<double>(), 1.6, 5 * 1.6 / std::sqrt(2.0 * n));
  EXPECT_TRUE(at::equal(sample_training_sigmas(8, 0, 1, make_generator(2)), sample_training_sigmas(8, 0, 1, make_generator(2))));
  EXPECT_THROW(sample_training_sigmas(8, 0, -1, make_generator(2)), Error);
}

TEST(DiffusionLoss, LevelsAreAMixture) {
  const int64_t n = 40000;
  SamplerConfig sampler;
  sampler.steps = 4, sampler.sigma_min = 0.2, sampler.sigma_max = 80;
  const NoiseLevels levels{0.7, 1.6, 0.6, 0.5};
  const DrawnLevels drawn = draw_noise_levels(n, levels, sampler, make_generator(1));
  const auto share = [&](int64_t index) { return drawn.index.eq(index).to(at::kDouble).mean().item<double>(); };
  // Five standard errors of a share are at most 5 / (2 sqrt(n)) = 0.0125.
  EXPECT_NEAR(share(-1), 0.4, 0.0125);
  EXPECT_NEAR(share(0), 0.3, 0.0125);
  for (const int64_t later : {1, 2, 3}) EXPECT_NEAR(share(later), 0.1, 0.0125) << later;
  const Tensor table = sampler_levels(sampler), chosen = drawn.index >= 0;
  EXPECT_TRUE(at::equal(drawn.sigma.masked_select(chosen), table.index_select(0, drawn.index.masked_select(chosen))));
  const Tensor logs = drawn.sigma.masked_select(chosen.logical_not()).to(at::kDouble).log();
  EXPECT_NEAR(logs.mean().item<double>(), 0.7, 5 * 1.6 / std::sqrt(0.4 * n));
  EXPECT_NEAR(logs.std().item<double>(), 1.6, 5 * 1.6 / std::sqrt(0.8 * n));

  sampler.steps = 1;
  EXPECT_EQ(draw_noise_levels(100, {0.7, 1.6, 1, 0}, sampler, make_generator(2)).index.abs().max().item<int64_t>(), 0);
  const DrawnLevels plain = draw_noise_levels(8, {}, sampler, make_generator(3));
  EXPECT_TRUE(at::equal(plain.sigma, sample_training_sigmas(8, 0.7, 1.6, make_generator(3)))) << "SV3D's own";
  EXPECT_THROW(draw_noise_levels(8, {0, 1, 1.5, 0}, sampler, make_generator(3)), Error);
}

TEST(DiffusionLoss, WeightIsThatOfTheVPrediction) {
  const Tensor sigma = at::tensor({0.002f, 0.1f, 1.0f, 30.0f, 700.0f});
  const Tensor c_out = v_scaling(sigma).c_out.to(at::kDouble);
  const Tensor ratio = v_loss_weight(sigma).to(at::kDouble) * c_out.square();
  EXPECT_LE((ratio - 1).abs().max().item<double>(), 1e-6);
}

TEST(DiffusionLoss, EstimateSharesTheNoiseLevelWithinAClip) {
  const testing::ToyUNet toy;
  toy.store->set_requires_grad(true);
  const Conditioning conditioning = testing::toy_conditioning(3, 2);
  const Tensor clean = randn({6, 2, 4, 6}, make_generator(3)), noise = randn({6, 2, 4, 6}, make_generator(4));
  const Tensor estimate = one_step_estimate(*toy.unet, clean, noise, at::tensor({0.5f, 4.0f}), conditioning);
  const Tensor frames = at::tensor({0.5f, 0.5f, 0.5f, 4.0f, 4.0f, 4.0f});
  expect_close(estimate, denoise(*toy.unet, clean + noise * frames.reshape({6, 1, 1, 1}), frames, conditioning), 1e-6,
               "estimate");
  EXPECT_TRUE(estimate.requires_grad());
  EXPECT_EQ(estimate.scalar_type(), at::kFloat);
  EXPECT_THROW(one_step_estimate(*toy.unet, clean, noise, at::ones({6}), conditioning), Error);
  EXPECT_THROW(one_step_estimate(*toy.unet, clean, noise[0], at::ones({2}), conditioning), Error);
}

/// A small enough sigma leaves nothing to estimate.
TEST(DiffusionLoss, NoNoiseGivesTheLatentsBack) {
  const testing::ToyUNet toy;
  const Tensor clean = randn({3, 2, 4, 6}, make_generator(5));
  const Tensor estimate = one_step_estimate(*toy.unet, clean, randn({3, 2, 4, 6}, make_generator(6)), at::full({1}, 1e-6f),
                                            testing::toy_conditioning(3));
  expect_close(estimate, clean, 1e-5, "estimate");
}

}  // namespace
}  // namespace gsv3d
