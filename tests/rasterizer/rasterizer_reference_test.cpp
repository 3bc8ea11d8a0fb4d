// The kernels against the plain-tensor twin in float64 on random scenes, and the twin against finite differences.
#include "rasterizer/rasterizer_reference.h"

#include "goldens.h"
#include "random_scenes.h"

namespace gsv3d {
namespace {

using testing::leaf_copy;
using testing::leaves;

/// Weights of a scalar loss over all outputs, the same for both implementations.
struct Cotangents {
  Tensor rgb, alpha, depth;
  Tensor loss(const Rendering& r) const {
    Tensor sum = (r.rgb * rgb).sum() + (r.alpha * alpha).sum();
    return r.depth.defined() ? sum + (r.depth * depth).sum() : sum;
  }
};

Cotangents random_cotangents(const Cameras& cameras, at::ScalarType type) {
  const auto generator = make_generator(99);
  const auto draw = [&](int64_t channels) {
    return randn({cameras.count(), channels, cameras.height, cameras.width}, generator).to(type);
  };
  return {draw(3), draw(1), draw(1)};
}

double relative_l2(const Tensor& actual, const Tensor& expected) {
  const Tensor a = actual.to(at::kDouble), e = expected.to(at::kDouble);
  return ((a - e).norm() / e.norm().clamp_min(1e-12)).item<double>();
}

struct Setup {
  int64_t sh_coefficients;  ///< 0: plain colours
  bool antialiased, depth;
  int64_t gaussians = 120, width = 43, height = 30;
};

class RasterizerTwin : public ::testing::TestWithParam<Setup> {};

TEST_P(RasterizerTwin, ValuesAndGradients) {
  const auto setup = GetParam();
  RasterizeScene scene = {testing::random_gaussians(setup.gaussians, std::max<int64_t>(setup.sh_coefficients, 1), 5),
                          {},
                          testing::wide_cameras(2, setup.width, setup.height),
                          at::tensor({0.2f, 0.5f, 0.9f})};
  if (setup.sh_coefficients == 0) scene.colors = randn({setup.gaussians, 3}, make_generator(6));
  const RasterizeOptions options = {.depth = setup.depth, .median_depth = setup.depth, .antialiased = setup.antialiased};
  auto kernel_scene = leaf_copy(scene, at::kFloat), twin_scene = leaf_copy(scene, at::kDouble);
  const auto kernel = rasterize_scenes({kernel_scene}, options).front(), twin = rasterize_reference(twin_scene, options);
  EXPECT_EQ(kernel.depth.defined(), setup.depth);

  // A pixel where alpha is 1/255 up to rounding may take or leave a Gaussian: up to 4e-3, but only here and there.
  const auto compare = [](const Tensor& a, const Tensor& e, const char* what) {
    testing::expect_near(a, e, 1e-2, what);
    EXPECT_LE((a.detach().to(at::kDouble) - e.detach()).abs().mean().item<double>(), 3e-6) << what;
  };
  compare(kernel.rgb, twin.rgb, "rgb");
  compare(kernel.alpha, twin.alpha, "alpha");
  if (setup.depth) {
    compare(kernel.depth, twin.depth, "depth");
    // Where the transmittance is a half up to rounding, the next splat may be taken: a jump, but in few pixels.
    const Tensor off = (kernel.median_depth - twin.median_depth).abs() > 1e-4;
    EXPECT_LE(off.to(at::kFloat).mean().item<double>(), 1e-3);
    EXPECT_FALSE(kernel.median_depth.requires_grad());
    if (setup.gaussians > 1) {
      EXPECT_GT((kernel.median_depth > 0).to(at::kFloat).mean().item<double>(), 0.02) << "the test sees no median";
    }
  }

  random_cotangents(scene.cameras, at::kFloat).loss(kernel).backward();
  random_cotangents(scene.cameras, at::kDouble).loss(twin).backward();
  const auto kernel_leaves = leaves(kernel_scene), twin_leaves = leaves(twin_scene);
  const char* names[] = {"means", "quats", "scales", "opacities", "colours", "world_to_camera"};
  for (size_t i = 0; i < kernel_leaves.size(); ++i) {
    Tensor actual = kernel_leaves[i].grad(), expected = twin_leaves[i].grad();
    if (i == 5)
      actual = actual.slice(1, 0, 3),
      expected = expected.slice(1, 0, 3);  // the last row is a constant, which only the twin differentiates
    EXPECT_LE(relative_l2(actual, expected), 2e-3) << "gradient of " << names[i] << ": " << relative_l2(actual, expected);
  }
}

std::vector<Setup> setups() {
  std::vector<Setup> list = {{0, false, true}, {1, false, false}};
  for (const int64_t coefficients : {1, 4, 9, 16})
    for (const bool antialiased : {false, true}) list.push_back({coefficients, antialiased, antialiased || coefficients == 1});
  list.push_back({4, true, true, 1, 5, 7});       // smaller than a block of pixels
  list.push_back({9, false, true, 30, 16, 16});   // one tile exactly
  list.push_back({1, false, true, 700, 67, 33});  // more than a chunk of Gaussians; many end their pixels
  return list;
}
INSTANTIATE_TEST_SUITE_P(, RasterizerTwin, ::testing::ValuesIn(setups()));

TEST(RasterizerReference, GradientsMatchFiniteDifferences) {
  RasterizeScene base = {
      testing::random_gaussians(6, 9, 3), {}, testing::wide_cameras(1, 17, 13), at::tensor({0.3f, 0.3f, 0.3f})};
  const RasterizeOptions options = {.depth = true, .antialiased = true};
  auto scene = leaf_copy(base, at::kDouble);
  const auto cotangents = random_cotangents(base.cameras, at::kDouble);
  cotangents.loss(rasterize_reference(scene, options)).backward();
  const double step = 1e-6;
  for (auto& leaf : leaves(scene)) {
    // The last row of a camera matrix is constant.
    const Tensor direction = at::randn(leaf.sizes(), make_generator(8), leaf.options().requires_grad(false));
    if (leaf.dim() == 3 && leaf.size(1) == 4) direction.select(1, 3).zero_();
    const double expected = (leaf.grad() * direction).sum().item<double>();
    const auto shifted = [&](double amount) {
      const Tensor old = leaf.detach().clone();
      leaf.detach().add_(direction, amount);
      const double value = cotangents.loss(rasterize_reference(scene, options)).item<double>();
      leaf.detach().copy_(old);
      return value;
    };
    const double measured = (shifted(step) - shifted(-step)) / (2 * step);
    EXPECT_NEAR(measured, expected, 1e-5 * std::max(1.0, std::abs(expected)));
  }
}

}  // namespace
}  // namespace gsv3d
