// ParameterStore: names, shapes, sources, leftovers and LoRA are decided here for every network.
#include "nn/parameter_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "errors.h"
#include "nn/layers.h"

namespace gsv3d::nn {
namespace {

using gsv3d::testing::error_of;
using ::testing::HasSubstr;

TEST(ParameterStore, RandomStartDependsOnNameAndSeedOnly) {
  const auto first = ParameterStore::random(7), second = ParameterStore::random(7), other = ParameterStore::random(8);
  second->get("earlier", {3}, Init::normal(1));
  const Tensor a = first->get("w", {4, 5}, Init::fan_in(25)), b = second->get("w", {4, 5}, Init::fan_in(25));
  EXPECT_TRUE(at::equal(a, b));
  EXPECT_FALSE(at::equal(a, other->get("w", {4, 5}, Init::fan_in(25))));
  EXPECT_LE(a.abs().max().item<double>(), 0.2);
  EXPECT_GT(a.abs().max().item<double>(), 0.1);
}

TEST(ParameterStore, ReadsByPrefixAndWidens) {
  const auto store =
      ParameterStore::from_tensors({{"net.l.weight", at::ones({2, 3}, at::kHalf)}, {"net.l.bias", at::zeros({2}, at::kHalf)}},
                                   "file", at::kFloat, at::kCPU, "net.");
  const Linear layer(Scope(store) / "l", 3, 2);
  EXPECT_EQ(layer.weight.scalar_type(), at::kFloat);
  EXPECT_TRUE(at::allclose(layer(at::ones({1, 3})), at::full({1, 2}, 3.0)));
  EXPECT_NO_THROW(store->check_all_used());
}

TEST(ParameterStore, NamesWhatDoesNotFit) {
  const auto store = ParameterStore::from_tensors(
      {{"a", at::ones({2, 3})}, {"extra", at::ones({1})}, {"n", at::ones({2}, at::kLong)}}, "file.st");
  EXPECT_EQ(error_of([&] { store->get("b", {1}, Init::zeros()); }), "file.st: no tensor \"b\"");
  EXPECT_EQ(error_of([&] {
              store->get("a", {3, 2}, Init::zeros());
            }),
            "file.st: tensor \"a\" has shape [2, 3], but the configuration asks for [3, 2]");
  EXPECT_THAT(error_of([&] { store->get("n", {2}, Init::zeros()); }), HasSubstr("expected a floating-point one"));
  store->get("a", {2, 3}, Init::zeros());
  EXPECT_THAT(error_of([&] { store->check_all_used({"n"}); }),
              HasSubstr("1 tensors that the configuration does not know: extra"));
  EXPECT_NO_THROW(store->check_all_used({"n", "extra"}));
}

TEST(ParameterStore, MetaListsShapesWithoutMemory) {
  const auto store = ParameterStore::meta();
  const Linear big(Scope(store) / "big", 1 << 20, 1 << 20);
  EXPECT_EQ(store->parameter_count(), (int64_t{1} << 40) + (1 << 20));
}

TEST(ParameterStore, LoraStartsAsNothingAndAddsScaledProduct) {
  const auto store = ParameterStore::random(1);
  store->enable_lora({.rank = 2, .alpha = 6, .targets = {"to_q"}});
  const Linear with(Scope(store) / "attn" / "to_q", 4, 3, false), without(Scope(store) / "attn" / "to_k", 4, 3, false);
  ASSERT_TRUE(with.lora.has_value());
  EXPECT_FALSE(without.lora.has_value());
  const Tensor x = at::randn({5, 4});
  EXPECT_TRUE(at::equal(with(x), at::linear(x, with.weight)));
  store->lora_parameters().at("attn.to_q.lora_B.weight").fill_(0.5);
  const Tensor expected = at::linear(x, with.weight + 3.0 * at::matmul(with.lora->up, with.lora->down));
  EXPECT_TRUE(at::allclose(with(x), expected, 1e-5, 1e-6));
}

TEST(ParameterStore, LoraWeightsMustBeComplete) {
  const auto store = ParameterStore::random(1);
  store->enable_lora({.rank = 2, .alpha = 2, .targets = {}}, {{"l.lora_A.weight", at::ones({2, 4})}});
  EXPECT_EQ(error_of([&] { Linear(Scope(store) / "l", 4, 3); }), "LoRA: no tensor \"l.lora_B.weight\"");
}

}  // namespace
}  // namespace gsv3d::nn
