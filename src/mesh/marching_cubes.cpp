#include "mesh/marching_cubes.h"

#include <algorithm>

#include "core/error.h"

namespace gsv3d {
namespace {

constexpr size_t kMaxTriangles = size_t{1} << 26;
constexpr uint32_t kNoVertex = ~0U;
/// Vertices keep this share of an edge's length from its ends: no triangle collapses where a sample is exactly zero.
constexpr float kMargin = 0.01F;

/// The corners of each face of a cell, counter-clockwise seen from outside the cell.
constexpr std::array<std::array<uint8_t, 4>, 6> kFaces = {
    {{0, 4, 6, 2}, {1, 3, 7, 5}, {0, 1, 5, 4}, {2, 6, 7, 3}, {0, 2, 3, 1}, {4, 5, 7, 6}}};

using Loop = std::vector<uint8_t>;

/// Cuts a polygon into triangles by ears whose cut does not lie in a face; false when that is impossible.
bool triangulate(const Loop& loop, const std::function<bool(uint8_t, uint8_t)>& share_face,
                 std::vector<std::array<uint8_t, 3>>& triangles) {
  const size_t n = loop.size();
  if (n == 3) {
    triangles.push_back({loop[0], loop[1], loop[2]});
    return true;
  }
  for (size_t i = 0; i < n; ++i) {
    const uint8_t before = loop[(i + n - 1) % n], ear = loop[i], after = loop[(i + 1) % n];
    if (share_face(before, after)) continue;
    const size_t kept = triangles.size();
    triangles.push_back({before, ear, after});
    Loop rest = loop;
    rest.erase(rest.begin() + static_cast<ptrdiff_t>(i));
    if (triangulate(rest, share_face, triangles)) return true;
    triangles.resize(kept);
  }
  return false;
}

/// Vertices found so far on the edges of the two slices x and x + 1 and between them.
class EdgeVertices {
 public:
  EdgeVertices(int64_t ny, int64_t nz) : nz_(nz) {
    for (auto* layer : {&along_x_, &along_y_[0], &along_y_[1], &along_z_[0], &along_z_[1]}) layer->assign(ny * nz, kNoVertex);
  }
  void next_slice() {
    std::swap(along_y_[0], along_y_[1]);
    std::swap(along_z_[0], along_z_[1]);
    for (auto* layer : {&along_x_, &along_y_[1], &along_z_[1]}) std::fill(layer->begin(), layer->end(), kNoVertex);
  }
  /// The vertex on the edge from `corner` along the axis that `axis_bit` (1, 2, 4) names.
  uint32_t& at(int64_t y, int64_t z, int corner, int axis_bit) {
    const size_t place = (y + (corner >> 1 & 1)) * nz_ + z + (corner >> 2 & 1);
    if (axis_bit == 1) return along_x_[place];
    return (axis_bit == 2 ? along_y_ : along_z_)[corner & 1][place];
  }

 private:
  int64_t nz_;
  std::vector<uint32_t> along_x_;
  std::array<std::vector<uint32_t>, 2> along_y_, along_z_;
};

class Extractor {
 public:
  Extractor(const ScalarGrid& grid, const MarchingCubesTables& tables)
      : grid_(grid), tables_(tables), vertices_(grid.size[1], grid.size[2]) {}

  Mesh run() {
    for (int64_t x = 0; x + 1 < grid_.size[0]; ++x) {
      for (int64_t y = 0; y + 1 < grid_.size[1]; ++y) row(x, y);
      require(mesh_.triangles.size() <= kMaxTriangles, "mesh: more than {} million triangles; use a lower resolution",
              kMaxTriangles >> 20);
      vertices_.next_slice();
    }
    return std::move(mesh_);
  }

 private:
  void row(int64_t x, int64_t y) {
    const std::array<const float*, 4> lines = {&grid_.values[grid_.index(x, y, 0)], &grid_.values[grid_.index(x + 1, y, 0)],
                                               &grid_.values[grid_.index(x, y + 1, 0)],
                                               &grid_.values[grid_.index(x + 1, y + 1, 0)]};
    const auto inside = [&](int64_t z) {
      return (lines[0][z] < 0) | (lines[1][z] < 0) << 1 | (lines[2][z] < 0) << 2 | (lines[3][z] < 0) << 3;
    };
    int near = inside(0);
    for (int64_t z = 0; z + 1 < grid_.size[2]; ++z) {
      const int far = inside(z + 1), pattern = near | far << 4;
      near = far;
      if (pattern != 0 && pattern != 255) cell(x, y, z, pattern);
    }
  }

  void cell(int64_t x, int64_t y, int64_t z, int pattern) {
    for (const auto& triangle : tables_.triangles[pattern]) {
      Mesh::Triangle indices;
      for (int i = 0; i < 3; ++i) indices[i] = vertex(x, y, z, tables_.edges[triangle[i]]);
      mesh_.triangles.push_back(indices);
    }
  }

  uint32_t vertex(int64_t x, int64_t y, int64_t z, const std::array<uint8_t, 2>& edge) {
    const int a = edge[0], axis = edge[0] ^ edge[1];
    uint32_t& slot = vertices_.at(y, z, a, axis);
    if (slot != kNoVertex) return slot;
    const int64_t xa = x + (a & 1), ya = y + (a >> 1 & 1), za = z + (a >> 2 & 1);
    const float from = grid_.at(xa, ya, za), to = grid_.at(xa + (axis & 1), ya + (axis >> 1 & 1), za + (axis >> 2 & 1));
    const float t = std::clamp(from / (from - to), kMargin, 1 - kMargin);
    const Vector3 place = {static_cast<float>(xa) + (axis == 1 ? t : 0), static_cast<float>(ya) + (axis == 2 ? t : 0),
                           static_cast<float>(za) + (axis == 4 ? t : 0)};
    slot = static_cast<uint32_t>(mesh_.positions.size());
    mesh_.positions.push_back(grid_.origin + place * grid_.spacing);
    return slot;
  }

  const ScalarGrid& grid_;
  const MarchingCubesTables& tables_;
  EdgeVertices vertices_;
  Mesh mesh_;
};

}  // namespace

MarchingCubesTables::MarchingCubesTables() {
  std::array<std::array<uint8_t, 8>, 8> edge_between{};
  uint8_t count = 0;
  for (uint8_t corner = 0; corner < 8; ++corner) {
    for (const uint8_t axis : {1, 2, 4}) {
      if (corner & axis) continue;
      edge_between[corner][corner | axis] = edge_between[corner | axis][corner] = count;
      edges[count++] = {corner, static_cast<uint8_t>(corner | axis)};
    }
  }
  // Two edges lie in one face when their four corners agree in a coordinate.
  const auto share_face = [&](uint8_t a, uint8_t b) {
    const int all = edges[a][0] & edges[a][1] & edges[b][0] & edges[b][1];
    const int any = edges[a][0] | edges[a][1] | edges[b][0] | edges[b][1];
    return all != 0 || any != 7;
  };
  for (int pattern = 1; pattern < 255; ++pattern) {
    // Around each face, every run of inside corners is entered over one edge and left over another: a line from the entry to the
    // exit cuts it off. An edge that is entered over in one face is left over in the other, so the lines chain up to loops.
    std::array<int, 12> next;
    next.fill(-1);
    for (const auto& face : kFaces) {
      for (int start = 0; start < 4; ++start) {
        const auto inside = [&](int i) { return pattern >> face[i % 4] & 1; };
        if (inside(start) || !inside(start + 1)) continue;
        int end = start + 1;
        while (inside(end + 1)) ++end;
        next[edge_between[face[start]][face[(start + 1) % 4]]] = edge_between[face[end % 4]][face[(end + 1) % 4]];
      }
    }
    for (int first = 0; first < 12; ++first) {
      Loop loop;
      for (int edge = first; next[edge] >= 0;) {
        loop.push_back(static_cast<uint8_t>(edge));
        edge = std::exchange(next[edge], -1);
      }
      if (loop.empty()) continue;
      require(triangulate(loop, share_face, triangles[pattern]), "marching cubes: pattern {} has no clean triangulation",
              pattern);
    }
  }
}

Mesh marching_cubes(const ScalarGrid& grid) {
  static const MarchingCubesTables tables;
  for (const int64_t side : grid.size) require(side >= 2, "marching cubes: a grid of {} samples along one side", side);
  return Extractor(grid, tables).run();
}

}  // namespace gsv3d
