// The photo's own frame given instead of generated (SamplerConfig::clean_photo_frame), batches of clips, and the ends of tables
// of few steps.
#include <c10/core/GradMode.h>

#include "diffusion/sampler.h"
#include "goldens.h"
#include "unet_toy.h"

namespace gsv3d {
namespace {

using testing::expect_close;
using testing::toy_conditioning;
using testing::ToyUNet;

Conditioning with_photo(int64_t frames, int64_t clips = 1) {
  Conditioning conditioning = toy_conditioning(frames, clips);
  conditioning.photo_latent = conditioning.concat * 0.7;
  return conditioning;
}

SamplerConfig few_steps(const std::string& method) {
  SamplerConfig config;
  config.method = method;
  config.steps = 4, config.sigma_min = 0.2, config.sigma_max = 80;
  return config;
}

TEST(PhotoFrame, StaysExactThroughEverySolver) {
  const c10::NoGradGuard no_grad;
  const ToyUNet toy;
  const Conditioning conditioning = with_photo(3);
  const Tensor noise = randn({3, 2, 4, 6}, make_generator(3)), photo = conditioning.photo_latent[0];
  for (const std::string& method : solver_names()) {
    for (const GuidanceBatch batch : {GuidanceBatch::kJoint, GuidanceBatch::kSplit}) {
      SampleOptions options;
      options.batch = batch;
      int64_t steps = 0;
      const Tensor latents = sample(
          *toy.unet, few_steps(method), noise, conditioning,
          [&](const SamplerStep& step) {
            ++steps;
            EXPECT_TRUE(at::equal(step.x_next[2], photo) && at::equal(step.denoised[2], photo)) << method << " " << step.index;
          },
          options);
      EXPECT_EQ(steps, 4);
      EXPECT_TRUE(at::isfinite(latents).all().item<bool>());
      EXPECT_TRUE(at::equal(latents[2], photo)) << method;
      EXPECT_GT((latents[0] - photo).abs().max().item<double>(), 1e-2);
    }
  }
}

TEST(PhotoFrame, IsSeenWithoutNoiseWhateverItsRowSays) {
  const c10::NoGradGuard no_grad;
  const ToyUNet toy;
  const Conditioning conditioning = with_photo(3, 2), plain = toy_conditioning(3, 2);
  const Tensor x = randn({6, 2, 4, 6}, make_generator(4)) * 3, sigma = at::tensor({3.f, 3.f, 3.f, 9.f, 9.f, 9.f});
  Tensor other = x.clone(), by_hand = x.clone();
  other[2].add_(5), other[5].zero_();
  const Tensor estimate = denoise(*toy.unet, x, sigma, conditioning);
  EXPECT_TRUE(at::equal(denoise(*toy.unet, other, sigma, conditioning), estimate));
  by_hand[2].copy_(conditioning.photo_latent[0]), by_hand[5].copy_(conditioning.photo_latent[1]);
  const auto clean = static_cast<float>(clean_sigma);
  const Tensor expected = denoise(*toy.unet, by_hand, at::tensor({3.f, 3.f, clean, 9.f, 9.f, clean}), plain);
  for (const int64_t frame : {0, 1, 3, 4}) EXPECT_TRUE(at::equal(estimate[frame], expected[frame])) << frame;
}

/// Further photos' frames: never sampled, in models with a clean photo frame seen without noise, in others noisy as the rest.
TEST(GivenFrames, AreWhatTheyAreThroughEverySolver) {
  const c10::NoGradGuard no_grad;
  const ToyUNet toy;
  const Tensor given = randn({1, 2, 4, 6}, make_generator(8)), noise = randn({3, 2, 4, 6}, make_generator(3));
  for (Conditioning conditioning : {with_photo(3), toy_conditioning(3)}) {
    conditioning.given_frames = {{0, given}};
    for (const std::string& method : solver_names()) {
      for (const GuidanceBatch batch : {GuidanceBatch::kJoint, GuidanceBatch::kSplit}) {
        SampleOptions options;
        options.batch = batch;
        options.correct = [](const Tensor& denoised) { return denoised + 1; };
        SamplerConfig config = few_steps(method);
        config.loop_steps = {1};
        const Tensor latents = sample(
            *toy.unet, config, noise, conditioning,
            [&](const SamplerStep& step) { EXPECT_TRUE(at::equal(step.denoised[0], given[0])) << method << " " << step.index; },
            options);
        expect_close(latents[0], given[0], 1e-4, method);  // x + (x - D) / σ · (-σ) in float32, from σ = 80
      }
    }
  }
}

TEST(GivenFrames, AreSeenWithoutNoiseBesideACleanPhotoFrame) {
  const c10::NoGradGuard no_grad;
  const ToyUNet toy;
  Conditioning conditioning = with_photo(3, 2);
  const Tensor given = randn({2, 2, 4, 6}, make_generator(8)), x = randn({6, 2, 4, 6}, make_generator(4)) * 3;
  conditioning.given_frames = {{1, given}};
  const Tensor estimate = denoise(*toy.unet, x, at::full({6}, 3.0F), conditioning);
  Tensor by_hand = x.clone();
  for (const int64_t clip : {0, 1})
    by_hand[3 * clip + 1].copy_(given[clip]), by_hand[3 * clip + 2].copy_(conditioning.photo_latent[clip]);
  const auto clean = static_cast<float>(clean_sigma);
  const Tensor expected = denoise(*toy.unet, by_hand, at::tensor({3.f, clean, clean, 3.f, clean, clean}), toy_conditioning(3, 2));
  for (const int64_t clip : {0, 1}) {
    EXPECT_TRUE(at::equal(estimate[3 * clip], expected[3 * clip])) << clip;
    EXPECT_TRUE(at::equal(estimate[3 * clip + 1], given[clip])) << clip;
  }
}

TEST(PhotoFrame, WithoutThePhotoItIsZero) {
  const Conditioning none = with_photo(3).unconditional();
  EXPECT_EQ(none.photo_latent.abs().max().item<double>(), 0);
  EXPECT_FALSE(toy_conditioning(3).unconditional().photo_latent.defined());
}

TEST(Sampler, EveryStepOfAShortTableIsUsedAndTheLastEndsAtTheEstimate) {
  const c10::NoGradGuard no_grad;
  const ToyUNet toy;
  const Tensor sigmas = edm_sigmas(4, 0.2, 80, 7);
  EXPECT_NEAR(sigmas[0].item<double>(), 80, 1e-3);
  EXPECT_NEAR(sigmas[3].item<double>(), 0.2, 1e-5);
  for (int64_t i = 0; i < 3; ++i) EXPECT_GT((sigmas[i] / sigmas[i + 1]).item<double>(), 3) << i;
  for (const std::string& method : solver_names()) {
    Tensor last;
    const Tensor latents = sample(*toy.unet, few_steps(method), randn({3, 2, 4, 6}, make_generator(3)), toy_conditioning(3),
                                  [&](const SamplerStep& step) { last = step.denoised; });
    expect_close(latents, last, 1e-5, method);  // x + (x - D) / σ · (-σ) in float32
  }
}

TEST(Sampler, ClipsOfABatchAreThoseOfTheirOwnRuns) {
  const c10::NoGradGuard no_grad;
  const ToyUNet toy;
  const Conditioning both = with_photo(3, 2);
  const Tensor noise = randn({6, 2, 4, 6}, make_generator(3));
  const Tensor together = sample(*toy.unet, few_steps("dpmpp2m"), noise, both);
  for (const int64_t clip : {0, 1}) {
    Conditioning one = both;
    one.crossattn = both.crossattn.narrow(0, clip, 1), one.concat = both.concat.narrow(0, clip, 1);
    one.photo_latent = both.photo_latent.narrow(0, clip, 1), one.vector = both.vector.narrow(0, 3 * clip, 3);
    expect_close(together.narrow(0, 3 * clip, 3), sample(*toy.unet, few_steps("dpmpp2m"), noise.narrow(0, 3 * clip, 3), one),
                 1e-5, "clip alone");
  }
}

TEST(Sampler, GoesOnFromACorrectedEstimate) {
  const c10::NoGradGuard no_grad;
  const ToyUNet toy;
  SamplerConfig config = few_steps("euler");
  config.loop_steps = {1};
  SampleOptions options;
  int64_t calls = 0;
  options.correct = [&](const Tensor& denoised) {
    ++calls;
    return denoised * 0.5;
  };
  std::vector<SamplerStep> steps;
  const Tensor noise = randn({3, 2, 4, 6}, make_generator(3));
  sample(
      *toy.unet, config, noise, toy_conditioning(3), [&](const SamplerStep& step) { steps.push_back(step); }, options);
  EXPECT_EQ(calls, 1);
  const Tensor sigmas = edm_sigmas(4, 0.2, 80, 7), x = steps[0].x_next;
  const Tensor estimate = steps[1].denoised;
  expect_close(steps[1].x_next, x + (x - estimate) / sigmas[1] * (sigmas[2] - sigmas[1]), 1e-5, "the step");
  config.loop_steps.clear();
  Tensor plain;
  sample(*toy.unet, config, noise, toy_conditioning(3), [&](const SamplerStep& step) {
    if (step.index == 1) plain = step.denoised;
  });
  expect_close(estimate, plain * 0.5, 1e-6, "the estimate");
}

TEST(Sampler, EndsBeforeTheStepThatItIsTold) {
  const c10::NoGradGuard no_grad;
  const ToyUNet toy;
  std::vector<Tensor> states;
  const auto keep = [&](const SamplerStep& step) { states.push_back(step.x_next); };
  const Tensor noise = randn({3, 2, 4, 6}, make_generator(3));
  sample(*toy.unet, few_steps("euler"), noise, toy_conditioning(3), keep);
  SampleOptions options;
  options.end_step = 2;
  EXPECT_TRUE(at::equal(sample(*toy.unet, few_steps("euler"), noise, toy_conditioning(3), {}, options), states[1]));
}

}  // namespace
}  // namespace gsv3d
