#include "training/optimizer.h"

#include <gtest/gtest.h>

#include <thread>

#include "goldens.h"
#include "thread_group.h"
#include "training/ema.h"
#include "training/trainer_config.h"

namespace gsv3d {
namespace {

NamedTensors leaves(uint64_t seed) {
  NamedTensors parameters;
  parameters["bias"] = randn({7}, make_generator(seed)).requires_grad_(true);
  parameters["weight"] = randn({5, 3}, make_generator(seed + 1)).requires_grad_(true);
  return parameters;
}

TEST(AdamW, FollowsTheFormula) {
  const AdamWOptions options{0.9, 0.95, 1e-8, 0.1};
  NamedTensors parameters = leaves(1);
  AdamW optimizer(parameters, options);
  std::map<std::string, Tensor> p, m, v;
  for (const auto& [name, tensor] : parameters) {
    p[name] = tensor.detach().to(at::kDouble);
    m[name] = at::zeros_like(p[name]);
    v[name] = at::zeros_like(p[name]);
  }
  for (int t = 1; t <= 5; ++t) {
    const double rate = 0.01 * t;
    for (auto& [name, tensor] : parameters) {
      const Tensor g = randn(tensor.sizes(), make_generator(static_cast<uint64_t>(100 * t) + name.size()));
      tensor.mutable_grad() = g;
      const Tensor gd = g.to(at::kDouble);
      const double decay = tensor.dim() >= 2 ? options.weight_decay : 0;  // biases do not decay
      p[name] = p[name] * (1 - rate * decay);
      m[name] = options.beta1 * m[name] + (1 - options.beta1) * gd;
      v[name] = options.beta2 * v[name] + (1 - options.beta2) * gd * gd;
      const Tensor mean = m[name] / (1 - std::pow(options.beta1, t)), square = v[name] / (1 - std::pow(options.beta2, t));
      p[name] = p[name] - rate * mean / (square.sqrt() + options.eps);
    }
    optimizer.step(rate, at::zeros({}));
  }
  for (const auto& [name, tensor] : parameters) testing::expect_close(tensor, p[name], 2e-6, name);
  EXPECT_EQ(optimizer.updates(), 5);
}

/// Parameters of several sizes, some of which get no gradient in some steps; the same in every process.
NamedTensors many_leaves() {
  NamedTensors parameters;
  for (int64_t i = 0; i < 7; ++i)
    parameters[fmt::format("p{}", i)] =
        (i % 2 == 0 ? randn({3 + i, 4}, make_generator(10 + static_cast<uint64_t>(i))) : randn({2 + i}, make_generator(20)))
            .requires_grad_(true);
  return parameters;
}

void step_of_many(AdamW& optimizer, NamedTensors& parameters, int64_t step) {
  for (auto& [name, parameter] : parameters)
    if (name != "p3" || step != 1)
      parameter.mutable_grad() = randn(parameter.sizes(), make_generator(static_cast<uint64_t>(100 * step + name[1])));
  optimizer.step(0.02, at::full({}, step == 2 ? NAN : 1.0));  // step 2 is left out
  optimizer.zero_gradients();
}

TEST(AdamW, SharedMomentsMakeTheSameNumbers) {
  const AdamWOptions options{0.9, 0.99, 1e-8, 0.05, 0.7};
  NamedTensors alone = many_leaves();
  AdamW whole(alone, options);
  for (int64_t step = 0; step < 5; ++step) step_of_many(whole, alone, step);
  testing::Meeting meeting;
  size_t kept[2] = {};
  const auto member = [&](int64_t rank) {
    NamedTensors parameters = many_leaves();
    const auto group = std::make_shared<testing::ThreadGroup>(rank, meeting);
    AdamW first(parameters, options, group);
    EXPECT_TRUE(first.is_shared());
    kept[rank] = first.means().size();
    for (int64_t step = 0; step < 3; ++step) step_of_many(first, parameters, step);
    // Through a checkpoint into a new optimiser.
    const AdamW::Moments moments = first.gathered();
    EXPECT_EQ(moments.means.size(), rank == 0 ? 7U : 0U);
    AdamW second(parameters, options, group);
    second.set_updates(first.updates());
    second.scatter(moments, "checkpoint");
    for (int64_t step = 3; step < 5; ++step) step_of_many(second, parameters, step);
    for (const auto& [name, parameter] : parameters) EXPECT_TRUE(at::equal(parameter, alone.at(name))) << name << rank;
    const AdamW::Moments last = second.gathered();
    if (rank > 0) return;
    for (const auto& [name, moment] : last.means) EXPECT_TRUE(at::equal(moment, whole.means().at(name))) << name;
    for (const auto& [name, moment] : last.squares) EXPECT_TRUE(at::equal(moment, whole.squares().at(name))) << name;
  };
  std::thread other(member, 1);
  member(0);
  other.join();
  EXPECT_EQ(kept[0] + kept[1], 7U);
  EXPECT_GE(std::min(kept[0], kept[1]), 3U);
}

/// One step from given gradients: what clipping does is seen in the first moments, (1 - beta1) times the gradients.
AdamW::Outcome step_with(AdamW& optimizer, NamedTensors& parameters, double bias, double weight, const Tensor& loss) {
  parameters["bias"].mutable_grad() = at::full({7}, bias);
  parameters["weight"].mutable_grad() = at::full({5, 3}, weight);
  const AdamW::Outcome outcome = optimizer.step(0.01, loss);
  optimizer.zero_gradients();
  return outcome;
}

TEST(AdamW, ClipsByTheGlobalNorm) {
  const double norm = std::sqrt(7 * 9.0 + 15 * 16.0);
  for (const double limit : {0.0, 2.0, 100.0}) {
    AdamWOptions options{0.9, 0.99, 1e-8, 0.01};
    options.gradient_clip = limit;
    NamedTensors parameters = leaves(2);
    AdamW optimizer(parameters, options);
    const AdamW::Outcome outcome = step_with(optimizer, parameters, 3, 4, at::zeros({}));
    EXPECT_NEAR(outcome.gradient_norm.item<double>(), norm, 1e-4);
    EXPECT_EQ(outcome.good.item<double>(), 1);
    const double factor = limit > 0 ? std::min(1.0, limit / norm) : 1;
    EXPECT_NEAR(optimizer.means()["bias"][0].item<double>(), 0.1 * 3 * factor, 1e-6) << limit;
    EXPECT_NEAR(optimizer.means()["weight"][0][0].item<double>(), 0.1 * 4 * factor, 1e-6) << limit;
  }
}

TEST(AdamW, LeavesOutWhatIsNotFinite) {
  const double nan = std::numeric_limits<double>::quiet_NaN(), infinity = std::numeric_limits<double>::infinity();
  AdamWOptions options;
  options.gradient_clip = 1;
  NamedTensors parameters = leaves(2), twins = leaves(2);
  AdamW optimizer(parameters, options), twin(twins, options);
  const Tensor fine = at::zeros({});
  step_with(optimizer, parameters, 3, 4, fine);
  EXPECT_EQ(step_with(optimizer, parameters, 3, nan, fine).good.item<double>(), 0);
  EXPECT_EQ(step_with(optimizer, parameters, infinity, 4, fine).good.item<double>(), 0);
  EXPECT_EQ(step_with(optimizer, parameters, 3, 4, at::full({}, nan)).good.item<double>(), 0);
  step_with(optimizer, parameters, -1, 2, fine);
  step_with(twin, twins, 3, 4, fine);
  step_with(twin, twins, -1, 2, fine);
  EXPECT_EQ(optimizer.updates(), 2);
  for (const auto& [name, tensor] : parameters) {
    EXPECT_TRUE(at::equal(tensor, twins.at(name))) << name;
    EXPECT_TRUE(at::equal(optimizer.means().at(name), twin.means().at(name))) << name;
    EXPECT_TRUE(at::equal(optimizer.squares().at(name), twin.squares().at(name))) << name;
  }
}

TEST(AdamW, LeavesParametersWithoutGradientAlone) {
  NamedTensors parameters = leaves(3);
  AdamW optimizer(parameters, {});
  const Tensor before = parameters["weight"].detach().clone();
  parameters["bias"].mutable_grad() = at::ones({7});
  optimizer.step(0.1, at::zeros({}));
  EXPECT_TRUE(at::equal(parameters["weight"], before));
  optimizer.zero_gradients();
  EXPECT_FALSE(parameters["bias"].grad().defined());
}

TEST(Ema, WarmsUpAndSwaps) {
  NamedTensors parameters = leaves(4);
  Ema ema(parameters, 0.5);
  const double start = parameters["bias"][0].item<double>();
  const auto set = [&](double value) { parameters["bias"].detach().fill_(value); };
  set(10);
  ema.update(0);  // decay min(0.5, 1/10)
  double expected = 0.1 * start + 0.9 * 10;
  EXPECT_NEAR(ema.values()["bias"][0].item<double>(), expected, 1e-5);
  set(-2);
  ema.update(1000);  // decay 0.5
  expected = 0.5 * expected + 0.5 * -2;
  EXPECT_NEAR(ema.values()["bias"][0].item<double>(), expected, 1e-5);
  {
    const Ema::Swap swap(ema);
    EXPECT_NEAR(parameters["bias"][0].item<double>(), expected, 1e-5);
  }
  EXPECT_EQ(parameters["bias"][0].item<double>(), -2);
}

TEST(Schedule, WarmsUpThenFallsAsACosine) {
  TrainerConfig config;
  config.learning_rate = 1;
  config.final_learning_rate = 0.1;
  config.warmup_steps = 10;
  EXPECT_NEAR(scheduled_learning_rate(config, 0, 0), 0.1, 1e-12);
  EXPECT_NEAR(scheduled_learning_rate(config, 9, 0), 1, 1e-12);
  EXPECT_NEAR(scheduled_learning_rate(config, 100, 0.5), 0.1 + 0.9 * 0.5, 1e-12);
  EXPECT_NEAR(scheduled_learning_rate(config, 100, 1), 0.1, 1e-12);
}

}  // namespace
}  // namespace gsv3d
