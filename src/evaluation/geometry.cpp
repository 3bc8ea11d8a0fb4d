#include "evaluation/geometry.h"

#include <ATen/Parallel.h>

#include <numeric>

#include "core/error.h"

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
  explicit KdTree(const Tensor& points) : points_(points.size(0)), axes_(points.size(0), 0) {
    std::copy_n(points.data_ptr<float>(), 3 * points_.size(), points_.data()->data());
    build(0, points_.size());
  }

  float nearest(const Point& point) const {
    float best = std::numeric_limits<float>::infinity();
    search(0, points_.size(), point, best);
    return best;
  }

 private:
  void build(size_t begin, size_t end) {
    if (end - begin < 2) return;
    Point low = points_[begin], high = low;
    for (size_t i = begin; i < end; ++i)
      for (int k = 0; k < 3; ++k) low[k] = std::min(low[k], points_[i][k]), high[k] = std::max(high[k], points_[i][k]);
    int axis = 0;
    for (int k = 1; k < 3; ++k)
      if (high[k] - low[k] > high[axis] - low[axis]) axis = k;
    const size_t middle = begin + (end - begin) / 2;
    const auto at = [&](size_t i) { return points_.begin() + static_cast<ptrdiff_t>(i); };
    std::nth_element(at(begin), at(middle), at(end), [axis](const Point& a, const Point& b) { return a[axis] < b[axis]; });
    axes_[middle] = static_cast<uint8_t>(axis);
    build(begin, middle);
    build(middle + 1, end);
  }

  /// `best` is the squared distance.
  void search(size_t begin, size_t end, const Point& point, float& best) const {
    if (begin >= end) return;
    const size_t middle = begin + (end - begin) / 2;
    const Point& here = points_[middle];
    float square = 0;
    for (int k = 0; k < 3; ++k) square += (here[k] - point[k]) * (here[k] - point[k]);
    best = std::min(best, square);
    const float offset = point[axes_[middle]] - here[axes_[middle]];
    const bool left = offset < 0;
    search(left ? begin : middle + 1, left ? middle : end, point, best);
    if (offset * offset < best) search(left ? middle + 1 : begin, left ? end : middle, point, best);
  }

  std::vector<Point> points_;
  std::vector<uint8_t> axes_;
};

}  // namespace

Tensor nearest_distances(const Tensor& points, const Tensor& targets) {
  check_points(points, "points");
  check_points(targets, "targets");
  const Tensor from = points.contiguous();
  const KdTree tree(targets.contiguous());
  const Tensor result = at::empty({from.size(0)}, at::kDouble);
  at::parallel_for(0, from.size(0), 256, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const float* p = from.data_ptr<float>() + 3 * i;
      result.data_ptr<double>()[i] = std::sqrt(static_cast<double>(tree.nearest({p[0], p[1], p[2]})));
    }
  });
  return result;
}

SurfaceScores score_surface(const Tensor& points, const Tensor& truth, const std::vector<double>& taus) {
  const Tensor there = nearest_distances(points, truth), back = nearest_distances(truth, points);
  const auto mean = [](const Tensor& values) { return values.to(at::kDouble).mean().item<double>(); };
  SurfaceScores scores;
  scores.distance = {mean(there), mean(back), mean(there.square()) + mean(back.square())};
  for (const double tau : taus) {
    FScore score{mean(there < tau), mean(back < tau), 0};
    const double sum = score.precision + score.recall;
    score.f = sum > 0 ? 2 * score.precision * score.recall / sum : 0;
    scores.f_scores.push_back(score);
  }
  return scores;
}

Tensor sample_triangles(const Tensor& vertices, const Tensor& triangles, int64_t count, const at::Generator& generator) {
  const auto corner = [&](int64_t i) { return vertices.index_select(0, triangles.select(1, i)).to(at::kDouble); };
  const Tensor a = corner(0), ab = corner(1) - a, ac = corner(2) - a;
  const Tensor ends = at::linalg_cross(ab, ac).norm(2, 1).cumsum(0);
  require(ends.numel() > 0 && ends[-1].item<double>() > 0, "surface samples: the triangles have no area");
  const auto uniform = [&] { return at::rand({count}, generator, at::kDouble); };
  const Tensor chosen = at::searchsorted(ends, uniform() * ends[-1]).clamp_max(ends.numel() - 1);
  const Tensor root = uniform().sqrt().unsqueeze(1), share = uniform().unsqueeze(1);
  const auto pick = [&](const Tensor& rows) { return rows.index_select(0, chosen); };
  return (pick(a) + root * (1 - share) * pick(ab) + root * share * pick(ac)).to(at::kFloat);
}

}  // namespace gsv3d
