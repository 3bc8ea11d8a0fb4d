// The CUDA kernels on the CPU (see cuda_emulation/) against the CPU kernels, images and all gradients.
#include "cuda_emulation.h"

#include "goldens.h"
#include "random_scenes.h"

#define splat_cuda splat_cuda_emulated
#include "rasterizer/cpu/layout.h"
#include "rasterizer/cuda/rasterize_cuda.h"

namespace gsv3d {
namespace {

using testing::leaf_copy;
using testing::leaves;

RasterizeTensors join(const std::vector<RasterizeScene>& scenes) {
  const auto cat = [&](const auto& pick) {
    std::vector<Tensor> parts;
    for (const auto& scene : scenes) parts.push_back(pick(scene));
    return at::cat(parts).contiguous();
  };
  const Tensor table = at::empty({static_cast<int64_t>(scenes.size()), splat_math::kSceneRangeInts}, at::kLong);
  auto* range = reinterpret_cast<splat_math::SceneRange*>(table.data_ptr<int64_t>());
  splat_math::SceneRange next = {0, 0, 0, 0, 0};
  for (const auto& scene : scenes) {
    next.gaussian_end = next.gaussian_begin + scene.gaussians.count();
    next.view_end = next.view_begin + scene.cameras.count();
    *range++ = next;
    next.splat_begin += next.gaussians() * next.views();
    next.gaussian_begin = next.gaussian_end;
    next.view_begin = next.view_end;
  }
  return {cat([](const auto& s) { return s.gaussians.means; }),
          cat([](const auto& s) { return s.gaussians.quats; }),
          cat([](const auto& s) { return s.gaussians.scales; }),
          cat([](const auto& s) { return s.gaussians.opacities; }),
          cat([](const auto& s) { return s.colors.defined() ? s.colors : s.gaussians.sh; }),
          cat([](const auto& s) { return s.cameras.world_to_camera; }),
          cat([](const auto& s) { return s.cameras.intrinsics; }),
          cat([](const auto& s) {
            return s.background.expand({s.cameras.count(), 3});
          }),
          table};
}

/// rgb, alpha, depth, then the gradients of a fixed loss.
using Results = std::vector<Tensor>;

Tensor loss_of(const Tensor& rgb, const Tensor& alpha, const Tensor& depth) {
  const auto generator = make_generator(7);
  const auto weigh = [&](const Tensor& t) { return (t * randn(t.sizes(), generator)).sum(); };
  return weigh(rgb) + weigh(alpha) + weigh(depth);
}

struct Emulated {
  Results results;
  Tensor median_depth;
};

Emulated run_emulated(const std::vector<RasterizeScene>& scenes, RasterizeOptions options) {
  std::vector<RasterizeScene> copies;
  for (const auto& scene : scenes) copies.push_back(leaf_copy(scene, at::kFloat));
  options.median_depth = true;
  const auto r = splat_cuda::rasterize_joined(join(copies), scenes[0].cameras.width, scenes[0].cameras.height, options);
  loss_of(r.rgb, r.alpha, r.depth).backward();
  Results results = {r.rgb.detach(), r.alpha.detach(), r.depth.detach()};
  for (auto& copy : copies)
    for (const auto& leaf : leaves(copy)) results.push_back(leaf.grad());
  return {results, r.median_depth};
}

Results run_cpu(const std::vector<RasterizeScene>& scenes, RasterizeOptions options) {
  std::vector<RasterizeScene> copies;
  for (const auto& scene : scenes) copies.push_back(leaf_copy(scene, at::kFloat));
  std::vector<Tensor> rgb, alpha, depth;
  for (const auto& r : rasterize_scenes(copies, options)) {
    rgb.push_back(r.rgb), alpha.push_back(r.alpha), depth.push_back(r.depth);
  }
  Results results = {at::cat(rgb), at::cat(alpha), at::cat(depth)};
  loss_of(results[0], results[1], results[2]).backward();
  for (auto& result : results) result = result.detach();
  for (auto& copy : copies)
    for (const auto& leaf : leaves(copy)) results.push_back(leaf.grad());
  return results;
}

double relative_l2(const Tensor& actual, const Tensor& expected) {
  const Tensor a = actual.to(at::kDouble), e = expected.to(at::kDouble);
  return ((a - e).norm() / e.norm().clamp_min(1e-12)).item<double>();
}

/// Both in float32, so they differ by rounding alone, but for pixels whose alpha lies within rounding of 1/255.
void expect_agreement(const Results& actual, const Results& expected) {
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    ASSERT_TRUE(at::isfinite(actual[i]).all().item<bool>()) << "result " << i;
    EXPECT_LE(relative_l2(actual[i], expected[i]), i < 3 ? 1e-4 : 2e-3) << "result " << i;
  }
}

RasterizeScene random_scene(int64_t count, int64_t sh, uint64_t seed, int64_t views = 2) {
  return {testing::random_gaussians(count, sh, seed), {}, testing::wide_cameras(views, 43, 30), at::tensor({0.2f, 0.5f, 0.9f})};
}

struct Mode {
  int64_t sh;
  bool antialiased, deterministic;
};
class CudaEmulation : public ::testing::TestWithParam<Mode> {};

TEST_P(CudaEmulation, AgreesWithCpuKernels) {
  const auto mode = GetParam();
  auto scene = random_scene(150, std::max<int64_t>(mode.sh, 1), 5);
  if (mode.sh == 0) scene.colors = randn({150, 3}, make_generator(6));
  const RasterizeOptions options = {.antialiased = mode.antialiased, .deterministic = mode.deterministic};
  expect_agreement(run_emulated({scene}, options).results, run_cpu({scene}, options));
}

INSTANTIATE_TEST_SUITE_P(, CudaEmulation,
                         ::testing::Values(Mode{0, false, true}, Mode{1, true, false}, Mode{4, false, false},
                                           Mode{9, false, true}, Mode{16, true, true}));

TEST(CudaKernels, BatchOfUnequalScenes) {
  const std::vector<RasterizeScene> scenes = {random_scene(200, 4, 1, 1), random_scene(0, 4, 2, 2), random_scene(70, 4, 3, 3)};
  for (const bool deterministic : {true, false}) {
    const RasterizeOptions options = {.deterministic = deterministic};
    expect_agreement(run_emulated(scenes, options).results, run_cpu(scenes, options));
  }
}

/// A missing barrier or a sum in the order of arrival would show here.
TEST(CudaKernels, SameBitsInWhateverOrderThreadsRun) {
  const auto scene = random_scene(150, 1, 8);
  cuda_emulation::set_seed(1);
  const auto expected = run_emulated({scene}, {}).results;
  for (const unsigned seed : {2u, 3u}) {
    cuda_emulation::set_seed(seed);
    const auto actual = run_emulated({scene}, {}).results;
    for (size_t i = 0; i < expected.size(); ++i) EXPECT_TRUE(at::equal(actual[i], expected[i])) << "result " << i;
  }
}

/// All parameters of a model may lie in one tensor, where nothing aligns the quaternions to the 16 bytes of a kernel's access.
TEST(CudaKernels, QuaternionsMayBeginAnywhere) {
  const auto scene = random_scene(60, 1, 4);
  const auto render = [&](const RasterizeTensors& t) {
    return splat_cuda::rasterize_joined(t, scene.cameras.width, scene.cameras.height, {}).rgb;
  };
  auto tensors = join({leaf_copy(scene, at::kFloat)});
  const Tensor expected = render(tensors), flat = at::empty({4 * 60 + 1});
  tensors.quats = flat.slice(0, 1).view({60, 4}).copy_(tensors.quats.detach());
  EXPECT_TRUE(at::equal(render(tensors), expected));
}

TEST(CudaKernels, NothingToDraw) {
  auto unseen = random_scene(20, 1, 4);
  unseen.gaussians.opacities = at::zeros({20});
  for (const auto& scene : {random_scene(0, 1, 3), unseen}) {
    for (const bool deterministic : {true, false}) {
      const auto results = run_emulated({scene}, {.deterministic = deterministic}).results;
      EXPECT_TRUE(at::equal(results[0], scene.background.view({1, 3, 1, 1}).expand_as(results[0])));
      for (size_t i = 1; i < results.size(); ++i) EXPECT_EQ(results[i].abs().sum().item<float>(), 0) << "result " << i;
    }
  }
}

TEST(CudaKernels, MedianDepthIsThatOfTheGaussianThatHalvesTheTransmittance) {
  auto scene = random_scene(3, 1, 1, 1);
  auto& g = scene.gaussians;
  scene.cameras = orbit_cameras(1, 0, 32);
  g.means = at::tensor({0.f, 0.f, 0.4f, 0.f, 0.f, 0.f, 0.f, 0.f, -0.4f}).view({3, 3});
  g.scales = at::full({3, 3}, 0.3);
  g.opacities = at::tensor({0.3f, 0.5f, 0.9f});  // 1 → 0.7 → 0.35: the second, at the distance of the origin
  const Tensor median = run_emulated({scene}, {}).median_depth;
  EXPECT_NEAR(median[0][0][16][16].item<float>(), 2.0f, 1e-4f);
  g.opacities = at::full({3}, 0.1f);  // never below a half
  EXPECT_EQ(run_emulated({scene}, {}).median_depth.abs().max().item<float>(), 0);
}

}  // namespace
}  // namespace gsv3d
