#include "evaluation/volume.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.h"

namespace gsv3d {
namespace {

using Vertex = std::array<double, 3>;

/// The grid's own coordinates: voxel k spans [k, k + 1]. Centres are moved by a hair, another one along each axis, so that they
/// do not fall on the edges of triangles that lie on round numbers.
constexpr std::array<double, 3> hair = {3.1e-7, 5.3e-7, 7.9e-7};

/// Where the lines along `axis` through the voxels' centres cross triangles: one list for every column.
class Columns {
 public:
  Columns(int axis, int64_t resolution)
      : axis_(axis), u_((axis + 1) % 3), v_((axis + 2) % 3), resolution_(resolution), crossings_(resolution * resolution) {}

  void add(const Vertex& a, const Vertex& b, const Vertex& c) {
    const auto side = [this](const Vertex& p, const Vertex& q, double u, double v) {
      return (q[u_] - p[u_]) * (v - p[v_]) - (q[v_] - p[v_]) * (u - p[u_]);
    };
    const double area = side(a, b, c[u_], c[v_]);
    if (area == 0) return;
    const auto range = [&](int k) {
      const auto [low, high] = std::minmax({a[k], b[k], c[k]});
      const auto last = static_cast<double>(resolution_ - 1);
      return std::pair{static_cast<int64_t>(std::clamp(std::floor(low - 1), 0.0, last)),
                       static_cast<int64_t>(std::clamp(std::ceil(high), 0.0, last))};
    };
    const auto [u_begin, u_end] = range(u_);
    const auto [v_begin, v_end] = range(v_);
    for (int64_t i = u_begin; i <= u_end; ++i)
      for (int64_t j = v_begin; j <= v_end; ++j) {
        const double u = static_cast<double>(i) + 0.5 + hair[u_], v = static_cast<double>(j) + 0.5 + hair[v_];
        const double wa = side(b, c, u, v) / area, wb = side(c, a, u, v) / area, wc = side(a, b, u, v) / area;
        if (wa < 0 || wb < 0 || wc < 0) continue;
        crossings_[i * resolution_ + j].push_back(wa * a[axis_] + wb * b[axis_] + wc * c[axis_]);
      }
  }

  /// Adds one vote to every voxel with an odd number of crossings below its centre. `votes`: [N, N, N], x first.
  void vote(uint8_t* votes) {
    const std::array<int64_t, 3> stride = {resolution_ * resolution_, resolution_, 1};
    for (int64_t i = 0; i < resolution_; ++i)
      for (int64_t j = 0; j < resolution_; ++j) {
        auto& column = crossings_[i * resolution_ + j];
        std::sort(column.begin(), column.end());
        uint8_t* first = votes + i * stride[u_] + j * stride[v_];
        size_t below = 0;
        for (int64_t k = 0; k < resolution_; ++k) {
          while (below < column.size() && column[below] < static_cast<double>(k) + 0.5 + hair[axis_]) ++below;
          first[k * stride[axis_]] += static_cast<uint8_t>(below % 2);
        }
      }
  }

 private:
  int axis_, u_, v_;
  int64_t resolution_;
  std::vector<std::vector<double>> crossings_;
};

std::vector<Vertex> grid_vertices(const Tensor& vertices, const VoxelCube& cube, int64_t resolution) {
  const Tensor values = vertices.to(at::kDouble).contiguous();
  const double* data = values.const_data_ptr<double>();
  std::vector<Vertex> result(values.size(0));
  for (size_t i = 0; i < result.size(); ++i)
    for (size_t k = 0; k < 3; ++k) result[i][k] = (data[3 * i + k] - cube.low[k]) / cube.side * static_cast<double>(resolution);
  return result;
}

/// The smallest cube around both, with half a voxel of air.
VoxelCube cube_around(const TriangleSurface& a, const TriangleSurface& b, int64_t resolution) {
  const Tensor points = at::cat({a.vertices, b.vertices}).to(at::kDouble);
  const Tensor low = std::get<0>(points.min(0)), high = std::get<0>(points.max(0));
  const double side = (high - low).max().item<double>() * (1 + 1.0 / static_cast<double>(resolution));
  VoxelCube cube;
  cube.side = side;
  for (int64_t k = 0; k < 3; ++k) cube.low[k] = 0.5 * (low[k] + high[k]).item<double>() - side / 2;
  return cube;
}

}  // namespace

Occupancy occupancy(const TriangleSurface& surface, const VoxelCube& cube, int64_t resolution) {
  require(resolution >= 1 && resolution <= 1024 && cube.side > 0, "occupancy: {} voxels along a side of {}", resolution,
          cube.side);
  const std::vector<Vertex> vertices = grid_vertices(surface.vertices, cube, resolution);
  const Tensor triangles = surface.triangles.contiguous(), votes = at::zeros({resolution, resolution, resolution}, at::kByte);
  const int64_t* corners = triangles.const_data_ptr<int64_t>();
  for (int axis = 0; axis < 3; ++axis) {
    Columns columns(axis, resolution);
    for (int64_t i = 0; i < triangles.size(0); ++i)
      columns.add(vertices[corners[3 * i]], vertices[corners[3 * i + 1]], vertices[corners[3 * i + 2]]);
    columns.vote(votes.data_ptr<uint8_t>());
  }
  const auto count = [](const Tensor& mask) { return static_cast<double>(mask.sum().item<int64_t>()); };
  const double any = count(votes > 0), agreed = count(votes == 3);
  return {votes >= 2, any > 0 ? (any - agreed) / any : 0};
}

double volume_iou(const TriangleSurface& surface, const TriangleSurface& truth, int64_t resolution) {
  constexpr double most_undecided = 0.05;
  const VoxelCube cube = cube_around(surface, truth, resolution);
  const Occupancy ours = occupancy(surface, cube, resolution), theirs = occupancy(truth, cube, resolution);
  const auto usable = [](const Occupancy& part) { return part.undecided <= most_undecided && part.inside.any().item<bool>(); };
  if (!usable(ours) || !usable(theirs)) return std::numeric_limits<double>::quiet_NaN();
  const double both = ours.inside.logical_and(theirs.inside).sum().item<double>();
  return both / ours.inside.logical_or(theirs.inside).sum().item<double>();
}

}  // namespace gsv3d
