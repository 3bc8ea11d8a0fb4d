// Inception-v3 against pytorch-fid's network, with weights made by a formula (tests/goldens/perception/README.md).
#include "perception/inception.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/error.h"
#include "formula_weights.h"
#include "goldens.h"

namespace gsv3d {
namespace {

/// The i-th of all names in order has the seed `seed` + i.
NamedTensors formula_parameters(uint32_t seed) {
  const auto listed = nn::ParameterStore::meta();
  const Inception network{nn::Scope(listed)};
  NamedTensors tensors;
  for (const auto& [name, shape] : listed->parameters()) {
    const Tensor u = testing::formula_numbers(shape.sizes(), seed++);
    if (name.ends_with("conv.weight"))
      tensors[name] = u * (0.9 * std::sqrt(6.0 / static_cast<double>(shape.numel() / shape.size(0))));
    else if (name.ends_with("bn.weight"))
      tensors[name] = 1 + 0.2 * u;
    else if (name.ends_with("running_var"))
      tensors[name] = 1 + 0.5 * u;
    else
      tensors[name] = 0.1 * u;
    tensors[name] = tensors[name].to(at::kFloat);
  }
  return tensors;
}

TEST(InceptionGolden, FeaturesOfPytorchFid) {
  GSV3D_GOLDEN_OR_SKIP(path, "perception/inception.safetensors");
  const SafetensorsFile file(path);
  const NamedTensors weights = formula_parameters(testing::golden_metadata(file, "seed").get<uint32_t>());
  for (const auto& [name, entry] : file.entries()) {
    if (!name.starts_with("check/")) continue;
    const std::string parameter = name.substr(6, name.rfind('/') - 6);
    testing::expect_near(weights.at(parameter).flatten().slice(0, 0, entry.shape[0]), file.tensor(name), 1e-7, parameter);
  }
  const auto store = nn::ParameterStore::from_tensors(weights, "formula");
  const Inception network{nn::Scope(store)};
  store->check_all_used();
  const Tensor features = network(file.tensor("images_u8").to(at::kFloat) / 255), expected = file.tensor("features");
  // What float32 leaves is in the golden; the pictures' features differ from each other by far more.
  const double tolerance = 10 * testing::golden_metadata(file, "float32_vs_float64_max_abs").get<double>();
  testing::expect_near(features, expected, tolerance, "features");
  EXPECT_GT((expected[0] - expected[1]).abs().mean().item<double>(), 100 * tolerance);
}

TEST(Inception, RefusesOtherShapes) {
  const Inception network{nn::Scope(nn::ParameterStore::meta())};
  EXPECT_THROW(network(at::zeros({1, 1, 64, 64})), Error);
}

}  // namespace
}  // namespace gsv3d
