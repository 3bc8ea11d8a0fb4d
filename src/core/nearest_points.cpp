#include "core/nearest_points.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "core/error.h"

namespace gsv3d {
namespace {

using Point = std::array<float, 3>;

void check_points(const Tensor& points, const char* name) {
  require(points.dim() == 2 && points.size(1) == 3 && points.scalar_type() == at::kFloat && points.device().is_cpu(),
          "nearest points: {} must be float32 [N, 3] on the CPU", name);
  require(points.size(0) > 0, "nearest points: {} has no points", name);
  require(at::isfinite(points).all().item<bool>(), "nearest points: {} has a coordinate that is not finite", name);
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

}  // namespace gsv3d
