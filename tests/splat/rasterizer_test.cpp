// Properties of the rasterizer that need no reference: determinism, batches, empty and unseen scenes, checks of its arguments.
#include "splat/rasterizer.h"

#include <ATen/Parallel.h>

#include "core/error.h"
#include "goldens.h"
#include "scenes.h"

namespace gsv3d {
namespace {

using testing::leaf_copy;
using testing::leaves;

/// Images and gradients of a scene.
std::vector<Tensor> run(const RasterizeScene& scene) {
  auto copy = leaf_copy(scene, at::kFloat);
  const auto r = rasterize(copy.gaussians, copy.cameras, copy.background);
  (r.rgb.square().sum() + r.alpha.sum() + 0.1 * r.depth.square().sum()).backward();
  std::vector<Tensor> results = {r.rgb, r.alpha, r.depth};
  for (const auto& leaf : leaves(copy)) results.push_back(leaf.grad());
  return results;
}

TEST(Rasterizer, SameBitsWhateverTheNumberOfThreads) {
  const RasterizeScene scene = {testing::random_gaussians(1500, 4, 1), {}, testing::wide_cameras(3, 50, 37), at::ones({3})};
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const auto expected = run(scene);
  for (const int count : {2, 3, 2}) {
    at::set_num_threads(count);
    const auto actual = run(scene);
    for (size_t i = 0; i < expected.size(); ++i)
      EXPECT_TRUE(at::equal(actual[i], expected[i])) << "result " << i << ", " << count << " threads";
  }
  at::set_num_threads(threads);
}

TEST(Rasterizer, BatchOfScenesEqualsSingleScenes) {
  std::vector<Gaussians> gaussians, leaves_of_batch;
  std::vector<Cameras> cameras;
  for (const int64_t i : {0, 1, 2}) {
    gaussians.push_back(testing::random_gaussians(i == 1 ? 0 : 300 + 41 * i, 1, 10 + i));
    cameras.push_back(testing::wide_cameras(i + 1, 33, 20));
  }
  for (auto& g : gaussians) g.means.requires_grad_(true);
  const Tensor white = at::ones({3});
  const auto batch = rasterize_batch(gaussians, cameras, white);
  Tensor loss = at::zeros({});
  for (const auto& r : batch) loss = loss + r.rgb.square().sum();
  loss.backward();
  ASSERT_EQ(batch.size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    auto alone = gaussians[i].detach();
    alone.means.requires_grad_(true);
    const auto single = rasterize(alone, cameras[i], white);
    EXPECT_TRUE(at::equal(batch[i].rgb, single.rgb)) << i;
    EXPECT_TRUE(at::equal(batch[i].depth, single.depth)) << i;
    single.rgb.square().sum().backward();
    EXPECT_TRUE(at::equal(gaussians[i].means.grad(), alone.means.grad())) << i;
  }
}

/// Only the background is seen, and gradients are zero, not missing or NaN.
void expect_nothing_drawn(const Gaussians& gaussians) {
  const RasterizeScene scene = {gaussians, {}, testing::wide_cameras(2, 21, 15), at::tensor({0.1f, 0.2f, 0.3f})};
  const auto results = run(scene);
  EXPECT_TRUE(at::equal(results[0], scene.background.view({1, 3, 1, 1}).expand({2, 3, 15, 21})));
  for (size_t i = 1; i < results.size(); ++i) EXPECT_TRUE((results[i] == 0).all().item<bool>()) << "result " << i;
}

TEST(Rasterizer, EmptyScene) {
  expect_nothing_drawn(testing::random_gaussians(0, 1, 1));
}

TEST(Rasterizer, GaussiansFarAsideAreCulled) {
  auto g = testing::random_gaussians(20, 4, 1);
  g.means = g.means + at::tensor({0.0f, 100.0f, 0.0f});
  expect_nothing_drawn(g);
}

TEST(Rasterizer, GaussiansBehindTheCameraAreCulled) {
  auto g = testing::random_gaussians(20, 1, 1);
  const auto cameras = orbit_cameras(1, 0, 16);
  g.means = g.means + 2 * cameras.positions();  // twice as far out as the camera, behind its back
  const auto r = rasterize(g, cameras);
  EXPECT_EQ(r.alpha.abs().max().item<float>(), 0);
}

TEST(Rasterizer, ValuesThatAreNotNumbersAreCulled) {
  auto g = testing::random_gaussians(4, 1, 1);
  const float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();
  g.means[0][0] = nan;
  g.quats[1][2] = nan;
  g.scales[2][0] = infinity;
  g.opacities[3] = nan;
  const auto r = rasterize(g, testing::wide_cameras(1, 20, 20), at::ones({3}));
  EXPECT_TRUE((r.rgb == 1).all().item<bool>());
  EXPECT_TRUE((r.depth == 0).all().item<bool>());
}

TEST(Rasterizer, OpaqueGaussianShowsItsColourAndDepth) {
  const Gaussians g = {at::zeros({1, 3}), at::tensor({1.0f, 0.0f, 0.0f, 0.0f}).view({1, 4}), at::full({1, 3}, 0.2), at::ones({1}),
                       rgb_to_sh(at::tensor({0.25f, 0.5f, 0.75f}).view({1, 3}))};
  const auto r = rasterize(g, orbit_cameras(4, 30, 32), at::ones({3}));
  // The pixel's centre is 0.7 pixels beside the peak, where alpha is 0.991.
  testing::expect_near(r.rgb.select(2, 16).select(2, 16), at::tensor({0.25f, 0.5f, 0.75f}).expand({4, 3}), 1e-2, "colour");
  testing::expect_near(expected_depth(r).select(2, 16).select(2, 16), at::full({4, 1}, 2.0), 1e-4, "depth");
}

TEST(Rasterizer, NoGradientsWhereNoneAreAskedFor) {
  const auto r = rasterize(testing::random_gaussians(10, 1, 1), orbit_cameras(1, 0, 16), {}, {.depth = false});
  EXPECT_FALSE(r.rgb.requires_grad());
  EXPECT_FALSE(r.depth.defined());
  EXPECT_THROW(expected_depth(r), Error);
}

TEST(Rasterizer, GradientOfDepthAlone) {
  auto g = testing::random_gaussians(50, 4, 1);
  g.means.requires_grad_(true);
  g.sh.requires_grad_(true);
  rasterize(g, orbit_cameras(1, 0, 16)).depth.sum().backward();
  EXPECT_GT(g.means.grad().abs().max().item<float>(), 0);
  EXPECT_EQ(g.sh.grad().abs().max().item<float>(), 0);
}

TEST(Rasterizer, RejectsWrongArguments) {
  const auto cameras = orbit_cameras(2, 0, 16);
  const auto good = testing::random_gaussians(5, 1, 1);
  const auto expect_error = [&](const auto& change, const char* part) {
    auto g = good;
    auto c = cameras;
    Tensor background = at::ones({3});
    change(g, c, background);
    try {
      rasterize(g, c, background);
      FAIL() << "no error about " << part;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    }
  };
  expect_error([](auto& g, auto&, auto&) { g.quats = g.quats.slice(0, 0, 4); }, "quats");
  expect_error([](auto& g, auto&, auto&) { g.means = g.means.to(at::kDouble); }, "float32");
  expect_error([](auto& g, auto&, auto&) { g.sh = at::zeros({5, 5, 3}); }, "coefficients");
  expect_error([](auto& g, auto&, auto&) { g.opacities = Tensor(); }, "opacities");
  expect_error([](auto&, auto& c, auto&) { c.width = 0; }, "pixels");
  expect_error([](auto&, auto& c, auto&) { c.world_to_camera = at::zeros({2, 4, 4}); }, "inverted");
  expect_error([](auto&, auto&, auto& background) { background = at::ones({3, 3}); }, "background");
}

}  // namespace
}  // namespace gsv3d
