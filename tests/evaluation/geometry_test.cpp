// Distances between surfaces: the reference numbers, and cases that can be worked out.
#include "evaluation/geometry.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "core/error.h"
#include "evaluation/volume.h"
#include "goldens.h"

namespace gsv3d {
namespace {

TEST(GeometryGolden, DistancesChamferAndFScores) {
  GSV3D_GOLDEN_OR_SKIP(path, "metrics/geometry.safetensors");
  const SafetensorsFile file(path);
  const Tensor a = file.tensor("points_A"), b = file.tensor("points_B");
  testing::expect_near(nearest_distances(a, b), file.tensor("dist_A_to_B"), 1e-6, "A to B");
  testing::expect_near(nearest_distances(b, a), file.tensor("dist_B_to_A"), 1e-6, "B to A");
  const Tensor rows = file.tensor("fscore_tau_precision_recall_f").to(at::kDouble);
  std::vector<double> taus;
  for (int64_t i = 0; i < rows.size(0); ++i) taus.push_back(rows[i][0].item<double>());
  const SurfaceScores scores = score_surface(a, b, taus);
  const auto value = [&](const char* name) { return file.tensor(name)[0].item<float>(); };
  EXPECT_NEAR(scores.distance.accuracy, value("mean_A_to_B"), 1e-6);
  EXPECT_NEAR(scores.distance.completeness, value("mean_B_to_A"), 1e-6);
  EXPECT_NEAR(scores.distance.chamfer_sum(), value("chamfer_l1_sum"), 1e-6);
  EXPECT_NEAR(scores.distance.chamfer_mean(), value("chamfer_l1_mean"), 1e-6);
  EXPECT_NEAR(scores.distance.squared_sum, value("chamfer_l2_sum"), 1e-6);
  for (int64_t i = 0; i < rows.size(0); ++i) {
    EXPECT_NEAR(scores.f_scores[i].precision, rows[i][1].item<double>(), 1e-6) << taus[i];
    EXPECT_NEAR(scores.f_scores[i].recall, rows[i][2].item<double>(), 1e-6) << taus[i];
    EXPECT_NEAR(scores.f_scores[i].f, rows[i][3].item<double>(), 1e-6) << taus[i];
  }
}

TriangleSurface golden_surface(const SafetensorsFile& file, const std::string& name) {
  return {file.tensor(name + "/vertices"), file.tensor(name + "/faces").to(at::kLong)};
}

TEST(GeometryGolden, VoxelsAndTheirIntersectionOverUnion) {
  GSV3D_GOLDEN_OR_SKIP(path, "metrics/geometry.safetensors");
  const SafetensorsFile file(path);
  const TriangleSurface a = golden_surface(file, "A"), b = golden_surface(file, "B");
  int compared = 0;
  for (const auto& [name, unused] : file.entries()) {
    if (name.starts_with("occupancy_")) {
      const Tensor expected = file.tensor(name).to(at::kBool);
      const Occupancy found = occupancy(name.ends_with("A") ? a : b, {}, expected.size(0));
      EXPECT_TRUE(at::equal(found.inside, expected)) << name << ": " << found.inside.ne(expected).sum().item<int64_t>();
      EXPECT_EQ(found.undecided, 0) << name;
      ++compared;
    }
    if (name.starts_with("voxel_iou_")) {
      const int64_t resolution = std::stoll(name.substr(std::string("voxel_iou_").size()));
      const Tensor ours = occupancy(a, {}, resolution).inside, theirs = occupancy(b, {}, resolution).inside;
      const double both = ours.logical_and(theirs).sum().item<double>(), either = ours.logical_or(theirs).sum().item<double>();
      EXPECT_NEAR(both / either, file.tensor(name)[0].item<float>(), 1e-6) << name;
      ++compared;
    }
  }
  EXPECT_GE(compared, 2);
  // Another grid, around both: the Monte Carlo estimate (of as many points as its name says), within what 64 voxels resolve.
  for (const auto& [name, unused] : file.entries())
    if (name.starts_with("iou_monte_carlo_")) {
      EXPECT_NEAR(volume_iou(a, b, 64), file.tensor(name)[0].item<float>(), 0.005);
    }
}

/// A closed cube of this side around a centre, twelve triangles.
TriangleSurface cube(float side, std::array<float, 3> centre = {0, 0, 0}) {
  const Tensor corners =
      at::tensor({0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 1, 1, 1, 0, 0, 1, 0, 1, 1, 1, 0, 1, 1, 1}, at::kFloat).view({8, 3});
  const Tensor triangles =
      at::tensor({0, 1, 3, 0, 3, 2, 4, 6, 7, 4, 7, 5, 0, 4, 5, 0, 5, 1, 2, 3, 7, 2, 7, 6, 0, 2, 6, 0, 6, 4, 1, 5, 7, 1, 7, 3},
                 at::kLong)
          .view({12, 3});
  return {(corners - 0.5) * side + at::tensor({centre[0], centre[1], centre[2]}), triangles};
}

TEST(Geometry, EqualSurfacesGetTheIdealScores) {
  const GeometryScores scores = score_geometry(cube(1), cube(1));
  EXPECT_EQ(scores.chamfer, 0);
  EXPECT_EQ(scores.f_score_1, 1);
  EXPECT_EQ(scores.f_score_5, 1);
  EXPECT_NEAR(scores.normal_consistency, 1, 1e-6);
  EXPECT_EQ(scores.volume_iou, 1);
}

TEST(Geometry, ScoresOfAShiftedAndAScaledCubeCanBeWorkedOut) {
  // Shifted by a quarter along x: overlap 3/4 of 5/4.
  const GeometryScores shifted = score_geometry(cube(1, {0.25F, 0, 0}), cube(1));
  EXPECT_NEAR(shifted.volume_iou, 0.6, 0.02);
  EXPECT_LT(shifted.f_score_5, 0.75);  // two sides of six lie too far, of the other four a quarter
  EXPECT_GT(shifted.f_score_5, 0.45);
  // Scaled by 1.1: every side is 0.05 away, the volume 1 of 1.331; so nothing within 0.02, all but the rims within 0.0501.
  const GeometryScores scaled = score_geometry(cube(1.1F), cube(1));
  EXPECT_NEAR(scaled.volume_iou, 1 / 1.331, 0.02);
  EXPECT_EQ(scaled.f_score_2, 0);
  EXPECT_NEAR(scaled.chamfer, 0.05, 0.004);
  EXPECT_GT(scaled.normal_consistency, 0.9);
}

TEST(Geometry, NormalsCountWithoutTheirSign) {
  const SurfacePoints points{at::rand({50, 3}, make_generator(2)), at::tensor({0.F, 0.F, 1.F}).expand({50, 3})};
  const float angle = std::numbers::pi_v<float> / 3;
  const SurfacePoints turned{points.points, at::tensor({std::sin(angle), 0.F, -std::cos(angle)}).expand({50, 3})};
  EXPECT_NEAR(normal_consistency(points, turned), 0.5, 1e-6);  // 120 degrees count as 60
  EXPECT_NEAR(normal_consistency(points, points), 1, 1e-6);
}

TEST(Geometry, OpenSurfacesHaveNoVolume) {
  TriangleSurface open = cube(1);
  open.triangles = open.triangles.slice(0, 4);  // two sides are missing
  EXPECT_GT(occupancy(open, {}, 32).undecided, 0.05);
  EXPECT_TRUE(std::isnan(volume_iou(open, cube(1), 32)));
}

TEST(Geometry, EqualPointsAndDoublesAreAtDistanceZero) {
  const Tensor points = at::rand({500, 3}, make_generator(3), at::kFloat).round() * 0.25;  // many equal coordinates
  EXPECT_EQ(nearest_distances(points, points).max().item<double>(), 0);
  const SurfaceScores scores = score_surface(points, points + 10, {1});
  EXPECT_EQ(scores.f_scores[0].f, 0);
}

TEST(Geometry, SamplesLieOnTheTrianglesByArea) {
  // A triangle of area 0.5 in the plane z = 0 and one of area 1.5 in z = 1.
  const Tensor vertices =
      at::tensor({0., 0., 0., 1., 0., 0., 0., 1., 0., 0., 0., 1., 3., 0., 1., 0., 1., 1.}, at::kFloat).view({6, 3});
  const Tensor triangles = at::arange(6, at::kLong).view({2, 3});
  const Tensor points = sample_triangles(vertices, triangles, 20000, make_generator(1));
  const Tensor upper = points.select(1, 2) > 0.5;
  EXPECT_NEAR(upper.to(at::kDouble).mean().item<double>(), 0.75, 0.01);
  const Tensor low = points.index({upper.logical_not()});
  EXPECT_LE((low.select(1, 0) + low.select(1, 1)).max().item<float>(), 1.00001F);
  EXPECT_NEAR(low.select(1, 0).mean().item<double>(), 1.0 / 3, 0.01);  // the centroid
  EXPECT_THROW(sample_triangles(vertices.zero_(), triangles, 10, make_generator(1)), Error);
}

TEST(Geometry, WrongInputIsNamed) {
  const Tensor points = at::zeros({2, 3});
  EXPECT_THROW(nearest_distances(points, at::zeros({0, 3})), Error);
  EXPECT_THROW(nearest_distances(at::full({1, 3}, NAN), points), Error);
  EXPECT_THROW(nearest_distances(at::zeros({2, 2}), points), Error);
}

}  // namespace
}  // namespace gsv3d
