// Metrics against reference numbers (scikit-image, 3DGS' loss) and by hand.
#include "evaluation/metrics.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/error.h"
#include "goldens.h"
#include "image/ssim.h"

namespace gsv3d {
namespace {

using testing::expect_near;

TEST(MetricsGolden, PsnrAndBothVariantsOfSsim) {
  GSV3D_GOLDEN_OR_SKIP(path, "metrics/image_metrics.safetensors");
  const NamedTensors golden = read_safetensors(path);
  const Tensor a = golden.at("a").to(at::kDouble), b = golden.at("b").to(at::kDouble);
  const Tensor decibels = psnr(a, b);
  const Tensor expected = golden.at("psnr").to(at::kDouble), finite = at::isfinite(expected);
  EXPECT_TRUE(at::equal(at::isfinite(decibels), finite)) << "infinite for equal pictures only";
  EXPECT_GT(finite.sum().item<int64_t>(), 0);
  expect_near(decibels.index({finite}), expected.index({finite}), 1e-4, "PSNR");
  expect_near(ssim(a, b, SsimBorder::zero_pad), golden.at("ssim_zero_pad_mean"), 1e-5, "SSIM zero pad");
  expect_near(ssim(a, b, SsimBorder::valid), golden.at("ssim_valid_mean"), 1e-5, "SSIM valid");
}

TEST(MetricsGolden, SsimHasTheGradientOfTheLossOf3dgs) {
  GSV3D_GOLDEN_OR_SKIP(path, "metrics/image_metrics.safetensors");
  const NamedTensors golden = read_safetensors(path);
  const std::string loss_of = "loss3dgs_pair", gradient_of = "_grad_a";  // the pair's index behind it
  std::string pair;
  for (const auto& [name, unused] : golden)
    if (name.starts_with(loss_of) && name.ends_with(gradient_of))
      pair = name.substr(loss_of.size(), name.size() - loss_of.size() - gradient_of.size());
  ASSERT_NE(pair, "");
  const int64_t index = std::stoll(pair);
  Tensor a = golden.at("a").slice(0, index, index + 1).clone();
  const Tensor b = golden.at("b").slice(0, index, index + 1);
  a.requires_grad_(true);
  const Tensor loss =
      0.8 * (a - b).abs().mean() + 0.2 * (1 - ssim(a.to(at::kDouble), b.to(at::kDouble), SsimBorder::zero_pad).mean());
  EXPECT_NEAR(loss.item<double>(), golden.at(loss_of + pair).item<double>(), 1e-6);
  loss.backward();
  expect_near(a.grad()[0], golden.at(loss_of + pair + gradient_of), 1e-8, "gradient");
}

TEST(Metrics, PsnrOfTheObjectKnowsNothingOfTheBackground) {
  const Tensor truth = at::full({2, 3, 2, 2}, 0.5);
  Tensor alpha = at::zeros({2, 1, 2, 2}), images = truth.clone();
  alpha[0][0][0].fill_(1), alpha[0][0][1].fill_(0.5);  // the upper row; exactly one half is not solid
  images[0].select(1, 0).add_(0.1);                    // the object off by 0.1: 20 dB
  images[0].select(1, 1).add_(0.4);                    // the background by more
  images[0][2].select(0, 0).sub_(0.1);                 // but blue not at all: two thirds of the squares
  const Tensor decibels = object_psnr(images, truth, alpha);
  EXPECT_NEAR(decibels[0].item<double>(), 20 - 10 * std::log10(2.0 / 3), 1e-5);  // inputs are float32
  EXPECT_TRUE(std::isnan(decibels[1].item<double>())) << "no object";
  EXPECT_THROW(object_psnr(images, truth, alpha.slice(0, 1)), Error);
}

TEST(Metrics, MaskIouCountsPixels) {
  Tensor a = at::zeros({3, 1, 4, 4}), b = at::zeros({3, 1, 4, 4});
  a[0].slice(2, 0, 2).fill_(0.9), b[0].slice(2, 1, 3).fill_(0.6);  // 8 and 8 pixels, 4 in common
  a[1].fill_(0.5);                                                 // exactly one half is not solid; both empty
  b[2].fill_(1);                                                   // one empty
  expect_near(mask_iou(a, b), at::tensor({1.0 / 3, 1.0, 0.0}, at::kDouble), 1e-12, "IoU");
}

TEST(Metrics, DepthIsComparedWhereBothHit) {
  Tensor alpha = at::zeros({2, 1, 2, 2}), truth_alpha = at::zeros({2, 1, 2, 2});
  alpha[0][0][0].fill_(1);                  // upper row
  truth_alpha[0][0].select(1, 0).fill_(1);  // left column
  const Tensor depth = at::full({2, 1, 2, 2}, 1.75), truth = at::full({2, 1, 2, 2}, 2.0);
  Tensor wrong_elsewhere = depth.clone();
  wrong_elsewhere[0][0][1].fill_(100);
  const Tensor errors = depth_error(wrong_elsewhere, alpha, truth, truth_alpha);
  EXPECT_NEAR(errors[0].item<double>(), 0.25, 1e-12);
  EXPECT_TRUE(std::isnan(errors[1].item<double>()));
}

TEST(Metrics, RefuseWhatTheyCannotCompare) {
  EXPECT_THROW(psnr(at::zeros({1, 3, 8, 8}), at::zeros({1, 3, 8, 9})), Error);
  EXPECT_THROW(ssim(at::zeros({1, 3, 8, 8}), at::zeros({1, 3, 8, 8}), SsimBorder::valid), Error);
}

}  // namespace
}  // namespace gsv3d
