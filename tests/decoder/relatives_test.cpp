// The decoders that the paper's is compared with: from the photo alone by triplanes, and pixel-aligned from a few views.
#include <gtest/gtest.h>

#include <functional>

#include "core/device.h"
#include "core/error.h"
#include "decoder/gaussian_head.h"
#include "decoder/pixel_aligned_decoder.h"
#include "decoder/triplane_decoder.h"
#include "decoder_toy.h"
#include "goldens.h"

namespace gsv3d {
namespace {

using testing::expect_near;
using testing::Toy;

GaussianDecoderConfig triplane_config() {
  GaussianDecoderConfig config = testing::toy_decoder_config();
  config.triplane = TriplaneConfig{.side = 4, .point_tokens = 6, .points_per_token = 5, .half_side = 0.7};
  return config;
}

GaussianDecoderConfig pixel_aligned_config() {
  GaussianDecoderConfig config = testing::toy_decoder_config();
  config.pixel_aligned = PixelAlignedConfig{.views = 2, .widths = {16, 24}, .output_level = 1};
  return config;
}

/// Random inputs of one item or two: three views with latents and pictures, a photo of 4 × 4 tokens.
struct Inputs {
  Tensor latents, context, pictures;
  std::vector<Cameras> cameras;
  explicit Inputs(const Toy& toy, int64_t items = 1, uint64_t seed = 3) {
    const auto generator = make_generator(seed);
    latents = randn({items, 3, 2, 4, 4}, generator), context = randn({items, 16, 8}, generator);
    pictures = at::sigmoid(randn({items, 3, 4, 16, 16}, generator));
    for (int64_t i = 0; i < items; ++i) cameras.push_back(rotate_azimuth(toy.cameras(3), 20.0 * static_cast<double>(i)));
  }
  std::vector<Gaussians> of(const Toy& toy) const { return toy.decode(latents, cameras, context, pictures); }
};

double difference(const Gaussians& a, const Gaussians& b) {
  return std::max({(a.means - b.means).abs().max().item<double>(), (a.sh - b.sh).abs().max().item<double>(),
                   (a.opacities - b.opacities).abs().max().item<double>()});
}

/// The heads and the points' moves start at zero, which hides everything before them.
void perturb(Toy& toy) {
  toy.perturb_head();
  const auto generator = make_generator(12);
  for (const auto& [name, parameter] : toy.store->parameters())
    if (name.starts_with("points.")) parameter.copy_(0.2 * randn(parameter.sizes(), generator));
}

void expect_gradients_agree_with_differences(const GaussianDecoderConfig& config) {
  Toy toy(config);
  perturb(toy);
  toy.widen();
  toy.store->set_requires_grad(true);
  Inputs inputs(toy);
  for (Tensor* input : {&inputs.latents, &inputs.context, &inputs.pictures}) *input = input->to(at::kDouble);
  const auto loss = [&] { return testing::weighted_sum(inputs.of(toy)[0], 3); };
  loss().backward();
  const auto generator = make_generator(21);
  for (const auto& [name, parameter] : toy.store->parameters()) {
    ASSERT_TRUE(parameter.grad().defined()) << name;
    EXPECT_GT(parameter.grad().abs().max().item<double>(), 1e-6) << name;
    const Tensor direction = randn(parameter.sizes(), generator).to(at::kDouble), values = parameter.detach();
    // A small step: bilinear samples have kinks where points cross from texel to texel.
    const double step = 1e-7 / direction.norm().item<double>(), expected = (parameter.grad() * direction).sum().item<double>();
    values.add_(direction, step);
    const double above = loss().item<double>();
    values.sub_(direction, 2 * step);
    const double below = loss().item<double>();
    values.add_(direction, step);
    // Central differences in float64: rounding 1e-15 · |loss| / 1e-7 over the direction's norm.
    EXPECT_NEAR((above - below) / (2 * step), expected, 1e-5 * std::abs(expected) + 1e-4) << name;
  }
}

TEST(Triplane, MakesAsManyGaussiansAsConfiguredAndStartsAsAGreyBall) {
  const GaussianDecoderConfig config = triplane_config();
  const Toy toy(config);
  const auto sets = Inputs(toy, 2).of(toy);
  ASSERT_EQ(sets.size(), 2U);
  EXPECT_EQ(sets[1].means.sizes(), at::IntArrayRef({30, 3}));
  EXPECT_EQ(sets[1].sh.sizes(), at::IntArrayRef({30, 1, 3}));
  expect_near(sets[0].means, points_in_ball(30, 0.4), 1e-6, "means");
  expect_near(sets[0].opacities, at::full({30}, 1 / (1 + std::exp(2.0))), 1e-6, "opacity");
  expect_near(sets[0].scales, at::full({30, 3}, (config.min_scale + config.max_scale) / 2), 1e-6, "scale");
  expect_near(sets[0].sh, at::zeros({30, 1, 3}), 1e-6, "grey");
  expect_near(sets[0].quats, at::tensor({1.0f, 0.0f, 0.0f, 0.0f}).expand({30, 4}), 1e-6, "rotation");
}

TEST(Triplane, PointsFillTheBallEvenly) {
  const Tensor points = points_in_ball(4000, 0.5), radii = at::linalg_vector_norm(points, 2, {1});
  EXPECT_LE(radii.max().item<double>(), 0.5);
  expect_near(points.mean(0), at::zeros({3}), 0.005, "centre");
  // An even ball has the second moment r² / 5 along each axis, and an eighth of its volume within half the radius.
  expect_near(points.square().mean(0), at::full({3}, 0.05), 0.001, "second moments");
  EXPECT_NEAR(radii.lt(0.25).to(at::kFloat).mean().item<double>(), 0.125, 0.005);
}

TEST(Triplane, PlanesAreSampledWhereTheyAreSaidToLie) {
  // Planes that hold their own coordinates, of texels' centres: bilinear samples of linear functions are exact between the
  // centres.
  constexpr int64_t side = 8;
  const Tensor centres = (at::arange(side, at::kFloat) + 0.5) * (2.0 / side) - 1;
  const Tensor across = centres.view({1, side}).expand({side, side}), down = centres.view({side, 1}).expand({side, side});
  const Tensor none = at::zeros({side, side});
  const auto channels = [](const std::vector<Tensor>& parts) { return at::stack(parts, -1); };
  const Tensor planes =
      at::stack({channels({across, down, none, none, none, none}), channels({none, none, across, down, none, none}),
                 channels({none, none, none, none, across, down})})
          .unsqueeze(0);
  const Tensor points = at::tensor({0.1f, -0.2f, 0.3f, -0.4f, 0.25f, 0.05f}).view({1, 2, 3});
  const Tensor x = points.select(2, 0) / 0.7, y = points.select(2, 1) / 0.7, z = points.select(2, 2) / 0.7;
  expect_near(sample_planes(planes, points, 0.7), at::stack({x, y, x, z, z, y}, -1), 1e-6, "x-y, x-z, z-y");
  expect_near(sample_planes(planes, at::full({1, 1, 3}, 2.0), 0.7), at::zeros({1, 1, 6}), 1e-6, "outside");
}

TEST(Triplane, SeesThePhotoAndItsCameraAlone) {
  Toy toy(triplane_config());
  perturb(toy);
  const Inputs inputs(toy, 2);
  const auto both = inputs.of(toy);
  Inputs other = inputs;
  other.latents = other.latents + 1, other.pictures = Tensor();
  EXPECT_EQ(difference(other.of(toy)[0], both[0]), 0) << "latents and pictures";
  other.context = inputs.context.clone();
  other.context[0].add_(1);
  EXPECT_GT(difference(other.of(toy)[0], both[0]), 1e-3) << "the photo";
  expect_near(other.of(toy)[1].means, both[1].means, 1e-6, "the other item's photo");
  other = inputs;
  other.cameras[0] = orbit_cameras(3, 25, 32);
  EXPECT_GT(difference(other.of(toy)[0], both[0]), 1e-4) << "the photo's elevation";
}

TEST(Triplane, GradientsAgreeWithDifferences) {
  expect_gradients_agree_with_differences(triplane_config());
}

TEST(Triplane, GeometryStaysExactUnderAutocast) {
  Toy toy(triplane_config());
  toy.store->set_requires_grad(true);
  const Autocast autocast(at::kCPU, at::kBFloat16);
  const auto set = Inputs(toy).of(toy)[0];
  EXPECT_EQ(set.means.scalar_type(), at::kFloat);
  expect_near(set.means, points_in_ball(30, 0.4), 1e-6, "means");
  testing::weighted_sum(set, 7).backward();
  EXPECT_TRUE(at::isfinite(toy.store->parameters().at("head.linear.weight").grad()).all().item<bool>());
}

TEST(PixelAligned, ViewsAreSpreadEvenly) {
  EXPECT_EQ(spread_views(7, 4), (std::vector<int64_t>{0, 2, 4, 5}));
  EXPECT_EQ(spread_views(21, 4), (std::vector<int64_t>{0, 5, 11, 16}));
  EXPECT_EQ(spread_views(8, 4), (std::vector<int64_t>{0, 2, 4, 6}));
  EXPECT_EQ(spread_views(3, 3), (std::vector<int64_t>{0, 1, 2}));
  EXPECT_THROW(spread_views(3, 4), Error);
}

TEST(PixelAligned, MakesOneGaussianPerPixelOfItsLevelAlongItsRay) {
  for (const int64_t level : {0, 1, 2}) {
    GaussianDecoderConfig config = pixel_aligned_config();
    config.pixel_aligned->output_level = level;
    const Toy toy(config);
    const int64_t side = 16 >> level;
    const auto sets = Inputs(toy, 2).of(toy);
    ASSERT_EQ(sets[1].means.sizes(), at::IntArrayRef({2 * side * side, 3})) << level;
    // Views 0 and round(3 / 2) = 2 of the orbit's three, at the first distance.
    const Cameras cameras = toy.cameras(3).select(at::tensor({0, 2}, at::kLong));
    const double start = config.near + 0.4 * (config.far - config.near);
    const Rays rays = camera_rays(cameras, side, side);
    const Tensor expected = rays.origins.unsqueeze(1) + start * rays.directions.flatten(2).transpose(1, 2);
    expect_near(sets[0].means, expected.reshape({-1, 3}), 1e-5, "means");
  }
}

TEST(PixelAligned, SeesItsViewsPicturesAlone) {
  Toy toy(pixel_aligned_config());
  perturb(toy);
  const Inputs inputs(toy, 2);
  const auto both = inputs.of(toy);
  Inputs other = inputs;
  other.latents = other.latents + 1, other.context = other.context + 1;
  other.pictures = inputs.pictures.clone();
  other.pictures.select(1, 1).fill_(0.5), other.pictures.narrow(2, 3, 1).fill_(0.5);
  EXPECT_EQ(difference(other.of(toy)[0], both[0]), 0) << "latents, photo tokens, the view between, alpha";
  other.pictures = inputs.pictures.clone();
  other.pictures[0][2].fill_(0.5);
  const auto changed = other.of(toy);
  const int64_t pixels = 64;
  EXPECT_GT((changed[0].opacities - both[0].opacities).slice(0, 0, pixels).abs().max().item<double>(), 1e-4)
      << "the first view's Gaussians follow the second's picture";
  expect_near(changed[1].means, both[1].means, 1e-6, "the other item");
}

TEST(PixelAligned, GradientsAgreeWithDifferences) {
  expect_gradients_agree_with_differences(pixel_aligned_config());
}

TEST(Relatives, SayWhatIsWrongWithInputAndConfig) {
  const Toy triplane(triplane_config()), pixel_aligned(pixel_aligned_config());
  Inputs inputs(triplane);
  EXPECT_EQ(testing::Toy(triplane_config()).config.sees_pictures(), false);
  inputs.pictures = Tensor();
  EXPECT_THROW(inputs.of(pixel_aligned), Error);
  inputs.pictures = at::rand({1, 3, 4, 18, 18});  // not a multiple of 4
  EXPECT_THROW(inputs.of(pixel_aligned), Error);
  inputs.context = at::randn({1, 15, 8});  // no square
  EXPECT_THROW(inputs.of(triplane), Error);
  using Change = std::function<void(GaussianDecoderConfig&)>;
  for (const Change& change :
       std::vector<Change>{[](auto& c) { c.context_dim = 0; }, [](auto& c) { c.triplane->side = 0; },
                           [](auto& c) { c.triplane->points_per_token = 0; }, [](auto& c) { c.hull.emplace(); },
                           [](auto& c) { c.pixel_aligned.emplace(); }}) {
    GaussianDecoderConfig config = triplane_config();
    change(config);
    EXPECT_THROW(check_gaussian_decoder(config), Error);
  }
  for (const Change& change :
       std::vector<Change>{[](auto& c) { c.pixel_aligned->widths = {}; }, [](auto& c) { c.pixel_aligned->widths = {12}; },
                           [](auto& c) { c.pixel_aligned->output_level = 3; }, [](auto& c) { c.pixel_aligned->views = 0; },
                           [](auto& c) { c.hull.emplace(); }}) {
    GaussianDecoderConfig config = pixel_aligned_config();
    change(config);
    EXPECT_THROW(check_gaussian_decoder(config), Error);
  }
}

}  // namespace
}  // namespace gsv3d
