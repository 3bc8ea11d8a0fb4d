// Samplers against diffusers' numbers (goldens/text/README.md gives the tolerances), and against what they are by definition.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <sstream>

#include "errors.h"
#include "golden_sets.h"
#include "text/picture_sampler.h"

namespace gsv3d {
namespace {

/// The goldens' dummy network: out[b, o] = sum_c A[o, c] x[b, c] + b[o] t / 1000.
PictureNetwork dummy_network(const NamedTensors& io, std::vector<Tensor>* inputs = nullptr) {
  return [&io, inputs](const Tensor& x, double timestep) {
    if (inputs) inputs->push_back(x);
    const Tensor a = io.at("A").to(x.scalar_type()), b = io.at("b").to(x.scalar_type());
    return at::einsum("oc,bchw->bohw", {a, x}) + (b * (timestep / 1000)).view({1, -1, 1, 1});
  };
}

/// "euler/v_prediction/trailing", ".../zsnr" or ".../turbo4" as settings.
struct Case {
  NoiseScheduleConfig schedule;
  PictureSamplerConfig sampler;
  bool zero_snr = false;
};
Case case_of(const std::string& name, int64_t steps) {
  Case result;
  result.sampler.steps = steps;
  std::vector<std::string> parts;
  std::istringstream text(name);
  for (std::string part; std::getline(text, part, '/');) parts.push_back(part);
  result.sampler.method = parts.at(0), result.schedule.prediction = parts.at(1), result.sampler.spacing = parts.at(2);
  result.zero_snr = result.schedule.zero_terminal_snr = parts.back() == "zsnr";
  return result;
}

TEST(PictureSamplerGolden, EveryCaseStepByStep) {
  GSV3D_GOLDEN_OR_SKIP(path, "text/samplers.golden.safetensors");
  const SafetensorsFile file(path);
  const NamedTensors io = read_safetensors(path);
  size_t cases = 0;
  for (const auto& [key, timesteps] : io) {
    if (!key.ends_with("/timesteps")) continue;
    const std::string name = key.substr(0, key.rfind('/'));
    SCOPED_TRACE(name);
    const Case test = case_of(name, timesteps.size(0));
    const PictureSampler sampler(test.schedule, test.sampler);
    testing::expect_near(at::tensor(sampler.timesteps()), timesteps.to(at::kDouble), 1e-3, "timesteps");
    const bool euler = test.sampler.method == "euler";
    const double tolerance = euler && test.zero_snr ? 5e-4 : 1e-5;
    if (euler)
      testing::expect_close(at::tensor(sampler.sigmas()), io.at(name + "/sigmas"), test.zero_snr ? 1e-4 : 1e-5, "sigmas");
    std::vector<Tensor> inputs;
    std::vector<PictureStep> steps;
    const Tensor init = io.at(name + "/init");
    const Tensor last = sampler.run(init.to(at::kDouble), dummy_network(io, &inputs), {},
                                    [&](const PictureStep& step) { steps.push_back(step); });
    ASSERT_EQ(static_cast<int64_t>(steps.size()), timesteps.size(0));
    const bool has_steps = io.count(name + "/x_after_step") != 0;  // the turbo cases give their end alone
    for (size_t i = 0; i < steps.size() && has_steps; ++i) {
      const auto row = static_cast<int64_t>(i);
      const std::string where = fmt::format("step {}: ", i);
      testing::expect_close(steps[i].network_input, io.at(name + "/model_inputs")[row], tolerance, where + "input");
      testing::expect_close(steps[i].network_output, io.at(name + "/model_outputs")[row], tolerance, where + "output");
      testing::expect_close(steps[i].x_next, io.at(name + "/x_after_step")[row], tolerance, where + "x");
    }
    if (!has_steps) testing::expect_close(last, io.at(name + "/final"), tolerance, "final");
    if (file.metadata().count("cases")) {
      const Json all = testing::golden_metadata(file, "cases");
      if (all.contains(name)) {
        EXPECT_NEAR(sampler.initial_noise() / all[name]["init_noise_sigma"].get<double>(), 1, 1e-4);
      }
    }
    ++cases;
  }
  EXPECT_GT(cases, 0u);
}

TEST(PictureSamplerGolden, NoiseLevels) {
  GSV3D_GOLDEN_OR_SKIP(path, "text/samplers.golden.safetensors");
  const NamedTensors io = read_safetensors(path);
  for (const bool zero : {false, true}) {
    const Tensor expected = io.at(zero ? "alphas_cumprod/ddim_zsnr" : "alphas_cumprod/ddim_plain");
    testing::expect_near(alphas_cumprod({.train_steps = expected.size(0), .zero_terminal_snr = zero}), expected, 2e-6, "a");
  }
}

/// A network that knows the clean latents, in either of the forms of its answer.
struct KnowingNetwork {
  Tensor clean;
  NoiseScheduleConfig schedule;
  bool over_sigmas;
  Tensor operator()(const Tensor& x, double timestep) const {
    const Tensor table = alphas_cumprod(schedule).to(at::kDouble);
    const auto below = static_cast<int64_t>(timestep);
    const double a = table[below].item<double>(), root = std::sqrt(a), other = std::sqrt(1 - a);
    const Tensor noise = (x - root * clean) / other;  // x scaled by 1 / sqrt(sigma² + 1) is that of the DDPM form
    return schedule.predicts_v() ? root * noise - other * clean : noise;
  }
};

TEST(PictureSampler, EveryMethodReachesWhatTheNetworkKnows) {
  const Tensor clean = at::randn({2, 3, 4, 4}, make_generator(1), at::TensorOptions(at::kDouble));
  const auto noise = [&](int64_t step) {
    return at::randn(clean.sizes(), make_generator(static_cast<uint64_t>(step + 10)), at::TensorOptions(at::kDouble));
  };
  for (const char* method : {"euler", "euler_ancestral", "ddim", "lcm"}) {
    for (const char* prediction : {"epsilon", "v_prediction"}) {
      for (const int64_t steps : {1, 4}) {
        SCOPED_TRACE(fmt::format("{} {} {}", method, prediction, steps));
        const NoiseScheduleConfig schedule{.prediction = prediction};
        PictureSamplerConfig config{.method = method, .steps = steps, .spacing = "trailing"};
        const PictureSampler sampler(schedule, config);
        const bool over_sigmas = !sampler.sigmas().empty();
        const Tensor start = sampler.with_noise(clean, noise(-1), 0);
        const Tensor result = sampler.run(start, KnowingNetwork{clean, schedule, over_sigmas}, noise);
        // DDIM ends at the lowest level's a, whose noise is 3 % of unit; the others at none.
        const double tolerance = std::string(method) == "ddim" ? 0.15 : 1e-3;
        testing::expect_near(result, clean, tolerance, "result");
      }
    }
  }
}

TEST(PictureSampler, EtaAddsTheVarianceItTakesAway) {
  // With eta 1 DDIM is DDPM: noise of the posterior's variance, so that two runs with other noise differ.
  const NoiseScheduleConfig schedule;
  const PictureSampler sampler(schedule, {.method = "ddim", .steps = 5, .eta = 1});
  const Tensor start = at::randn({1, 1, 2, 2}, make_generator(4), at::TensorOptions(at::kDouble));
  const auto run = [&](uint64_t seed) {
    return sampler.run(
        start, [](const Tensor& x, double) { return at::zeros_like(x); },
        [&](int64_t step) {
          return at::randn(start.sizes(), make_generator(seed + static_cast<uint64_t>(step)), at::TensorOptions(at::kDouble));
        });
  };
  EXPECT_TRUE(at::equal(run(1), run(1)));
  EXPECT_GT((run(1) - run(100)).abs().max().item<double>(), 1e-3);
}

TEST(PictureSampler, StrengthSaysWhereARunBegins) {
  const PictureSampler sampler({}, {.method = "euler", .steps = 10});
  EXPECT_EQ(sampler.first_step(1), 0);
  EXPECT_EQ(sampler.first_step(0.3), 7);
  EXPECT_EQ(sampler.first_step(0.01), 9);
}

TEST(PictureSampler, RefusesWhatCannotBe) {
  EXPECT_THAT(testing::error_of([] { PictureSampler({}, {.steps = 1001}); }), ::testing::HasSubstr("outside 1 … 1000"));
  EXPECT_THAT(testing::error_of(
                  [] { PictureSampler({.zero_terminal_snr = true}, {.method = "ddim", .steps = 4, .spacing = "trailing"}); }),
              ::testing::HasSubstr("only v_prediction"));
}

}  // namespace
}  // namespace gsv3d
