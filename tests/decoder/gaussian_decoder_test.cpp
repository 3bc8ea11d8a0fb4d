// The Gaussian decoder: what it starts as, what it must not depend on, and its gradients.
#include "decoder/gaussian_decoder.h"

#include <gtest/gtest.h>

#include "core/device.h"
#include "core/error.h"
#include "decoder_toy.h"
#include "goldens.h"

namespace gsv3d {
namespace {

using testing::expect_close;
using testing::expect_near;
using testing::Toy;
using testing::toy_decoder_config;

double max_difference(const Tensor& a, const Tensor& b) {
  return (a - b).abs().max().item<double>();
}

TEST(GaussianDecoder, MakesOneGaussianPerOutputPixel) {
  Toy toy;
  const auto sets = toy.decode(at::randn({2, 3, 2, 4, 4}), {toy.cameras(3), toy.cameras(3)}, at::randn({2, 5, 8}));
  ASSERT_EQ(sets.size(), 2u);
  for (const auto& set : sets) {
    EXPECT_EQ(set.means.sizes(), at::IntArrayRef({3 * 16 * 16, 3}));
    EXPECT_EQ(set.quats.sizes(), at::IntArrayRef({3 * 16 * 16, 4}));
    EXPECT_EQ(set.scales.sizes(), at::IntArrayRef({3 * 16 * 16, 3}));
    EXPECT_EQ(set.opacities.sizes(), at::IntArrayRef({3 * 16 * 16}));
    EXPECT_EQ(set.sh.sizes(), at::IntArrayRef({3 * 16 * 16, 1, 3}));
  }
  GaussianDecoderConfig config = toy_decoder_config();
  config.patch_size = 2, config.sh_degree = 2, config.upsampler_widths = {8};
  Toy patched(config);
  const auto set = patched.decode(at::randn({1, 2, 2, 4, 6}), {patched.cameras(2)}, at::randn({1, 5, 8}))[0];
  EXPECT_EQ(set.sh.sizes(), at::IntArrayRef({2 * 4 * 6, 9, 3}));
}

TEST(GaussianDecoder, StartsAsAGreyShellInFrontOfTheCentre) {
  const GaussianDecoderConfig config = toy_decoder_config();
  Toy toy(config);
  const Cameras cameras = toy.cameras(3);
  const auto set = toy.decode(at::randn({1, 3, 2, 4, 4}), {cameras}, at::randn({1, 5, 8}))[0];
  const Tensor offsets = set.means.view({3, 256, 3}) - cameras.positions().unsqueeze(1);
  const double start = config.near + 0.4 * (config.far - config.near);
  expect_near(at::linalg_vector_norm(offsets, 2, {-1}), at::full({3, 256}, start), 1e-5, "distance");
  const Tensor directions = camera_rays(cameras, 16, 16).directions.flatten(2).transpose(1, 2);
  expect_near(offsets / start, directions, 1e-5, "along the pixel's ray");
  expect_near(set.opacities, at::full({768}, 1 / (1 + std::exp(2.0))), 1e-6, "opacity");
  expect_near(set.scales, at::full({768, 3}, (config.min_scale + config.max_scale) / 2), 1e-6, "scale");
  expect_near(set.sh, at::zeros({768, 1, 3}), 1e-6, "grey");
  expect_near(at::linalg_vector_norm(set.quats, 2, {-1}), at::ones({768}), 1e-6, "unit quaternions");
}

TEST(GaussianDecoder, OrderOfViewsDoesNotMatter) {
  Toy toy;
  toy.perturb_head();
  const Tensor latents = at::randn({1, 4, 2, 4, 4}), context = at::randn({1, 5, 8}), order = at::tensor({2, 0, 3, 1}, at::kLong);
  const Cameras cameras = toy.cameras(4);
  const auto straight = toy.decode(latents, {cameras}, context)[0];
  const auto shuffled = toy.decode(latents.index_select(1, order), {cameras.select(order)}, context)[0];
  const auto reordered = [&](const Tensor& x) { return x.view({4, 256, -1}).index_select(0, order); };
  expect_near(shuffled.means.view({4, 256, -1}), reordered(straight.means), 1e-4, "means");
  expect_near(shuffled.opacities.view({4, 256, -1}), reordered(straight.opacities), 1e-4, "opacities");
  EXPECT_GT(max_difference(straight.means.view({4, 256, 3}), reordered(straight.means)), 0.1);
}

TEST(GaussianDecoder, ItemsOfABatchDoNotMixButViewsAndPhotoDo) {
  Toy toy;
  toy.perturb_head();
  const Tensor latents = at::randn({2, 3, 2, 4, 4}), context = at::randn({2, 5, 8});
  const std::vector<Cameras> cameras = {toy.cameras(3), rotate_azimuth(toy.cameras(3), 20)};
  const auto both = toy.decode(latents, cameras, context);
  const auto second = toy.decode(latents.slice(0, 1, 2), {cameras[1]}, context.slice(0, 1, 2))[0];
  expect_near(both[1].means, second.means, 1e-4, "second item alone");
  expect_near(both[1].sh, second.sh, 1e-4, "second item alone");

  // Change the last view's latents only: the first view's Gaussians follow. The same for the photo.
  Tensor other_view = latents.clone();
  other_view.select(1, 2).add_(1);
  EXPECT_GT(
      max_difference(toy.decode(other_view, cameras, context)[0].opacities.slice(0, 0, 256), both[0].opacities.slice(0, 0, 256)),
      1e-3);
  EXPECT_GT(max_difference(toy.decode(latents, cameras, context + at::randn({2, 5, 8}))[0].opacities, both[0].opacities), 1e-3);
}

TEST(GaussianDecoder, WithoutContextItDoesNotLookAtThePhoto) {
  GaussianDecoderConfig config = toy_decoder_config();
  config.context_dim = 0;
  Toy blind(config), seeing;
  blind.perturb_head();
  const Tensor latents = at::randn({1, 3, 2, 4, 4});
  const std::vector<Cameras> cameras = {blind.cameras(3)};
  const auto one = blind.decode(latents, cameras, at::randn({1, 5, 8}))[0], other = blind.decode(latents, cameras, {})[0];
  EXPECT_EQ(max_difference(one.opacities, other.opacities), 0);
  EXPECT_GT(max_difference(blind.decode(latents + 1, cameras, {})[0].opacities, other.opacities), 1e-3);
  // What is left out: context_embed and, in each block, a norm, three linear layers and the norms of queries and keys.
  std::vector<std::string> left_out;
  for (const auto& [name, parameter] : seeing.store->parameters())
    if (!blind.store->parameters().count(name)) left_out.push_back(name);
  EXPECT_EQ(left_out.size(), 2U + 2U * (2 + 6 + 2));
  for (const std::string& name : left_out)
    EXPECT_TRUE(name.starts_with("context_embed") || name.find(".cross.") != std::string::npos ||
                name.find(".norm2.") != std::string::npos)
        << name;
}

TEST(GaussianDecoder, ImageSizeOfTheCamerasDoesNotMatter) {
  Toy toy;
  toy.perturb_head();
  const Tensor latents = at::randn({1, 3, 2, 4, 4}), context = at::randn({1, 5, 8});
  const auto small = toy.decode(latents, {toy.cameras(3)}, context)[0],
             large = toy.decode(latents, {toy.cameras(3).resized(576, 576)}, context)[0];
  expect_near(small.means, large.means, 1e-4, "means");
}

TEST(GaussianDecoder, GeometryStaysExactUnderAutocast) {
  Toy toy;
  toy.store->set_requires_grad(true);
  const Cameras cameras = toy.cameras(3);
  const Autocast autocast(at::kCPU, at::kBFloat16);
  const auto set = toy.decode(at::randn({1, 3, 2, 4, 4}), {cameras}, at::randn({1, 5, 8}))[0];
  EXPECT_EQ(set.means.scalar_type(), at::kFloat);
  EXPECT_EQ(set.quats.scalar_type(), at::kFloat);
  // In bfloat16 the distance alone would be off by 0.004.
  const Tensor distances = at::linalg_vector_norm(set.means.view({3, 256, 3}) - cameras.positions().unsqueeze(1), 2, {-1});
  expect_near(distances, at::full({3, 256}, 1.84), 1e-5, "distance");
  (set.means.square().sum() + set.opacities.sum()).backward();
  EXPECT_TRUE(at::isfinite(toy.store->parameters().at("head.linear.weight").grad()).all().item<bool>());
}

TEST(GaussianDecoder, EveryParameterReceivesAGradient) {
  Toy toy;
  toy.perturb_head();
  toy.store->set_requires_grad(true);
  const auto set = toy.decode(at::randn({1, 3, 2, 4, 4}), {toy.cameras(3)}, at::randn({1, 5, 8}))[0];
  testing::weighted_sum(set, 7).backward();
  for (const auto& [name, parameter] : toy.store->parameters()) {
    ASSERT_TRUE(parameter.grad().defined()) << name;
    const double largest = parameter.grad().abs().max().item<double>();
    EXPECT_TRUE(std::isfinite(largest) && largest > 1e-6) << name << ": largest gradient " << largest;
  }
}

TEST(GaussianDecoder, GradientsOfParametersAgreeWithDifferences) {
  Toy toy;
  toy.perturb_head();
  toy.widen();
  toy.store->set_requires_grad(true);
  const auto generator = make_generator(21);
  const Tensor latents = randn({1, 2, 2, 4, 4}, generator).to(at::kDouble), context = randn({1, 3, 8}, generator).to(at::kDouble);
  const auto loss = [&] { return testing::weighted_sum(toy.decode(latents, {toy.cameras(2)}, context)[0], 3); };
  loss().backward();
  for (const auto& [name, parameter] : toy.store->parameters()) {
    const Tensor direction = randn(parameter.sizes(), generator).to(at::kDouble), values = parameter.detach();
    const double step = 1e-5 / direction.norm().item<double>(), expected = (parameter.grad() * direction).sum().item<double>();
    values.add_(direction, step);
    const double above = loss().item<double>();
    values.sub_(direction, 2 * step);
    const double below = loss().item<double>();
    values.add_(direction, step);
    // Central differences in float64: rounding 1e-16 · |loss| / 1e-5, truncation (1e-5)².
    EXPECT_NEAR((above - below) / (2 * step), expected, 1e-6 * std::abs(expected) + 1e-5) << name;
  }
}

TEST(GaussianDecoder, SaysWhatIsWrongWithItsInputAndConfig) {
  Toy toy;
  const Tensor latents = at::randn({1, 3, 2, 4, 4}), context = at::randn({1, 5, 8});
  EXPECT_THROW(toy.decode(at::randn({1, 3, 4, 4, 4}), {toy.cameras(3)}, context), Error);
  EXPECT_THROW(toy.decode(latents, {toy.cameras(2)}, context), Error);
  EXPECT_THROW(toy.decode(latents, {}, context), Error);
  EXPECT_THROW(toy.decode(latents, {toy.cameras(3)}, at::randn({1, 5, 7})), Error);
  for (const auto& change : std::vector<std::function<void(GaussianDecoderConfig&)>>{
           [](auto& c) { c.num_heads = 3; }, [](auto& c) { c.near = 3; }, [](auto& c) { c.min_scale = 1; },
           [](auto& c) { c.sh_degree = 4; }, [](auto& c) { c.upsampler_heads = 3; }}) {
    GaussianDecoderConfig config = toy_decoder_config();
    change(config);
    EXPECT_THROW(Toy toy(config), Error);
  }
}

TEST(GaussianDecoder, FullSizeHasTheDocumentedNumberOfParameters) {
  const auto store = nn::ParameterStore::meta();
  const GaussianDecoder decoder(GaussianDecoderConfig{}, nn::Scope(store));
  EXPECT_EQ(store->parameter_count(), 119967372);
}

}  // namespace
}  // namespace gsv3d
