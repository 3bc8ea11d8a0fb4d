#include "diffusion/sampler.h"

#include <c10/core/GradMode.h>

#include "core/error.h"
#include "sv3d_goldens.h"
#include "unet_toy.h"

namespace gsv3d {
namespace {

using testing::expect_close;
using testing::toy_conditioning;
using testing::ToyUNet;

TEST(SamplerGolden, Tables) {
  GSV3D_GOLDEN_OR_SKIP(file, "sv3d/sampler_tables.safetensors");
  const NamedTensors golden = read_safetensors(file);
  const SamplerConfig config = testing::sv3d_golden_settings("p").sampler;
  size_t tables = 0;
  for (const auto& [name, expected] : golden) {
    if (!name.starts_with("sigmas.")) continue;
    const int64_t steps = std::stoll(name.substr(name.find('.') + 1));
    const Tensor sigmas = edm_sigmas(steps, config.sigma_min, config.sigma_max, config.rho);
    ASSERT_EQ(sigmas.sizes(), expected.sizes());
    EXPECT_EQ(sigmas[steps].item<float>(), 0);
    const Tensor ratio = sigmas.slice(0, 0, steps).to(at::kDouble) / expected.slice(0, 0, steps).to(at::kDouble);
    EXPECT_LE((ratio - 1).abs().max().item<double>(), 5e-6) << name;
    ++tables;
  }
  const Scaling scaling = v_scaling(golden.at("scaling.sigma"));
  expect_close(scaling.c_skip, golden.at("scaling.c_skip"), 2e-6, "c_skip");
  expect_close(scaling.c_out, golden.at("scaling.c_out"), 2e-6, "c_out");
  expect_close(scaling.c_in, golden.at("scaling.c_in"), 2e-6, "c_in");
  expect_close(scaling.c_noise, golden.at("scaling.c_noise"), 2e-6, "c_noise");
  for (const std::string guider : {"triangle", "linear"}) {
    const auto scales = [&](int64_t frames) { return guidance_scales(guider, frames, config.min_scale, config.max_scale); };
    const Tensor& applied = golden.at("guidance.apply." + guider);
    expect_close(apply_guidance(golden.at("guidance.apply.in"), scales(applied.size(0))), applied, 2e-6, "applied " + guider);
    for (const auto& [name, expected] : golden) {
      if (!name.starts_with("guidance." + guider + ".")) continue;
      expect_close(scales(expected.size(0)), expected, 2e-6, name);
      ++tables;
    }
  }
  EXPECT_GE(tables, 5U);
}

TEST(Sampler, SettingsAreChecked) {
  EXPECT_THROW(guidance_scales("square", 5, 1, 2), UsageError);
  EXPECT_THROW(guidance_scales("linear", 0, 1, 2), Error);
  EXPECT_THROW(edm_sigmas(0, 0.002, 700, 7), Error);
  EXPECT_THROW(edm_sigmas(5, 0, 700, 7), Error);
  EXPECT_THROW(apply_guidance(at::zeros({5, 2, 1, 1}), at::ones({2})), Error);
  EXPECT_TRUE(at::equal(guidance_scales("constant", 3, 1, 2), at::full({3}, 2.0f)));
}

/// At sigma → 0 the network's word counts nothing, at large sigma the noisy latents count nothing.
TEST(Sampler, ScalingLimits) {
  const Scaling scaling = v_scaling(at::tensor({1e-4f, 1e4f}));
  EXPECT_NEAR(scaling.c_skip[0].item<float>(), 1, 1e-6);
  EXPECT_NEAR(scaling.c_out[0].item<float>(), -1e-4, 1e-9);
  EXPECT_NEAR(scaling.c_skip[1].item<float>(), 0, 1e-7);
  EXPECT_NEAR(scaling.c_out[1].item<float>(), -1, 1e-6);
}

TEST(Sampler, GuidanceIsTheMixOfTwoRuns) {
  const c10::NoGradGuard no_grad;
  const ToyUNet toy;
  const Conditioning conditioning = toy_conditioning(3);
  const Tensor x = randn({3, 2, 4, 6}, make_generator(1)), sigma = at::full({3}, 0.8f), scales = at::tensor({1.0f, 2.0f, 3.5f});
  const Tensor with = denoise(*toy.unet, x, sigma, conditioning),
               without = denoise(*toy.unet, x, sigma, conditioning.unconditional());
  const GuidedResult guided = guided_denoise(*toy.unet, x, sigma, conditioning, scales);
  EXPECT_EQ(guided.net_out.size(0), 6);
  expect_close(guided.denoised, without + scales.reshape({3, 1, 1, 1}) * (with - without), 1e-5, "guided");
  EXPECT_GT((with - without).abs().max().item<double>(), 1e-3);
}

TEST(Sampler, ScalesOfOneSkipTheUnconditionalHalf) {
  const c10::NoGradGuard no_grad;
  const ToyUNet toy;
  const Conditioning conditioning = toy_conditioning(3);
  const Tensor x = randn({3, 2, 4, 6}, make_generator(2)), sigma = at::full({3}, 5.0f);
  const GuidedResult skipped = guided_denoise(*toy.unet, x, sigma, conditioning, at::ones({3}));
  EXPECT_EQ(skipped.net_out.size(0), 3);
  const GuidedResult whole = guided_denoise(*toy.unet, x, sigma, conditioning, at::full({3}, 1.000001f));
  EXPECT_EQ(whole.net_out.size(0), 6);
  expect_close(skipped.denoised, whole.denoised, 1e-5, "scales of 1");
}

TEST(Sampler, StepsAreReportedAndTheLastIsTheEstimate) {
  const c10::NoGradGuard no_grad;
  const ToyUNet toy;
  SamplerConfig config;
  config.steps = 3, config.sigma_max = 20;
  const Tensor noise = randn({4, 2, 4, 6}, make_generator(3));
  std::vector<SamplerStep> steps;
  const Tensor latents =
      sample(*toy.unet, config, noise, toy_conditioning(4), [&](const SamplerStep& step) { steps.push_back(step); });
  ASSERT_EQ(steps.size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(steps[i].index, static_cast<int64_t>(i));
    EXPECT_EQ(steps[i].total, 3);
  }
  EXPECT_TRUE(at::equal(latents, steps.back().x_next));
  expect_close(latents, steps.back().denoised, 1e-5, "noise level zero");  // Euler to sigma = 0 ends on the estimate
  // The first step by hand, float64.
  const Tensor sigmas = edm_sigmas(3, 0.002, 20, 7).to(at::kDouble);
  const Tensor x = noise.to(at::kDouble) * at::sqrt(sigmas[0].square() + 1);
  const Tensor expected = x + (x - steps[0].denoised.to(at::kDouble)) / sigmas[0] * (sigmas[1] - sigmas[0]);
  expect_close(steps[0].x_next, expected, 1e-5, "first step");
}

TEST(Sampler, GuidanceRangeIsOpenBelowAndClosedAbove) {
  SamplerConfig config;
  EXPECT_TRUE(is_guided(config, 1e-4) && is_guided(config, 700));
  config.guidance_range = {0.5, 4};
  EXPECT_FALSE(is_guided(config, 0.5));
  EXPECT_TRUE(is_guided(config, 0.51) && is_guided(config, 4));
  EXPECT_FALSE(is_guided(config, 4.01));
  config.guidance_range = {1};
  EXPECT_THROW(is_guided(config, 1), Error);
}

TEST(Sampler, OutsideTheGuidanceRangeTheConditionalHalfRunsAlone) {
  const c10::NoGradGuard no_grad;
  const ToyUNet toy;
  const Conditioning conditioning = toy_conditioning(3);
  SamplerConfig config;
  config.steps = 4, config.sigma_max = 20;
  const Tensor sigmas = edm_sigmas(4, config.sigma_min, config.sigma_max, config.rho);
  // The third of four levels.
  config.guidance_range = {sigmas[3].item<double>(), sigmas[2].item<double>()};
  std::vector<SamplerStep> steps;
  const Tensor noise = randn({3, 2, 4, 6}, make_generator(3));
  const Tensor latents = sample(*toy.unet, config, noise, conditioning, [&](const SamplerStep& step) { steps.push_back(step); });
  ASSERT_EQ(steps.size(), 4u);
  for (size_t i = 0; i < 4; ++i) EXPECT_EQ(steps[i].net_out.size(0), i == 2 ? 6 : 3) << i;

  Tensor x = noise * at::sqrt(sigmas[0].square() + 1);
  const Tensor scales = guidance_scales("triangle", 3, config.min_scale, config.max_scale).reshape({3, 1, 1, 1});
  for (int64_t i = 0; i < 4; ++i) {
    const Tensor sigma = sigmas[i].expand({3}), with = denoise(*toy.unet, x, sigma, conditioning),
                 without = denoise(*toy.unet, x, sigma, conditioning.unconditional());
    const Tensor denoised = i == 2 ? without + scales * (with - without) : with;
    x = x + (x - denoised) / sigmas[i] * (sigmas[i + 1] - sigmas[i]);
  }
  testing::expect_close(latents, x, 1e-5, "by hand");
}

/// Features of another batch, or from before a stretch without guidance, must not be reused: the deep part is then made anew.
TEST(Sampler, KeptFeaturesFollowTheGuidanceRange) {
  const c10::NoGradGuard no_grad;
  const ToyUNet toy;
  SamplerConfig config;
  config.steps = 6, config.sigma_max = 20, config.cache_steps = 6;
  const Tensor sigmas = edm_sigmas(6, config.sigma_min, config.sigma_max, config.rho);
  config.guidance_range = {sigmas[4].item<double>(), sigmas[2].item<double>()};  // steps 2 and 3
  const Conditioning conditioning = toy_conditioning(3);
  const Tensor noise = randn({3, 2, 4, 6}, make_generator(3));
  for (const GuidanceBatch batch : {GuidanceBatch::kJoint, GuidanceBatch::kSplit}) {
    SampleOptions options;
    options.batch = batch;
    std::vector<SamplerStep> steps;
    sample(
        *toy.unet, config, noise, conditioning, [&](const SamplerStep& step) { steps.push_back(step); }, options);
    ASSERT_EQ(steps.size(), 6u);
    const auto differs = [&](size_t i) {
      const Tensor sigma = sigmas[static_cast<int64_t>(i)].expand({3}), scales = guidance_scales("triangle", 3, 1, 2.5);
      const Tensor exact =
          guided_denoise(*toy.unet, steps[i - 1].x_next, sigma, conditioning, i == 2 || i == 3 ? scales : at::ones({3}), batch)
              .denoised;
      return (steps[i].denoised - exact).abs().max().item<double>() > 1e-4;
    };
    const bool joint = batch == GuidanceBatch::kJoint;
    EXPECT_TRUE(differs(1)) << "the conditional half's features of step 0";
    EXPECT_EQ(differs(2), !joint) << "joint: no features of both halves yet";
    EXPECT_TRUE(differs(3));
    EXPECT_EQ(differs(4), !joint) << "joint: the conditional half's own are too old";
    EXPECT_TRUE(differs(5));
  }
}

TEST(Sampler, CallbackCanStop) {
  const c10::NoGradGuard no_grad;
  const ToyUNet toy;
  SamplerConfig config;
  config.steps = 5;
  int64_t calls = 0;
  EXPECT_THROW(sample(*toy.unet, config, randn({3, 2, 4, 6}, make_generator(4)), toy_conditioning(3),
                      [&](const SamplerStep&) {
                        ++calls;
                        throw Cancelled();
                      }),
               Cancelled);
  EXPECT_EQ(calls, 1);
}

TEST(Sampler, CountsAreChecked) {
  const ToyUNet toy;
  const Tensor x = at::zeros({3, 2, 4, 6});
  EXPECT_THROW(denoise(*toy.unet, x, at::ones({2}), toy_conditioning(3)), Error);
  EXPECT_THROW(denoise(*toy.unet, x, at::ones({3}), toy_conditioning(2)), Error);
  EXPECT_THROW(guided_denoise(*toy.unet, at::zeros({6, 2, 4, 6}), at::ones({6}), toy_conditioning(3, 2), at::full({6}, 2)),
               Error);
}

}  // namespace
}  // namespace gsv3d
