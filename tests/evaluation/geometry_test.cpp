// Distances between surfaces: the reference numbers, and cases that can be worked out.
#include "evaluation/geometry.h"

#include <gtest/gtest.h>

#include "core/error.h"
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
