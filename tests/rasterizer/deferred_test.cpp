// Deferred back-propagation against the direct way: the same images and gradients, in the memory of one group of cameras.
#include "rasterizer/deferred.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "goldens.h"
#include "random_scenes.h"
#include "rasterizer/workspace.h"

namespace gsv3d {
namespace {

using testing::leaf_copy;
using testing::leaves;

struct Results {
  Rendering rendering;
  std::vector<Tensor> gradients;
};

template <class Render>
Results run(const RasterizeScene& scene, const Render& render) {
  auto copy = leaf_copy(scene, at::kFloat);
  Results results;
  const auto r = results.rendering = render(copy.gaussians, copy.cameras, scene.background);
  (r.rgb.square().sum() + r.alpha.sum() + 0.1 * r.depth.square().sum()).backward();
  for (const auto& leaf : leaves(copy)) results.gradients.push_back(leaf.grad());
  return results;
}

class Deferred : public ::testing::TestWithParam<int64_t> {};

TEST_P(Deferred, EqualsTheDirectWay) {
  const RasterizeScene scene = {testing::random_gaussians(400, 4, 1), {}, testing::wide_cameras(5, 50, 37), at::rand({5, 3})};
  const RasterizeOptions options = {.median_depth = true};
  const auto direct = run(scene, [&](const auto& g, const auto& c, const auto& b) { return rasterize(g, c, b, options); });
  const auto deferred =
      run(scene, [&](const auto& g, const auto& c, const auto& b) { return rasterize_deferred(g, c, b, options, GetParam()); });
  EXPECT_TRUE(at::equal(direct.rendering.rgb, deferred.rendering.rgb));
  EXPECT_TRUE(at::equal(direct.rendering.depth, deferred.rendering.depth));
  EXPECT_TRUE(at::equal(direct.rendering.median_depth, deferred.rendering.median_depth));
  for (size_t i = 0; i < direct.gradients.size(); ++i)
    testing::expect_close(deferred.gradients[i], direct.gradients[i], 1e-5, "gradient");
}
INSTANTIATE_TEST_SUITE_P(, Deferred, ::testing::Values(1, 2, 5, 100));

/// Peak bytes of the rasterizer's own memory for `views` cameras.
template <class Render>
int64_t peak(int64_t views, const Render& render) {
  const auto workspace = std::make_shared<RasterizeWorkspace>();
  const RasterizeScene scene = {testing::random_gaussians(1000, 1, 1), {}, testing::wide_cameras(views, 64, 64), at::ones({3})};
  run(scene,
      [&](const auto& g, const auto& c, const auto& b) { return render(g, c, b, RasterizeOptions{.workspace = workspace}); });
  return workspace->statistics().most_used;
}

TEST(DeferredRendering, DoesNotGrowWithTheNumberOfViews) {
  const auto direct = [](const auto& g, const auto& c, const auto& b, const auto& o) { return rasterize(g, c, b, o); };
  const auto deferred = [](const auto& g, const auto& c, const auto& b, const auto& o) {
    return rasterize_deferred(g, c, b, o, 2);
  };
  const int64_t images = int64_t{64} * 64 * 5 * sizeof(float);  // of one view: what any way must hold
  EXPECT_GT(peak(16, direct), 3 * peak(4, direct)) << "the test measures nothing";
  EXPECT_LE(peak(16, deferred) - peak(4, deferred), 12 * images * 5 / 4);
  EXPECT_LE(peak(16, deferred), peak(16, direct) / 3);
}

TEST(DeferredRendering, OnlySomeGradientsAskedFor) {
  auto g = testing::random_gaussians(50, 1, 2);
  g.means.requires_grad_(true);
  rasterize_deferred(g, orbit_cameras(3, 10, 24)).rgb.sum().backward();
  EXPECT_GT(g.means.grad().abs().max().item<float>(), 0);
  EXPECT_FALSE(g.sh.grad().defined());
  EXPECT_FALSE(rasterize_deferred(g.detach(), orbit_cameras(3, 10, 24)).rgb.requires_grad());
  EXPECT_THROW(rasterize_deferred(g, orbit_cameras(3, 10, 24), {}, {}, 0), Error);
}

}  // namespace
}  // namespace gsv3d
