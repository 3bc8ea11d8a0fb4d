// Properties of the rasterizer that need no reference: determinism, batches, empty and unseen scenes, checks of its arguments.
#include "rasterizer/rasterizer.h"

#include <ATen/Parallel.h>

#include "core/error.h"
#include "goldens.h"
#include "random_scenes.h"
#include "rasterizer/cpu/stored_color.h"
#include "rasterizer/workspace.h"

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

TEST(Rasterizer, MedianDepthIsTheDepthOfTheSplatThatHalvesTheLight) {
  // Three Gaussians one behind the other: the first leaves 0.7, the second 0.7 · 0.4 = 0.28 of the light.
  const Tensor means = at::tensor({0.0f, 0.0f, 0.4f, 0.0f, 0.0f, 0.1f, 0.0f, 0.0f, -0.3f}).view({3, 3});
  const Gaussians g = {means, at::tensor({1.0f, 0.0f, 0.0f, 0.0f}).expand({3, 4}).contiguous(), at::full({3, 3}, 0.2),
                       at::tensor({0.3f, 0.6f, 0.9f}), at::zeros({3, 1, 3})};
  auto cameras = orbit_cameras(1, 0, 33);
  const auto median = rasterize(g, cameras, {}, {.median_depth = true}).median_depth;
  EXPECT_NEAR(median[0][0][16][16].item<float>(), 2 - 0.1, 1e-5);
  EXPECT_EQ(median[0][0][0][0].item<float>(), 0);
  auto faint = g;
  faint.opacities = at::tensor({0.1f, 0.1f, 0.1f});
  EXPECT_EQ(rasterize(faint, cameras, {}, {.median_depth = true}).median_depth.abs().max().item<float>(), 0);
  EXPECT_FALSE(rasterize(g, cameras).median_depth.defined());
}

/// The loss's gradient with respect to every leaf and its images, for colours stored in `type`.
std::vector<Tensor> run_stored(at::ScalarType type, bool round_first) {
  RasterizeScene scene = {testing::random_gaussians(300, 9, 4), {}, testing::wide_cameras(2, 40, 30), at::ones({3})};
  if (round_first) scene.gaussians.sh = scene.gaussians.sh.to(type).to(at::kFloat);
  auto leaf_scene = leaf_copy(scene, at::kFloat);
  if (!round_first) leaf_scene.gaussians.sh = scene.gaussians.sh.to(type).requires_grad_(true);
  const auto r = rasterize(leaf_scene.gaussians, leaf_scene.cameras, scene.background);
  (r.rgb.square().sum() + r.alpha.sum()).backward();
  std::vector<Tensor> results = {r.rgb};
  for (const auto& leaf : leaves(leaf_scene)) results.push_back(leaf.grad());
  return results;
}

TEST(Rasterizer, ColoursStoredInHalfPrecision) {
  const auto exact = run_stored(at::kFloat, true);
  for (const auto type : {at::kHalf, at::kBFloat16}) {
    // The stored numbers are read exactly; only their own gradient is rounded to the type.
    const auto half = run_stored(type, false), same = run_stored(type, true);
    EXPECT_EQ(half[5].scalar_type(), type);
    for (size_t i = 0; i < half.size(); ++i)
      EXPECT_TRUE(at::equal(half[i], i == 5 ? same[i].to(type) : same[i])) << "result " << i;
    // What storing costs: coefficients are rounded by 2^-11 and 2^-8 of themselves at most.
    const double limit = type == at::kHalf ? 1e-3 : 8e-3;
    EXPECT_LE((half[0] - exact[0]).abs().max().item<double>(), limit);
    EXPECT_GT((half[0] - exact[0]).abs().max().item<double>(), 0);
  }
}

TEST(Rasterizer, HalfPrecisionOfEveryKindOfNumber) {
  for (int64_t bits = 0; bits < 65536; bits += 7) {
    const auto stored = static_cast<uint16_t>(bits);
    const float half = c10::detail::fp16_ieee_to_fp32_value(stored), mine = splat_cpu::from_float16(stored);
    if (std::isnan(half))
      EXPECT_TRUE(std::isnan(mine)) << bits;
    else
      EXPECT_EQ(half, mine) << bits;
  }
}

TEST(Rasterizer, WorkspaceServesLaterCallsWithoutNewMemory) {
  const auto workspace = std::make_shared<RasterizeWorkspace>();
  RasterizeScene scene = {testing::random_gaussians(800, 4, 1), {}, testing::wide_cameras(3, 50, 37), at::ones({3})};
  const auto step = [&](const std::shared_ptr<RasterizeWorkspace>& memory) {
    auto copy = leaf_copy(scene, at::kFloat);
    const auto r = rasterize(copy.gaussians, copy.cameras, scene.background, {.median_depth = true, .workspace = memory});
    (r.rgb.square().sum() + r.depth.sum()).backward();
    return std::vector<Tensor>{r.rgb.detach().clone(), r.median_depth.clone(), copy.gaussians.means.grad().clone(),
                               copy.cameras.world_to_camera.grad().clone()};
  };
  const auto expected = step(nullptr);
  step(workspace), step(workspace);
  const auto warm = workspace->statistics();
  EXPECT_GT(warm.allocations, 0);
  for (int i = 0; i < 10; ++i) {
    const auto actual = step(workspace);
    for (size_t k = 0; k < actual.size(); ++k) EXPECT_TRUE(at::equal(actual[k], expected[k])) << k;
  }
  EXPECT_EQ(workspace->statistics().allocations, warm.allocations);
  EXPECT_EQ(workspace->statistics().used, 0) << "all tensors are gone";
  EXPECT_EQ(workspace->statistics().most_used, warm.most_used);
  workspace->release();
  EXPECT_EQ(workspace->statistics().idle, 0);
}

TEST(Rasterizer, WorkspaceKeepsNoMoreThanItsLimit) {
  RasterizeWorkspace workspace(100000);
  Tensor survivor;
  {
    const Tensor a = workspace.empty({20000}, at::kFloat), b = workspace.empty({20000}, at::kFloat);
    EXPECT_GE(workspace.statistics().used, 160000);
    survivor = a.slice(0, 0, 10).fill_(3);
  }
  EXPECT_LE(workspace.statistics().idle, 100000);
  EXPECT_EQ(survivor.sum().item<float>(), 30);
  survivor = Tensor();
  EXPECT_LE(workspace.statistics().idle, 100000);
  EXPECT_EQ(workspace.statistics().used, 0);
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
  expect_error([](auto& g, auto&, auto&) { g.sh = g.sh.to(at::kDouble); }, "bfloat16");
  expect_error([](auto& g, auto&, auto&) { g.sh = at::zeros({5, 5, 3}); }, "coefficients");
  expect_error([](auto& g, auto&, auto&) { g.opacities = Tensor(); }, "opacities");
  expect_error([](auto&, auto& c, auto&) { c.width = 0; }, "pixels");
  expect_error([](auto&, auto& c, auto&) { c.world_to_camera = at::zeros({2, 4, 4}); }, "inverted");
  expect_error([](auto&, auto&, auto& background) { background = at::ones({3, 3}); }, "background");
}

}  // namespace
}  // namespace gsv3d
