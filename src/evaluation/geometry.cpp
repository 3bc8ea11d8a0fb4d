#include "evaluation/geometry.h"

#include <numeric>

#include "core/error.h"
#include "evaluation/volume.h"

namespace gsv3d {
Tensor nearest_distances(const Tensor& points, const Tensor& targets) {
  return nearest_neighbours(points, targets).distances;
}

namespace {

SurfaceScores scores_of_distances(const Tensor& there, const Tensor& back, const double* taus, size_t count) {
  const auto mean = [](const Tensor& values) { return values.to(at::kDouble).mean().item<double>(); };
  SurfaceScores scores;
  scores.distance = {mean(there), mean(back), mean(there.square()) + mean(back.square())};
  for (const double* tau = taus; tau != taus + count; ++tau) {
    FScore score{mean(there < *tau), mean(back < *tau), 0};
    const double sum = score.precision + score.recall;
    score.f = sum > 0 ? 2 * score.precision * score.recall / sum : 0;
    scores.f_scores.push_back(score);
  }
  return scores;
}

double mean_cosine(const Tensor& normals, const Tensor& others, const Tensor& indices) {
  return (normals * others.index_select(0, indices)).sum(1).abs().mean().item<double>();
}

}  // namespace

SurfaceScores score_surface(const Tensor& points, const Tensor& truth, const std::vector<double>& taus) {
  return scores_of_distances(nearest_distances(points, truth), nearest_distances(truth, points), taus.data(), taus.size());
}

SurfacePoints sample_surface(const TriangleSurface& surface, int64_t count, const at::Generator& generator) {
  const auto corner = [&](int64_t i) { return surface.vertices.index_select(0, surface.triangles.select(1, i)).to(at::kDouble); };
  const Tensor a = corner(0), ab = corner(1) - a, ac = corner(2) - a, area = at::linalg_cross(ab, ac);
  const Tensor doubled = area.norm(2, 1), ends = doubled.cumsum(0);
  require(ends.numel() > 0 && ends[-1].item<double>() > 0, "surface samples: the triangles have no area");
  const auto uniform = [&] { return at::rand({count}, generator, at::kDouble); };
  const Tensor chosen = at::searchsorted(ends, uniform() * ends[-1]).clamp_max(ends.numel() - 1);
  const Tensor root = uniform().sqrt().unsqueeze(1), share = uniform().unsqueeze(1);
  const auto pick = [&](const Tensor& rows) { return rows.index_select(0, chosen); };
  const Tensor normals = pick(area / doubled.clamp_min(1e-300).unsqueeze(1));
  return {(pick(a) + root * (1 - share) * pick(ab) + root * share * pick(ac)).to(at::kFloat), normals.to(at::kFloat)};
}

Tensor sample_triangles(const Tensor& vertices, const Tensor& triangles, int64_t count, const at::Generator& generator) {
  return sample_surface({vertices, triangles}, count, generator).points;
}

double normal_consistency(const SurfacePoints& surface, const SurfacePoints& truth) {
  const Tensor there = nearest_neighbours(surface.points, truth.points).indices,
               back = nearest_neighbours(truth.points, surface.points).indices;
  return 0.5 * (mean_cosine(surface.normals, truth.normals, there) + mean_cosine(truth.normals, surface.normals, back));
}

GeometryScores score_points(const TriangleSurface& surface, const TriangleSurface& truth, int64_t points) {
  constexpr uint64_t seed = 1;
  const SurfacePoints ours = sample_surface(surface, points, make_generator(seed)),
                      theirs = sample_surface(truth, points, make_generator(seed));
  const Neighbours there = nearest_neighbours(ours.points, theirs.points), back = nearest_neighbours(theirs.points, ours.points);
  const SurfaceScores scores = scores_of_distances(there.distances, back.distances, f_score_taus.data(), f_score_taus.size());
  const double consistency =
      0.5 * (mean_cosine(ours.normals, theirs.normals, there.indices) + mean_cosine(theirs.normals, ours.normals, back.indices));
  return {scores.distance.chamfer_mean(), scores.f_scores[0].f, scores.f_scores[1].f,
          scores.f_scores[2].f,           consistency,          std::numeric_limits<double>::quiet_NaN()};
}

GeometryScores score_geometry(const TriangleSurface& surface, const TriangleSurface& truth, int64_t points) {
  constexpr int64_t resolution = 64;
  GeometryScores scores = score_points(surface, truth, points);
  scores.volume_iou = volume_iou(surface, truth, resolution);
  return scores;
}

}  // namespace gsv3d
