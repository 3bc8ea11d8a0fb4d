// LPIPS against the lpips package's numbers, with backbone weights made by the goldens' formula.
#include "perception/lpips.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "formula_weights.h"
#include "goldens.h"

namespace gsv3d {
namespace {

using testing::expect_near;

struct GoldenNet {
  const char* name;
  LpipsBackbone backbone;
};

class LpipsGolden : public ::testing::TestWithParam<GoldenNet> {
 protected:
  std::string name() const { return GetParam().name; }

  /// Backbone by the formula with the golden's seed and shapes, checked against its first numbers and sums; and the heads.
  NamedTensors weights(const SafetensorsFile& file, const std::filesystem::path& heads) const {
    const Json description = testing::golden_metadata(file, name());
    const auto seed = description.at("seed").get<uint32_t>();
    NamedTensors tensors = read_safetensors(heads);
    for (const auto& [tensor, about] : description.at("layers").items()) {
      const auto shape = about.at("shape").get<std::vector<int64_t>>();
      const bool bias = tensor.ends_with(".bias");
      const auto layer = static_cast<uint32_t>(std::stoul(tensor.substr(std::string("features.").size())));
      const Tensor u = testing::formula_numbers(shape, seed + 2 * layer + (bias ? 1 : 0));
      const double scale = bias ? 0.05 : 0.9 * std::sqrt(6.0 / static_cast<double>(shape[1] * shape[2] * shape[3]));
      tensors[tensor] = (u * scale).to(at::kFloat);
      expect_near(tensors[tensor].flatten().slice(0, 0, 8), file.tensor(name() + "/check/" + tensor + "/first8"), 1e-7, tensor);
      EXPECT_NEAR(tensors[tensor].to(at::kDouble).abs().sum().item<double>(), about.at("abs_sum").get<double>(), 1e-3) << tensor;
    }
    return tensors;
  }
};

TEST_P(LpipsGolden, LayersAndSum) {
  GSV3D_GOLDEN_OR_SKIP(path, "metrics/lpips.golden.safetensors");
  GSV3D_GOLDEN_OR_SKIP(heads, "metrics/lpips_" + name() + "_linear_heads.safetensors");
  const SafetensorsFile file(path);
  const auto store = nn::ParameterStore::from_tensors(weights(file, heads), "golden");
  const Lpips lpips(GetParam().backbone, nn::Scope(store));
  store->check_all_used();
  const Tensor a = file.tensor("a"), b = file.tensor("b");
  const std::vector<Tensor> features = lpips.features(a);
  const Tensor expected = file.tensor(name() + "/feature_mean_abs");
  ASSERT_EQ(static_cast<int64_t>(features.size()), expected.size(0));
  for (size_t i = 0; i < features.size(); ++i)
    expect_near(features[i].abs().mean({1, 2, 3}), expected[static_cast<int64_t>(i)], 1e-5, "features");
  const Tensor first = file.tensor(name() + "/feature0_image0_8ch");
  expect_near(features[0][0].slice(0, 0, first.size(0)), first, 1e-5, "first layer");
  expect_near(lpips.per_layer(a, b), file.tensor(name() + "/per_layer"), 1e-5, "layers");
  expect_near(lpips(a, b), file.tensor(name() + "/lpips"), 1e-5, "LPIPS");
  expect_near(lpips(b, a), lpips(a, b), 1e-6, "symmetric");
  EXPECT_EQ(lpips(a, a).abs().max().item<float>(), 0);
}

INSTANTIATE_TEST_SUITE_P(Backbones, LpipsGolden,
                         ::testing::Values(GoldenNet{"alex", LpipsBackbone::alexnet}, GoldenNet{"vgg", LpipsBackbone::vgg16}),
                         [](const auto& info) { return std::string(info.param.name); });

/// With weights of its own initialisation, in which heads may be negative; it is about shapes and gradients.
Lpips random_lpips() {
  return Lpips(LpipsBackbone::alexnet, nn::Scope(nn::ParameterStore::random(3)));
}

TEST(Lpips, HasTheGradientOfFiniteDifferences) {
  const Lpips lpips = random_lpips();
  const Tensor truth = at::rand({1, 3, 48, 40}, make_generator(1), at::kFloat);
  Tensor image = at::rand({1, 3, 48, 40}, make_generator(2), at::kFloat).requires_grad_(true);
  lpips(image, truth).sum().backward();
  // In the gradient's own direction, where the difference is far above float32's noise.
  const Tensor direction = image.grad() / at::linalg_vector_norm(image.grad());
  const double step = 0.02;
  const auto value = [&](double along) {
    return lpips(image.detach() + along * direction, truth).sum().to(at::kDouble).item<double>();
  };
  const double expected = at::linalg_vector_norm(image.grad()).item<double>();
  EXPECT_NEAR((value(step) - value(-step)) / (2 * step), expected, 0.02 * expected);
}

TEST(Lpips, FlatPicturesHaveFiniteGradients) {
  const Lpips lpips = random_lpips();
  Tensor image = at::zeros({1, 3, 32, 32}).requires_grad_(true);
  lpips(image, at::ones({1, 3, 32, 32})).sum().backward();
  EXPECT_TRUE(at::isfinite(image.grad()).all().item<bool>());
}

TEST(Lpips, RefusesWhatItCannotCompare) {
  const Lpips lpips = random_lpips();
  EXPECT_THROW(lpips(at::zeros({1, 3, 31, 64}), at::zeros({1, 3, 31, 64})), Error);
  EXPECT_THROW(lpips(at::zeros({1, 1, 64, 64}), at::zeros({1, 1, 64, 64})), Error);
  EXPECT_THROW(lpips(at::zeros({1, 3, 64, 64}), at::zeros({2, 3, 64, 64})), Error);
}

}  // namespace
}  // namespace gsv3d
