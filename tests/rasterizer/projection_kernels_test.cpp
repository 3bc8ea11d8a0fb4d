// The projection's vector kernels in every instruction set of this processor beside the functions of rasterizer/math/, one
// Gaussian at a time: the latter are what the CUDA kernels run.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "rasterizer/cpu/projection.h"
#include "rasterizer/cpu/view.h"
#include "rasterizer/math/projection.h"
#include "rasterizer/math/projection_gradient.h"

namespace gsv3d::splat_cpu {
namespace {

constexpr VectorTarget kTargets[] = {VectorTarget::kPortable, VectorTarget::kAvx2, VectorTarget::kAvx512};
constexpr int kGaussians = 2 * kGaussianChunk + 37, kViews = 3;  // ragged: no vector width divides 37
constexpr float kNear = 0.5f, kFar = 30;

/// Two scenes of Gaussians around the origin, seen by cameras whose 3×3 block is no rotation: some Gaussians behind the camera,
/// some beyond the limited slopes, three fifths flat. (Antialiasing divides by the determinant before the blur, of which float32
/// leaves little when they are as thin as without it.)
struct Scene {
  std::vector<float> means, quats, scales, opacities, colors;
  std::vector<View> views;
  SceneRange scenes[2] = {{0, 100, 0, 1, 0}, {100, kGaussians, 1, kViews, 100}};
  int sh_count;
  bool antialiased;

  Scene(int count, bool with_antialiasing) : sh_count(count), antialiased(with_antialiasing) {
    std::mt19937 random(5);
    const auto draw = [&](float low, float high) { return std::uniform_real_distribution<float>(low, high)(random); };
    for (int i = 0; i < kGaussians; ++i) {
      for (int k = 0; k < 3; ++k)
        means.push_back(draw(-1.6f, 1.6f)), scales.push_back(i % 5 == k ? (antialiased ? 0.01f : 1e-4f) : draw(0.005f, 0.15f));
      for (int k = 0; k < 4; ++k) quats.push_back(draw(-1, 1));
      opacities.push_back(i % 11 == 0 ? 0.002f : draw(0.01f, 1));
      for (int k = 0; k < 3 * std::max(sh_count, 1); ++k) colors.push_back(draw(-0.7f, 0.7f));
    }
    for (int v = 0; v < kViews; ++v) {
      const float c = std::cos(0.7f * v), s = std::sin(0.7f * v);
      const float matrix[16] = {c, 0.1f, s, 0.05f, 0, 1.02f, 0.03f, -0.1f, -s, 0.02f, c, 2, 0, 0, 0, 1};
      const float intrinsics[9] = {90, 0, 30.25f, 0, 95, 21, 0, 0, 1};
      views.push_back(make_view(matrix, intrinsics, v));
    }
  }
  ProjectionParameters parameters(VectorTarget target) const {
    return {.gaussians = {means.data(), quats.data(), scales.data(), opacities.data(), colors.data(), sh_count},
            .scenes = scenes,
            .scene_count = 2,
            .views = views.data(),
            .grid = Grid(64, 41),
            .antialiased = antialiased,
            .threads = 1,
            .target = target};
  }
  int splats() const { return 100 + (kViews - 1) * (kGaussians - 100); }
  /// visit(splat, gaussian, view) in the order of the splats.
  template <class Visit>
  void for_each(const Visit& visit) const {
    for (const auto& scene : scenes)
      for (auto v = scene.view_begin; v < scene.view_end; ++v)
        for (auto g = scene.gaussian_begin; g < scene.gaussian_end; ++g)
          visit(scene.splat_begin + (v - scene.view_begin) * scene.gaussians() + g - scene.gaussian_begin, g, v);
  }
};

/// Every splat by the plain functions; culled: zero.
std::vector<Splat> plain_splats(const Scene& scene) {
  std::vector<Splat> splats(scene.splats(), Splat{});
  const splat_math::DrawRules rules = {Grid(64, 41), kNear, kFar, scene.antialiased};
  scene.for_each([&](int64_t i, int64_t g, int64_t v) {
    const auto shape = splat_math::shape_terms(&scene.quats[4 * g], &scene.scales[3 * g]);
    splat_math::ProjectionTerms terms;
    Splat splat = {};
    if (!splat_math::project_one(rules, scene.views[v], &scene.means[3 * g], shape.covariance, scene.opacities[g], splat, terms))
      return;
    const int color_floats = 3 * std::max(scene.sh_count, 1);
    splat_math::splat_color(scene.views[v], &scene.means[3 * g], &scene.colors[color_floats * g], scene.sh_count, &splat.red);
    splats[i] = splat;
  });
  return splats;
}

/// The floats of both up to rounding; `condition`: by how much the inverse of the covariance magnifies it.
void expect_same(const Splat& actual, const Splat& expected, double condition) {
  const float* a = &actual.x;
  const float* e = &expected.x;
  const double conic = std::max({expected.a, expected.c, 1e-3f});
  for (int k = 0; k < splat_math::kSplatFloats; ++k) {
    const bool of_conic = k >= 2 && k < 5, of_extent = k >= 10;
    // An extent is the square root of a logarithm that may be near 0.
    const double steep = 1 + 1 / std::log(255.001 * expected.opacity);
    const double scale = of_conic ? conic * condition : of_extent ? (1 + e[k]) * condition * steep : k < 2 ? 64 : condition;
    EXPECT_NEAR(a[k], e[k], 2e-6 * scale) << "float " << k << ", condition " << condition;
  }
  const double lean = -expected.b / expected.a, fall = -expected.b / expected.c;
  EXPECT_NEAR(actual.lean, lean, 1e-5 * condition * (1 + std::abs(lean)));
  EXPECT_NEAR(actual.fall, fall, 1e-5 * condition * (1 + std::abs(fall)));
  const double thickness = std::sqrt(std::max(0.0, 1 - lean * fall));
  EXPECT_NEAR(actual.half_width, (expected.extent_x * 1.0001 + 0.01) * thickness, 1e-2 + 1e-3 * actual.half_width);
  EXPECT_NEAR(actual.contour, std::log2(255 * expected.opacity), 0.06);
}

TEST(ProjectionKernels, SplatsAreThoseOfThePlainFunctions) {
  for (const int sh_count : {0, 1, 4, 9, 16}) {
    const Scene scene(sh_count, sh_count % 2 == 1);
    const auto expected = plain_splats(scene);
    for (const auto target : kTargets) {
      std::vector<Splat> splats(scene.splats());
      project_forward(scene.parameters(target), kNear, kFar, splats.data());
      int drawn = 0;
      for (int i = 0; i < scene.splats(); ++i) {
        ASSERT_EQ(splats[i].extent_x > 0, expected[i].extent_x > 0) << i;
        if (expected[i].extent_x == 0) continue;
        const auto& e = expected[i];
        ASSERT_EQ(splats[i].depth, e.depth) << "the order of splats may not depend on the instruction set";
        expect_same(splats[i], e, 1 + e.a * e.c / (double{e.a} * e.c - double{e.b} * e.b));
        ++drawn;
      }
      EXPECT_GT(drawn, scene.splats() / 4);
      EXPECT_LT(drawn, scene.splats() * 9 / 10);
    }
  }
}

struct Gradients {
  std::vector<float> means, quats, scales, opacities, colors, cameras;
  explicit Gradients(const Scene& s)
      : means(s.means.size(), 7),
        quats(s.quats.size(), 7),
        scales(s.scales.size(), 7),
        opacities(s.opacities.size(), 7),
        colors(s.colors.size(), 7),
        cameras(16 * kViews, 0) {}
  std::vector<std::pair<const char*, const std::vector<float>*>> all() const {
    return {{"means", &means},         {"quats", &quats},   {"scales", &scales},
            {"opacities", &opacities}, {"colors", &colors}, {"cameras", &cameras}};
  }
};

/// The slots' moments of every splat that is drawn, up to three slots for each.
struct Slots {
  std::vector<int32_t> first = {0};
  std::vector<SplatMoments> moments;
  explicit Slots(const std::vector<Splat>& splats) {
    std::mt19937 random(6);
    std::normal_distribution<float> normal;
    for (const auto& splat : splats) {
      for (int slots = splat.extent_x > 0 ? static_cast<int>(random() % 4) : 0; slots > 0; --slots) {
        SplatMoments m = {};
        if (random() % 4 > 0)
          for (int k = 0; k < kMomentFloats; ++k) (&m.red)[k] = normal(random);
        moments.push_back(m);
      }
      first.push_back(static_cast<int32_t>(moments.size()));
    }
  }
};

Gradients plain_gradients(const Scene& scene, const std::vector<Splat>& splats, const Slots& slots) {
  Gradients out(scene);
  const int color_floats = 3 * std::max(scene.sh_count, 1);
  std::fill(out.colors.begin(), out.colors.end(), 0.0f);
  std::vector<splat_math::GaussianGradient> sums(kGaussians);
  std::vector<splat_math::ViewGradient<double>> cameras(kViews);
  scene.for_each([&](int64_t i, int64_t g, int64_t v) {
    SplatMoments sum = {};
    for (int s = slots.first[i]; s < slots.first[i + 1]; ++s)
      for (int k = 0; k < kMomentFloats; ++k) (&sum.red)[k] += (&slots.moments[s].red)[k];
    if (splat_math::is_zero(sum)) return;
    const splat_math::GaussianInput gaussian = {&scene.means[3 * g], &scene.colors[color_floats * g], scene.sh_count,
                                                scene.opacities[g]};
    splat_math::view_backward(Grid(64, 41), scene.antialiased, scene.views[v], gaussian,
                              splat_math::shape_terms(&scene.quats[4 * g], &scene.scales[3 * g]), splats[i], sum,
                              &out.colors[color_floats * g], sums[g], &cameras[v]);
  });
  for (int g = 0; g < kGaussians; ++g) {
    std::copy(sums[g].mean, sums[g].mean + 3, &out.means[3 * g]);
    out.opacities[g] = sums[g].opacity;
    splat_math::covariance_backward(splat_math::shape_terms(&scene.quats[4 * g], &scene.scales[3 * g]), &scene.scales[3 * g],
                                    sums[g].covariance, &out.scales[3 * g], &out.quats[4 * g]);
  }
  for (int v = 0; v < kViews; ++v)
    for (int i = 0; i < 3; ++i) {
      for (int j = 0; j < 3; ++j) out.cameras[16 * v + 4 * i + j] = static_cast<float>(cameras[v].rotation[3 * i + j]);
      out.cameras[16 * v + 4 * i + 3] = static_cast<float>(cameras[v].translation[i]);
    }
  return out;
}

Gradients gradients(const ProjectionParameters& parameters, const Scene& scene, const Slots& slots, bool with_cameras) {
  Gradients out(scene);
  std::vector<double> scratch(project_backward_scratch(parameters), std::numeric_limits<double>::quiet_NaN());
  project_backward(parameters, slots.first.data(), slots.moments.data(),
                   {out.means.data(), out.quats.data(), out.scales.data(), out.opacities.data(), out.colors.data(),
                    with_cameras ? out.cameras.data() : nullptr, with_cameras ? scratch.data() : nullptr});
  return out;
}

TEST(ProjectionKernels, GradientsAreThoseOfThePlainFunctions) {
  for (const int sh_count : {0, 1, 4, 9, 16}) {
    for (const bool antialiased : {false, true}) {
      const Scene scene(sh_count, antialiased);
      const auto splats = plain_splats(scene);
      const Slots slots(splats);
      const auto expected = plain_gradients(scene, splats, slots);
      for (const auto target : kTargets) {
        const auto actual = gradients(scene.parameters(target), scene, slots, true);
        for (size_t k = 0; k < actual.all().size(); ++k) {
          const auto [name, a] = actual.all()[k];
          const auto& e = *expected.all()[k].second;
          double difference = 0, norm = 0;
          for (size_t i = 0; i < e.size(); ++i) {
            // Each beside itself and the typical one: sums over views cancel.
            difference += std::pow(double{(*a)[i]} - e[i], 2), norm += std::pow(e[i], 2);
          }
          EXPECT_GT(norm, 0) << name;
          EXPECT_LE(std::sqrt(difference / norm), 1e-5) << name << ", " << sh_count << " coefficients, antialiased "
                                                        << antialiased << ", target " << static_cast<int>(target);
        }
        const auto without = gradients(scene.parameters(target), scene, slots, false);
        EXPECT_EQ(without.means, actual.means);
        EXPECT_EQ(without.colors, actual.colors);
      }
    }
  }
}

TEST(ProjectionKernels, WhatIsNotANumberCullsOnlyItsOwnGaussian) {
  const Scene sound(4, true);
  Scene scene(4, true);
  const float nan = std::numeric_limits<float>::quiet_NaN(), infinite = std::numeric_limits<float>::infinity();
  scene.means[3 * 101] = nan, scene.means[3 * 113 + 2] = infinite, scene.quats[4 * 125] = nan, scene.scales[3 * 137] = infinite;
  scene.scales[3 * 149] = nan, scene.opacities[161] = nan, scene.quats[4 * 173] = infinite;
  const int bad[] = {101, 113, 125, 137, 149, 161, 173};
  for (const auto target : kTargets) {
    std::vector<Splat> splats(scene.splats()), without(scene.splats());
    project_forward(scene.parameters(target), kNear, kFar, splats.data());
    project_forward(sound.parameters(target), kNear, kFar, without.data());
    const Slots slots(splats);
    const auto actual = gradients(scene.parameters(target), scene, slots, true);
    const auto same = gradients(sound.parameters(target), sound, slots, true);
    scene.for_each([&](int64_t i, int64_t g, int64_t) {
      const bool is_bad = std::count(std::begin(bad), std::end(bad), g) > 0;
      if (is_bad) {
        EXPECT_EQ(splats[i].extent_x, 0) << g;
      } else {
        EXPECT_EQ(std::memcmp(&splats[i], &without[i], sizeof(Splat)), 0) << g;
      }
    });
    // What the bad ones get is zero, the others' and the cameras' do not notice them.
    for (size_t k = 0; k < actual.all().size(); ++k)
      EXPECT_EQ(*actual.all()[k].second, *same.all()[k].second) << actual.all()[k].first;
    for (const int g : bad)
      for (int k = 0; k < 4; ++k) EXPECT_EQ(actual.quats[4 * g + k], 0) << g;
  }
}

}  // namespace
}  // namespace gsv3d::splat_cpu
