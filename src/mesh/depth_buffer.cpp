#include "mesh/depth_buffer.h"

#include <ATen/Parallel.h>

#include "mesh/projection.h"

namespace gsv3d {
namespace {

/// Keeps the largest 1/z in `nearness`; 1/z is linear over the image.
void draw(float* nearness, int64_t width, int64_t height, const std::array<Vector3, 3>& p) {
  const float area = (p[1].x - p[0].x) * (p[2].y - p[0].y) - (p[1].y - p[0].y) * (p[2].x - p[0].x);
  if (std::abs(area) < 1e-12F) return;
  const auto [left, right] = std::minmax({p[0].x, p[1].x, p[2].x});
  const auto [top, bottom] = std::minmax({p[0].y, p[1].y, p[2].y});
  const auto first = [](float edge) { return std::max<int64_t>(0, static_cast<int64_t>(std::ceil(edge - 0.5F))); };
  const auto last = [](float edge, int64_t size) {
    return std::min<int64_t>(size - 1, static_cast<int64_t>(std::floor(edge - 0.5F)));
  };
  if (right < 0 || bottom < 0 || left > static_cast<float>(width) || top > static_cast<float>(height)) return;
  for (int64_t row = first(top); row <= last(bottom, height); ++row) {
    for (int64_t column = first(left); column <= last(right, width); ++column) {
      const float x = static_cast<float>(column) + 0.5F, y = static_cast<float>(row) + 0.5F;
      const float b = ((x - p[0].x) * (p[2].y - p[0].y) - (y - p[0].y) * (p[2].x - p[0].x)) / area;
      const float c = ((p[1].x - p[0].x) * (y - p[0].y) - (p[1].y - p[0].y) * (x - p[0].x)) / area;
      if (b < 0 || c < 0 || b + c > 1) continue;
      float& place = nearness[row * width + column];
      place = std::max(place, (1 - b - c) / p[0].z + b / p[1].z + c / p[2].z);
    }
  }
}

}  // namespace

Tensor mesh_depth(const Mesh& mesh, const Cameras& cameras) {
  const int64_t width = cameras.width, height = cameras.height;
  const Tensor nearness = at::zeros({cameras.count(), height, width});
  const std::vector<Projection> projections = camera_projections(cameras);
  at::parallel_for(0, cameras.count(), 1, [&](int64_t begin, int64_t end) {
    std::vector<Vector3> points(mesh.positions.size());
    for (int64_t c = begin; c < end; ++c) {
      for (size_t i = 0; i < points.size(); ++i) points[i] = projections[c].apply(mesh.positions[i]);
      float* image = nearness.data_ptr<float>() + c * width * height;
      for (const auto& [i, j, k] : mesh.triangles) {
        if (std::min({points[i].z, points[j].z, points[k].z}) > kNearestDepth)
          draw(image, width, height, {points[i], points[j], points[k]});
      }
    }
  });
  return at::where(nearness > 0, 1 / nearness, at::zeros({}));
}

}  // namespace gsv3d
