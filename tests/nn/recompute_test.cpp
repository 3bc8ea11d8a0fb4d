// Blocks that are run once more for their gradients: the same values and gradients as blocks that keep everything.
#include "nn/recompute.h"

#include <c10/core/GradMode.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "core/device.h"
#include "nn/layers.h"

namespace gsv3d::nn {
namespace {

/// Two layers, the first with a LoRA, a skip, and one tensor that is used twice.
struct Toy {
  std::shared_ptr<ParameterStore> store = [] {
    auto made = ParameterStore::random(1);
    made->enable_lora({2, 4, {"one"}}, {}, 2);
    return made;
  }();
  Linear one = Linear(Scope(store) / "one", 6, 6), two = Linear(Scope(store) / "two", 6, 6);
  mutable int64_t runs = 0;

  Toy() { store->set_requires_grad(true), store->set_lora_requires_grad(true); }
  Tensor operator()(const Tensor& x, const Tensor& y) const {
    ++runs;
    return x + two(at::silu(one(x)) * y) + one(y);
  }
  /// By name, those of the LoRA, too.
  NamedTensors parameters() const {
    NamedTensors all = store->parameters();
    all.insert(store->lora_parameters().begin(), store->lora_parameters().end());
    return all;
  }
};

struct Gradients {
  double value = 0;
  NamedTensors by_name;
};

Gradients gradients_of(const Toy& toy, bool recompute, at::ScalarType precision = at::kFloat) {
  const Tensor x = randn({3, 6}, make_generator(3)).requires_grad_(true),
               y = randn({1, 6}, make_generator(4)).requires_grad_(true);
  Tensor loss;
  {
    const Recomputation recomputation(recompute);
    const Autocast autocast(at::kCPU, precision);
    Tensor z = x * 2;  // not a leaf
    for (int i = 0; i < 3; ++i) z = maybe_recomputed(toy, z, y);
    loss = z.to(at::kFloat).square().mean();
  }
  loss.backward();
  Gradients found{loss.item<double>(), {{"x", x.grad()}, {"y", y.grad()}}};
  for (const auto& [name, parameter] : toy.parameters()) {
    found.by_name[name] = parameter.grad();
    parameter.mutable_grad() = Tensor();
  }
  return found;
}

void expect_same(const Gradients& a, const Gradients& b, double tolerance) {
  EXPECT_EQ(a.value, b.value);
  ASSERT_EQ(a.by_name.size(), 8U) << "x, y, two layers, a LoRA";
  for (const auto& [name, gradient] : a.by_name) {
    const double largest = gradient.abs().max().item<double>();
    EXPECT_LE((gradient - b.by_name.at(name)).abs().max().item<double>(), tolerance * largest) << name;
    if (name != "one.lora_A.weight") {  // of a LoRA that begins as nothing
      EXPECT_GT(largest, 1e-3) << name;
    }
  }
}

TEST(Recompute, GradientsAreThose) {
  const Toy toy;
  const Gradients kept = gradients_of(toy, false);
  EXPECT_EQ(toy.runs, 3);
  const Gradients again = gradients_of(toy, true);
  EXPECT_EQ(toy.runs, 3 + 6) << "each block twice";
  expect_same(kept, again, 1e-6);
}

TEST(Recompute, PrecisionIsThatOfTheFirstTime) {
  const Toy toy;
  expect_same(gradients_of(toy, false, at::kBFloat16), gradients_of(toy, true, at::kBFloat16), 0.02);
  const Gradients coarse = gradients_of(toy, true, at::kBFloat16), fine = gradients_of(toy, true);
  EXPECT_GT((coarse.by_name.at("x") - fine.by_name.at("x")).abs().max().item<double>(), 1e-4) << "bf16 is felt";
}

/// Asking for gradients of some tensors leaves those that parameters gather alone.
TEST(Recompute, GradientsThatAreAskedForAreReturned) {
  const Toy toy;
  const Tensor x = randn({3, 6}, make_generator(3)).requires_grad_(true), y = at::ones({1, 6});
  const auto asked = [&](bool recompute) {
    const Recomputation recomputation(recompute);
    const Tensor loss = maybe_recomputed(toy, x, y).square().sum();
    return torch::autograd::grad({loss}, {x, toy.two.weight});
  };
  const auto kept = asked(false), again = asked(true);
  for (size_t i = 0; i < 2; ++i) EXPECT_TRUE(at::allclose(kept[i], again[i], 1e-6, 1e-6)) << i;
  for (const auto& [name, parameter] : toy.parameters()) EXPECT_FALSE(parameter.grad().defined()) << name;
  EXPECT_FALSE(x.grad().defined());
}

TEST(Recompute, NothingIsRunTwiceWithoutGradients) {
  const Toy toy;
  const Recomputation recomputation(true);
  const Tensor x = at::ones({1, 6});
  {
    const c10::NoGradGuard none;
    EXPECT_FALSE(Recomputation::is_on());
    EXPECT_FALSE(maybe_recomputed(toy, x, x).requires_grad());
  }
  toy.store->set_requires_grad(false), toy.store->set_lora_requires_grad(false);
  EXPECT_FALSE(maybe_recomputed(toy, x, x).requires_grad());
  EXPECT_EQ(toy.runs, 2);
  {
    const Recomputation off(false);
    EXPECT_FALSE(Recomputation::is_on());
  }
  EXPECT_TRUE(Recomputation::is_on());
}

}  // namespace
}  // namespace gsv3d::nn
