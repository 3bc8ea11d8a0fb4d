// The Gaussian decoder that starts from a visual hull: what it starts as, its inputs, and its gradients.
#include <gtest/gtest.h>

#include <cmath>

#include "core/device.h"
#include "core/error.h"
#include "decoder/pixel_evidence.h"
#include "decoder_toy.h"
#include "goldens.h"

namespace gsv3d {
namespace {

using testing::expect_near;
using testing::Toy;

GaussianDecoderConfig hull_config(const std::string& silhouettes = "alpha") {
  GaussianDecoderConfig config = testing::toy_decoder_config();
  config.hull.emplace();
  config.hull->grid = 24, config.hull->silhouettes = silhouettes;
  return config;
}

/// Pictures [1, N, 4, size, size] of a ball of one colour.
Tensor ball_pictures(const Cameras& cameras, int64_t size, double radius, const std::array<float, 3>& colour) {
  const Rays rays = camera_rays(cameras, size, size);
  const Tensor o = rays.origins.view({-1, 3, 1, 1}), b = (o * rays.directions).sum(1);
  const Tensor alpha = (b * b - ((o * o).sum(1) - radius * radius) > 0).to(at::kFloat).unsqueeze(1);
  std::vector<Tensor> channels;
  for (const float value : colour) channels.push_back(1 + (value - 1) * alpha);
  channels.push_back(alpha);
  return at::cat(channels, 1).unsqueeze(0);
}

TEST(HullDecoder, StartsAsTheHullInTheViewsColours) {
  const GaussianDecoderConfig config = hull_config();
  Toy toy(config);
  const Cameras cameras = toy.cameras(7);
  const Tensor pictures = ball_pictures(cameras, 32, 0.4, {0.9f, 0.5f, 0.1f});  // area-averaged to 16 × 16
  const auto set = toy.decode(at::randn({1, 7, 2, 4, 4}), {cameras}, at::randn({1, 5, 8}), pictures)[0];
  ASSERT_EQ(set.means.sizes(), at::IntArrayRef({7 * 256, 3}));
  // Gaussians whose pixel and its neighbours lie inside the silhouette lie on the ball: within a sample and a lattice cell, and,
  // above and below, the hull's caps.
  const Tensor alpha = resampled(pictures[0].narrow(1, 3, 1), 16, 16);
  const Tensor inside = (-at::max_pool2d(-alpha, {3, 3}, {1, 1}, {1, 1}) > 0.99).flatten();
  ASSERT_GT(inside.sum().item<int64_t>(), 7 * 40);
  const Tensor radius = at::linalg_vector_norm(set.means, 2, {1}).masked_select(inside);
  printf("radius of the start: %.3f mean, %.3f to %.3f\n", radius.mean().item<double>(), radius.min().item<double>(),
         radius.max().item<double>());
  EXPECT_NEAR(radius.mean().item<double>(), 0.4, 0.03);
  EXPECT_LT((radius - 0.4).abs().max().item<double>(), 0.1);
  const auto sigmoid = [](double x) { return 1 / (1 + std::exp(-x)); };
  const Tensor opacities = set.opacities.masked_select(inside);
  expect_near(opacities, at::full_like(opacities, sigmoid(1.5)), 1e-5, "opacity inside");
  EXPECT_NEAR(set.opacities[0].item<double>(), sigmoid(-6), 1e-6) << "a corner, outside";
  expect_near(set.scales, at::full_like(set.scales, 0.01 + 0.09 * sigmoid(-0.9)), 1e-6, "scale");
  const Tensor rgb = sh_to_rgb(set.sh).view({-1, 3}).index({inside});
  expect_near(rgb, at::tensor({0.9f, 0.5f, 0.1f}).expand_as(rgb), 1e-5, "colour");
}

TEST(HullDecoder, ColoursAtEdgesAreNotMixedWithWhite) {
  PixelEvidence evidence;
  evidence.alpha = at::tensor({0.5f, 1.0f, 0.0f}).view({1, 1, 1, 3});
  evidence.rgb = at::tensor({0.6f, 0.2f, 1.0f}).view({1, 1, 1, 3}).expand({1, 3, 1, 3});
  expect_near(evidence.straight_colour()[0][0][0], at::tensor({0.2f, 0.2f, 1.0f}), 1e-6, "straight colour");
}

TEST(HullDecoder, ItemsDoNotMixAndPictureSizeMayDiffer) {
  Toy toy(hull_config());
  toy.perturb_head();
  const auto generator = make_generator(4);
  const Tensor latents = randn({2, 3, 2, 4, 4}, generator), context = randn({2, 5, 8}, generator);
  const Tensor pictures = at::sigmoid(randn({2, 3, 4, 8, 8}, generator));  // smaller than the output: interpolated
  const std::vector<Cameras> cameras = {toy.cameras(3), rotate_azimuth(toy.cameras(3), 20)};
  const auto both = toy.decode(latents, cameras, context, pictures);
  const auto second = toy.decode(latents.slice(0, 1, 2), {cameras[1]}, context.slice(0, 1, 2), pictures.slice(0, 1, 2))[0];
  expect_near(both[1].means, second.means, 1e-4, "second item alone");
  expect_near(both[1].sh, second.sh, 1e-4, "second item alone");
  EXPECT_EQ(toy.decode(latents, cameras, context, at::ones({2, 3, 4, 40, 40})).size(), 2u);
}

TEST(HullDecoder, EveryParameterReceivesAGradientAndSoDoPictures) {
  for (const char* silhouettes : {"alpha", "features"}) {
    Toy toy(hull_config(silhouettes));
    toy.perturb_head();
    toy.store->set_requires_grad(true);
    const Tensor pictures = at::sigmoid(at::randn({1, 3, 4, 32, 32})).requires_grad_(true);
    const Autocast autocast(at::kCPU, at::kBFloat16);
    const auto set = toy.decode(at::randn({1, 3, 2, 4, 4}), {toy.cameras(3)}, at::randn({1, 5, 8}), pictures)[0];
    EXPECT_EQ(set.means.scalar_type(), at::kFloat);
    testing::weighted_sum(set, 7).backward();
    for (const auto& [name, parameter] : toy.store->parameters()) {
      ASSERT_TRUE(parameter.grad().defined()) << name;
      const double largest = parameter.grad().abs().max().item<double>();
      EXPECT_TRUE(std::isfinite(largest) && largest > 1e-6) << silhouettes << ", " << name << ": largest gradient " << largest;
    }
    EXPECT_GT(pictures.grad().abs().max().item<double>(), 1e-6);
  }
}

TEST(HullDecoder, GradientsAgreeWithDifferences) {
  for (const char* silhouettes : {"alpha", "features"}) {
    GaussianDecoderConfig config = hull_config(silhouettes);
    config.hull->grid = 10, config.hull->samples = 16;
    Toy toy(config);
    toy.perturb_head();
    // Silhouettes that start equal everywhere put every point of the hull on the minimum's kink.
    for (const auto& [name, parameter] : toy.store->parameters())
      if (name.starts_with("hull.silhouette")) parameter.copy_(randn(parameter.sizes(), make_generator(13)));
    toy.widen();
    toy.store->set_requires_grad(true);
    const auto generator = make_generator(21);
    const Tensor latents = randn({1, 3, 2, 4, 4}, generator).to(at::kDouble),
                 context = randn({1, 3, 8}, generator).to(at::kDouble);
    const Tensor pictures = (0.2 + 0.6 * at::sigmoid(randn({1, 3, 4, 16, 16}, generator)).to(at::kDouble)).requires_grad_(true);
    const auto loss = [&] { return testing::weighted_sum(toy.decode(latents, {toy.cameras(3)}, context, pictures)[0], 3); };
    loss().backward();
    NamedTensors checked = toy.store->parameters();
    checked["pictures"] = pictures;
    for (const auto& [name, parameter] : checked) {
      const Tensor direction = randn(parameter.sizes(), generator).to(at::kDouble), values = parameter.detach();
      const double step = 1e-6 / direction.norm().item<double>(), expected = (parameter.grad() * direction).sum().item<double>();
      values.add_(direction, step);
      const double above = loss().item<double>();
      values.sub_(direction, 2 * step);
      const double below = loss().item<double>();
      values.add_(direction, step);
      // Central differences in float64: rounding 1e-16 · |loss| / 1e-6.
      EXPECT_NEAR((above - below) / (2 * step), expected, 1e-5 * std::abs(expected) + 1e-5) << silhouettes << ", " << name;
    }
  }
}

TEST(HullDecoder, SaysWhatIsMissing) {
  Toy toy(hull_config());
  const Tensor latents = at::randn({1, 3, 2, 4, 4}), context = at::randn({1, 5, 8});
  EXPECT_THROW(toy.decode(latents, {toy.cameras(3)}, context), Error);
  EXPECT_THROW(toy.decode(latents, {toy.cameras(3)}, context, at::rand({1, 2, 4, 8, 8})), Error);
  EXPECT_THROW(toy.decode(latents, {toy.cameras(3)}, context, at::rand({1, 3, 3, 8, 8})), Error) << "no alpha";
}

}  // namespace
}  // namespace gsv3d
