// Eight bits per weight: what is lost, and what a wrong file says.
#include "core/int8_weights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "errors.h"
#include "temporary_folder.h"

namespace gsv3d {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

NamedTensors some_weights() {
  const auto generator = make_generator(3);
  NamedTensors weights = {{"conv.weight", randn({6, 5, 3, 3}, generator) * 0.05},
                          {"conv.bias", randn({6}, generator)},
                          {"small.weight", randn({2, 2}, generator)},
                          {"half.weight", randn({4, 32}, generator).to(at::kHalf)}};
  weights["conv.weight"][2].zero_();
  weights["conv.weight"][4] *= 100;
  return weights;
}

TEST(Int8Weights, LoseHalfAStepOfTheirRow) {
  const NamedTensors weights = some_weights();
  NamedTensors stored = narrow_to_int8(weights, 64);
  EXPECT_EQ(stored.at("conv.weight").scalar_type(), at::kChar);
  EXPECT_EQ(stored.at("half.weight").scalar_type(), at::kChar);
  EXPECT_TRUE(at::equal(stored.at("small.weight"), weights.at("small.weight")));
  EXPECT_TRUE(at::equal(stored.at("conv.bias"), weights.at("conv.bias")));
  const Tensor steps = stored.at("conv.weight.row_scale");
  EXPECT_TRUE(at::allclose(steps * 127, weights.at("conv.weight").flatten(1).abs().amax(1)));
  widen_int8(stored, "here");
  EXPECT_EQ(stored.size(), weights.size());
  const Tensor widened = stored.at("conv.weight");
  EXPECT_EQ(widened.scalar_type(), at::kHalf);
  const Tensor exact = weights.at("conv.weight"), error = (widened.to(at::kFloat) - exact).abs();
  // Half a step, and fp16's own rounding.
  EXPECT_TRUE((error <= steps.view({6, 1, 1, 1}) * 0.5001 + exact.abs() * 0.0005 + 1e-7).all().item<bool>());
  EXPECT_GT(error.max().item<double>(), 0);
  EXPECT_EQ(widened[2].abs().max().item<double>(), 0);
}

TEST(Int8Weights, AreReadFromFiles) {
  const testing::TemporaryFolder folder;
  const NamedTensors stored = narrow_to_int8(some_weights(), 64);
  write_safetensors(folder / "w.safetensors", stored);
  NamedTensors expected = stored;
  widen_int8(expected, "here");
  const NamedTensors read = read_weights(folder / "w.safetensors");
  ASSERT_EQ(read.size(), expected.size());
  for (const auto& [name, tensor] : expected) EXPECT_TRUE(at::equal(read.at(name), tensor)) << name;
}

TEST(Int8Weights, NeedTheirScales) {
  NamedTensors stored = narrow_to_int8(some_weights(), 64);
  stored["conv.weight.row_scale"] = at::ones({5});
  EXPECT_THAT(testing::error_of([&] { widen_int8(stored, "w.safetensors"); }),
              HasSubstr("w.safetensors: tensor \"conv.weight.row_scale\" must have one number for each row"));
  stored.erase("conv.weight.row_scale");
  EXPECT_THAT(testing::error_of([&] { widen_int8(stored, "w.safetensors"); }),
              HasSubstr("\"conv.weight\" is int8, and \"conv.weight.row_scale\" is missing"));
}

}  // namespace
}  // namespace gsv3d
