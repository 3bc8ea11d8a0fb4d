// The rasterizer on a GPU against the CPU kernels: values, gradients, determinism, and scenes without anything to draw.
#include <ATen/Context.h>

#include "goldens.h"
#include "random_scenes.h"

namespace gsv3d {
namespace {

using testing::leaf_copy;
using testing::leaves;

#define GSV3D_CUDA_OR_SKIP() \
  if (!at::hasCUDA()) GTEST_SKIP() << "no CUDA device, or LibTorch is its CPU build"

/// Images and gradients of a scene on `device`, on the CPU.
std::vector<Tensor> run(const RasterizeScene& scene, at::Device device, const RasterizeOptions& options) {
  RasterizeScene there = scene;
  const auto& g = scene.gaussians;
  there.gaussians = {g.means.to(device), g.quats.to(device), g.scales.to(device), g.opacities.to(device), g.sh.to(device)};
  there.cameras.world_to_camera = scene.cameras.world_to_camera.to(device);
  there.cameras.intrinsics = scene.cameras.intrinsics.to(device);
  there.background = scene.background.to(device);
  auto copy = leaf_copy(there, at::kFloat);
  const auto r = rasterize_scenes({copy}, options).front();
  (r.rgb.square().sum() + r.alpha.sum() + 0.1 * r.depth.square().sum()).backward();
  std::vector<Tensor> results = {r.rgb.detach().cpu(), r.alpha.detach().cpu(), r.depth.detach().cpu()};
  for (const auto& leaf : leaves(copy)) results.push_back(leaf.grad().cpu());
  return results;
}

RasterizeScene scene_of(int64_t count, int64_t sh) {
  return {testing::random_gaussians(count, sh, 1), {}, testing::wide_cameras(3, 150, 111), at::tensor({0.2f, 0.5f, 0.9f})};
}

TEST(RasterizerCuda, AgreesWithTheCpu) {
  GSV3D_CUDA_OR_SKIP();
  for (const int64_t sh : {1, 4, 9, 16}) {
    for (const bool deterministic : {true, false}) {
      const RasterizeOptions options = {.antialiased = sh == 4, .deterministic = deterministic};
      const auto actual = run(scene_of(3000, sh), at::kCUDA, options), expected = run(scene_of(3000, sh), at::kCPU, options);
      for (size_t i = 0; i < expected.size(); ++i) {
        const double error = ((actual[i] - expected[i]).norm() / expected[i].norm()).item<double>();
        EXPECT_LE(error, i < 3 ? 2e-4 : 5e-3) << "result " << i << ", " << sh << " coefficients";
      }
    }
  }
}

TEST(RasterizerCuda, SameBitsEveryTime) {
  GSV3D_CUDA_OR_SKIP();
  const auto first = run(scene_of(3000, 4), at::kCUDA, {}), second = run(scene_of(3000, 4), at::kCUDA, {});
  for (size_t i = 0; i < first.size(); ++i) EXPECT_TRUE(at::equal(first[i], second[i])) << "result " << i;
}

TEST(RasterizerCuda, NothingToDraw) {
  GSV3D_CUDA_OR_SKIP();
  auto aside = scene_of(20, 4);
  aside.gaussians.means = aside.gaussians.means + at::tensor({0.0f, 100.0f, 0.0f});
  for (const auto& scene : {scene_of(0, 1), aside}) {
    const auto results = run(scene, at::kCUDA, {});
    EXPECT_TRUE(at::equal(results[0], scene.background.view({1, 3, 1, 1}).expand_as(results[0])));
    for (size_t i = 1; i < results.size(); ++i) EXPECT_TRUE((results[i] == 0).all().item<bool>()) << "result " << i;
  }
}

}  // namespace
}  // namespace gsv3d
