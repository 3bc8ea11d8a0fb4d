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
