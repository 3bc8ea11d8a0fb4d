// The visual hull: against plain loops in float64, against differences, and on a ball whose hull is known.
#include "decoder/visual_hull.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "core/error.h"
#include "goldens.h"

namespace gsv3d {
namespace {

using testing::expect_near;

VisualHullConfig small_config() {
  VisualHullConfig config;
  config.grid = 7, config.samples = 9, config.dissent = 0.2;
  return config;
}

/// Bilinear value of image [h, w] at pixel coordinates whose centres lie at 0.5; zero outside.
double bilinear(const at::TensorAccessor<double, 2>& image, double x, double y) {
  const auto column = static_cast<int64_t>(std::floor(x - 0.5)), row = static_cast<int64_t>(std::floor(y - 0.5));
  double sum = 0;
  for (int64_t i = row; i <= row + 1; ++i)
    for (int64_t j = column; j <= column + 1; ++j)
      if (i >= 0 && i < image.size(0) && j >= 0 && j < image.size(1))
        sum += image[i][j] * (1 - std::abs(x - 0.5 - double(j))) * (1 - std::abs(y - 0.5 - double(i)));
  return sum;
}

/// One item's occupancy by loops. silhouettes [N, h, w] float64.
Tensor occupancy_by_loops(const VisualHullConfig& config, const Tensor& silhouettes, const Cameras& cameras) {
  const int64_t side = config.grid, views = silhouettes.size(0);
  const Tensor pose = cameras.world_to_camera.to(at::kDouble), intrinsics = cameras.intrinsics.to(at::kDouble);
  const auto p = pose.accessor<double, 3>(), k = intrinsics.accessor<double, 3>(), s = silhouettes.accessor<double, 3>();
  Tensor result = at::zeros({side, side, side}, at::kDouble);
  auto out = result.accessor<double, 3>();
  const auto place = [&](int64_t i) { return config.half_side * (2.0 * double(i) / double(side - 1) - 1); };
  for (int64_t z = 0; z < side; ++z)
    for (int64_t y = 0; y < side; ++y)
      for (int64_t x = 0; x < side; ++x) {
        std::vector<double> seen;
        for (int64_t v = 0; v < views; ++v) {
          std::array<double, 3> c{};
          for (int64_t r = 0; r < 3; ++r)
            c[size_t(r)] = p[v][r][0] * place(x) + p[v][r][1] * place(y) + p[v][r][2] * place(z) + p[v][r][3];
          const double u = (k[v][0][0] * c[0] / c[2] + k[v][0][2]) * double(silhouettes.size(2)) / double(cameras.width);
          const double w = (k[v][1][1] * c[1] / c[2] + k[v][1][2]) * double(silhouettes.size(1)) / double(cameras.height);
          seen.push_back(bilinear(s[v], u, w));
        }
        std::sort(seen.begin(), seen.end());
        out[z][y][x] = views == 1 ? seen[0] : (1 - config.dissent) * seen[0] + config.dissent * seen[1];
      }
  return result;
}

double trilinear(const at::TensorAccessor<double, 3>& volume, const std::array<double, 3>& cell) {
  double sum = 0;
  std::array<int64_t, 3> low{};
  for (size_t a = 0; a < 3; ++a) low[a] = static_cast<int64_t>(std::floor(cell[a]));
  for (int64_t dz = 0; dz < 2; ++dz)
    for (int64_t dy = 0; dy < 2; ++dy)
      for (int64_t dx = 0; dx < 2; ++dx) {
        const int64_t x = low[0] + dx, y = low[1] + dy, z = low[2] + dz, side = volume.size(0);
        if (std::min({x, y, z}) < 0 || std::max({x, y, z}) >= side) continue;
        sum += volume[z][y][x] * (1 - std::abs(cell[0] - double(x))) * (1 - std::abs(cell[1] - double(y))) *
               (1 - std::abs(cell[2] - double(z)));
      }
  return sum;
}

/// One item's distance and hit, stacked [2, N, H, W], by front-to-back blending.
Tensor surface_by_loops(const VisualHullConfig& config, const Tensor& occupancy, const Cameras& cameras, int64_t height,
                        int64_t width) {
  const Rays rays = camera_rays(cameras, height, width);
  const Tensor origins = rays.origins.to(at::kDouble), directions = rays.directions.to(at::kDouble);
  const auto o = origins.accessor<double, 2>();
  const auto d = directions.accessor<double, 4>();
  const auto volume = occupancy.accessor<double, 3>();
  Tensor result = at::zeros({2, cameras.count(), height, width}, at::kDouble);
  auto out = result.accessor<double, 4>();
  const double step = (config.far - config.near) / double(config.samples);
  const double zero = 1 / (1 + std::exp(config.sharpness * config.threshold));
  for (int64_t v = 0; v < cameras.count(); ++v)
    for (int64_t i = 0; i < height; ++i)
      for (int64_t j = 0; j < width; ++j) {
        double left = 1, sum = 0;
        for (int64_t k = 0; k < config.samples; ++k) {
          const double t = config.near + (double(k) + 0.5) * step;
          std::array<double, 3> cell{};
          for (int64_t a = 0; a < 3; ++a)
            cell[size_t(a)] = ((o[v][a] + t * d[v][a][i][j]) / config.half_side + 1) / 2 * double(config.grid - 1);
          const double sigmoid = 1 / (1 + std::exp(-config.sharpness * (trilinear(volume, cell) - config.threshold)));
          const double opacity = (sigmoid - zero) / (1 - zero);  // nothing where there is nothing
          sum += left * opacity * t;
          left *= 1 - opacity;
        }
        out[0][v][i][j] = (sum + 0.01 * (config.near + config.far) / 2) / (1 - left + 0.01);
        out[1][v][i][j] = 1 - left;
      }
  return result;
}

struct Scene {
  Tensor silhouettes;
  std::vector<Cameras> items;
  Cameras all;
};

/// Two items on different orbits with random silhouettes [2, N, 6, 5] of half transparent blobs.
Scene random_scene(int64_t views) {
  Scene scene;
  const auto generator = make_generator(5);
  scene.silhouettes = at::sigmoid(2 * randn({2, views, 6, 5}, generator).to(at::kDouble) + 1);
  scene.items = {orbit_cameras(views, 10, 32), rotate_azimuth(orbit_cameras(views, 25, 32), 17)};
  scene.all = concatenate(scene.items);
  return scene;
}

TEST(VisualHull, EqualsPlainLoopsForAnyNumberOfViews) {
  const VisualHullConfig config = small_config();
  for (const int64_t views : {1, 2, 7, 21}) {
    const Scene scene = random_scene(views);
    const Tensor occupancy = hull_occupancy(config, scene.silhouettes, scene.all);
    const HullSurface surface = visual_hull(config, scene.silhouettes, scene.all, 3, 4);
    for (int64_t i = 0; i < 2; ++i) {
      const Cameras& cameras = scene.items[size_t(i)];
      const Tensor expected = occupancy_by_loops(config, scene.silhouettes[i], cameras);
      expect_near(occupancy[i], expected, 1e-12, fmt::format("occupancy, {} views", views));
      const Tensor marched = surface_by_loops(config, expected, cameras, 3, 4);
      expect_near(surface.distance[i], marched[0], 1e-11, fmt::format("distance, {} views", views));
      expect_near(surface.hit[i], marched[1], 1e-11, fmt::format("hit, {} views", views));
    }
  }
}

TEST(VisualHull, GradientsAgreeWithDifferences) {
  const VisualHullConfig config = small_config();
  for (const int64_t views : {1, 7}) {
    Scene scene = random_scene(views);
    const auto generator = make_generator(8);
    const Tensor weights = randn({2, 2, views, 3, 4}, generator).to(at::kDouble);
    const auto loss = [&](const Tensor& silhouettes) {
      const HullSurface surface = visual_hull(config, silhouettes, scene.all, 3, 4);
      return (at::stack({surface.distance, surface.hit}) * weights).sum();
    };
    const Tensor silhouettes = scene.silhouettes.clone().requires_grad_(true);
    loss(silhouettes).backward();
    for (int64_t trial = 0; trial < 4; ++trial) {
      const Tensor direction = randn(silhouettes.sizes(), generator).to(at::kDouble);
      const double step = 1e-7, expected = (silhouettes.grad() * direction).sum().item<double>();
      const double difference =
          (loss(scene.silhouettes + step * direction) - loss(scene.silhouettes - step * direction)).item<double>() / (2 * step);
      // Rounding 1e-16 · |loss| / 1e-7; the minimum has no kink at random numbers.
      EXPECT_NEAR(difference, expected, 1e-5 * std::abs(expected) + 1e-6) << views << " views";
    }
  }
}

/// Where rays meet a ball around the origin: [N, size, size] distance, 0 where they miss.
Tensor ball_distances(const Cameras& cameras, int64_t size, double radius) {
  const Rays rays = camera_rays(cameras, size, size);
  const Tensor o = rays.origins.view({-1, 3, 1, 1});
  const Tensor b = (o * rays.directions).sum(1), root = b * b - ((o * o).sum(1) - radius * radius);
  return at::where(root > 0, -b - root.clamp_min(0).sqrt(), at::zeros_like(b));
}

TEST(VisualHull, OfABallIsTheBall) {
  const Cameras cameras = orbit_cameras(21, 20, 64);
  const Tensor distances = ball_distances(cameras, 64, 0.4), silhouettes = (distances > 0).to(at::kFloat).unsqueeze(0);
  const HullSurface surface = visual_hull({}, silhouettes, cameras, 64, 64);
  // Pixels well inside; an orbit sees the ball from its sides, so the hull has caps where no camera looks along the surface.
  const Tensor inner = (ball_distances(cameras, 64, 0.3) > 0);
  const Tensor error = (surface.distance[0] - distances).masked_select(inner);
  printf("hull of a ball: mean error %.4f, largest %.4f\n", error.mean().item<double>(), error.abs().max().item<double>());
  EXPECT_LT(error.abs().mean().item<double>(), 0.02) << "samples are 0.023 apart";
  EXPECT_LT(error.abs().max().item<double>(), 0.08);
  EXPECT_GT(surface.hit[0].masked_select(inner).min().item<double>(), 0.99);
  const Tensor outside = ball_distances(cameras, 64, 0.45) == 0;
  EXPECT_LT(surface.hit[0].masked_select(outside).max().item<double>(), 0.01);
  EXPECT_LT((surface.distance[0].masked_select(outside) - 2).abs().max().item<double>(), 0.05);
}

TEST(VisualHull, EmptyAndFullViewsGiveExactNumbers) {
  const VisualHullConfig config;
  const Cameras cameras = orbit_cameras(7, 10, 32);
  const HullSurface empty = visual_hull(config, at::zeros({1, 7, 32, 32}), cameras, 8, 8);
  EXPECT_EQ(empty.hit.abs().max().item<double>(), 0);
  EXPECT_NEAR((empty.distance - 2).abs().max().item<double>(), 0, 2e-5) << "sums of 56 float32 numbers over 0.01";
  // Everything full: the ray through the middle meets the lattice's cube where it begins, half a side before the centre.
  const HullSurface full = visual_hull(config, at::ones({1, 7, 32, 32}), cameras.slice(0, 7), 9, 9);
  EXPECT_NEAR(full.hit[0][0][4][4].item<double>(), 1, 1e-5);
  EXPECT_NEAR(full.distance[0][0][4][4].item<double>(), 2 - 0.56 / std::cos(10 * M_PI / 180), 0.03);
}

TEST(VisualHull, OneDissentingViewCarvesAsMuchAsDissentSays) {
  Tensor silhouettes = at::ones({1, 7, 32, 32});
  silhouettes.select(1, 3).zero_();
  VisualHullConfig config;
  config.grid = 9;
  for (const double dissent : {0.0, 0.3, 1.0}) {
    config.dissent = dissent;
    const Tensor occupancy = hull_occupancy(config, silhouettes, orbit_cameras(7, 10, 32));
    EXPECT_NEAR(occupancy[0][4][4][4].item<double>(), dissent, 1e-6);
  }
}

TEST(VisualHull, SaysWhatIsWrong) {
  EXPECT_THROW(hull_occupancy({}, at::ones({1, 3, 8, 8}), orbit_cameras(2, 10, 8)), Error);
  for (const auto& change : std::vector<std::function<void(VisualHullConfig&)>>{
           [](auto& c) { c.grid = 1; }, [](auto& c) { c.near = 3; }, [](auto& c) { c.dissent = 2; },
           [](auto& c) { c.silhouettes = "guess"; }}) {
    VisualHullConfig config;
    change(config);
    EXPECT_THROW(check_visual_hull(config), Error);
  }
}

}  // namespace
}  // namespace gsv3d
