#include "evaluation/geometry.h"

#include <ATen/Parallel.h>

#include <limits>
#include <numeric>

#include "core/error.h"
#include "evaluation/volume.h"

namespace gsv3d {
namespace {

using Point = std::array<float, 3>;

void check_points(const Tensor& points, const char* name) {
  require(points.dim() == 2 && points.size(1) == 3 && points.scalar_type() == at::kFloat && points.device().is_cpu(),
          "surface distance: {} must be float32 [N, 3] on the CPU", name);
  require(points.size(0) > 0, "surface distance: {} has no points", name);
  require(at::isfinite(points).all().item<bool>(), "surface distance: {} has a coordinate that is not finite", name);
}

/// Points sorted so that the middle of every range splits it along the range's longest side.
class KdTree {
 public:
  explicit KdTree(const Tensor& points) : nodes_(points.size(0)) {
    const float* values = points.const_data_ptr<float>();
    for (size_t i = 0; i < nodes_.size(); ++i)
      nodes_[i] = {{values[3 * i], values[3 * i + 1], values[3 * i + 2]}, 0, static_cast<uint32_t>(i)};
    build(0, nodes_.size());
  }

  struct Nearest {
    float square = std::numeric_limits<float>::infinity();
    uint32_t row = 0;
  };
  Nearest nearest(const Point& point) const {
    Nearest best;
    search(0, nodes_.size(), point, best);
    return best;
  }

 private:
  struct Node {
    Point point;
    uint32_t axis, row;
  };

  static constexpr size_t leaf = 8;  ///< so many points are compared one after the other

  static void compare(const Node& node, const Point& point, Nearest& best) {
    float square = 0;
    for (int k = 0; k < 3; ++k) square += (node.point[k] - point[k]) * (node.point[k] - point[k]);
    if (square < best.square) best = {square, node.row};
  }

  void build(size_t begin, size_t end) {
    if (end - begin <= leaf) return;
    Point low = nodes_[begin].point, high = low;
    for (size_t i = begin; i < end; ++i)
      for (int k = 0; k < 3; ++k) low[k] = std::min(low[k], nodes_[i].point[k]), high[k] = std::max(high[k], nodes_[i].point[k]);
    uint32_t axis = 0;
    for (uint32_t k = 1; k < 3; ++k)
      if (high[k] - low[k] > high[axis] - low[axis]) axis = k;
    const size_t middle = begin + (end - begin) / 2;
    const auto at = [&](size_t i) { return nodes_.begin() + static_cast<ptrdiff_t>(i); };
    std::nth_element(at(begin), at(middle), at(end),
                     [axis](const Node& a, const Node& b) { return a.point[axis] < b.point[axis]; });
    nodes_[middle].axis = axis;
    build(begin, middle);
    build(middle + 1, end);
  }

  void search(size_t begin, size_t end, const Point& point, Nearest& best) const {
    if (end - begin <= leaf) {
      for (size_t i = begin; i < end; ++i) compare(nodes_[i], point, best);
      return;
    }
    const size_t middle = begin + (end - begin) / 2;
    const Node& here = nodes_[middle];
    compare(here, point, best);
    const float offset = point[here.axis] - here.point[here.axis];
    const bool left = offset < 0;
    search(left ? begin : middle + 1, left ? middle : end, point, best);
    if (offset * offset < best.square) search(left ? middle + 1 : begin, left ? end : middle, point, best);
  }

  std::vector<Node> nodes_;
};

}  // namespace

Neighbours nearest_neighbours(const Tensor& points, const Tensor& targets) {
  check_points(points, "points");
  check_points(targets, "targets");
  const Tensor from = points.contiguous();
  const KdTree tree(targets.contiguous());
  const Neighbours result{at::empty({from.size(0)}, at::kDouble), at::empty({from.size(0)}, at::kLong)};
  at::parallel_for(0, from.size(0), 256, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const float* p = from.data_ptr<float>() + 3 * i;
      const auto [square, row] = tree.nearest({p[0], p[1], p[2]});
      result.distances.data_ptr<double>()[i] = std::sqrt(static_cast<double>(square));
      result.indices.data_ptr<int64_t>()[i] = row;
    }
  });
  return result;
}

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
