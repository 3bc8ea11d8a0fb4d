#include "mesh/tsdf.h"

#include <ATen/Parallel.h>

#include "core/cancel.h"
#include "core/error.h"
#include "mesh/projection.h"

namespace gsv3d {
namespace {

/// One view as plain numbers.
struct View {
  std::array<float, 12> projection;  ///< see Projection
  const float* depth;
  const float* weight;  ///< null: 1
  int64_t width, height;
};

std::vector<View> plain_views(const DepthViews& views) {
  std::vector<View> result;
  const int64_t width = views.cameras.width, height = views.cameras.height;
  for (const Projection& projection : camera_projections(views.cameras)) {
    const size_t begin = result.size() * width * height;
    const float* weight = views.weight.defined() ? views.weight.data_ptr<float>() + begin : nullptr;
    result.push_back({projection.rows, views.depth.data_ptr<float>() + begin, weight, width, height});
  }
  return result;
}

/// Depth at image position (u, v): between the four nearest pixels where their depths differ by less than `jump`, else the
/// nearest pixel's.
float depth_at(const View& view, float u, float v, int64_t column, int64_t row, bool interpolate, float jump) {
  const float nearest = view.depth[row * view.width + column];
  if (!interpolate || nearest == 0) return nearest;
  const float x = u - 0.5F, y = v - 0.5F;
  const auto left = static_cast<int64_t>(std::floor(x)), top = static_cast<int64_t>(std::floor(y));
  if (left < 0 || top < 0 || left + 1 >= view.width || top + 1 >= view.height) return nearest;
  const float* above = view.depth + top * view.width + left;
  const float* below = above + view.width;
  const auto [low, high] = std::minmax({above[0], above[1], below[0], below[1]});
  if (low == 0 || high - low > jump) return nearest;
  const float s = x - static_cast<float>(left), t = y - static_cast<float>(top);
  return (1 - t) * ((1 - s) * above[0] + s * above[1]) + t * ((1 - s) * below[0] + s * below[1]);
}

struct LineSums {
  std::vector<float> distance, weight;
};

/// Adds what one view says about one line of samples along z.
void add_view(LineSums& sums, const View& view, Vector3 start, float spacing, float truncation, bool interpolate) {
  const auto& p = view.projection;
  const auto first = [&](int row) { return p[row] * start.x + p[row + 1] * start.y + p[row + 2] * start.z + p[row + 3]; };
  const float u0 = first(0), v0 = first(4), z0 = first(8), inverse = 1 / truncation;
  for (size_t i = 0; i < sums.distance.size(); ++i) {
    const float step = static_cast<float>(i) * spacing, z = z0 + step * p[10];
    if (!(z > kNearestDepth)) continue;
    const float u = (u0 + step * p[2]) / z, v = (v0 + step * p[6]) / z;
    if (!(u >= 0 && v >= 0 && u < static_cast<float>(view.width) && v < static_cast<float>(view.height))) continue;
    const auto column = static_cast<int64_t>(u), row = static_cast<int64_t>(v);
    const float depth = depth_at(view, u, v, column, row, interpolate, truncation);
    const float distance = depth == 0 ? 1 : std::min(1.0F, (depth - z) * inverse);
    if (distance < -1) continue;
    const float weight = view.weight ? view.weight[row * view.width + column] : 1;
    sums.distance[i] += weight * distance;
    sums.weight[i] += weight;
  }
}

void check(const DepthViews& views) {
  const std::array<int64_t, 3> shape = {views.cameras.count(), views.cameras.height, views.cameras.width};
  for (const Tensor* tensor : {&views.depth, &views.weight}) {
    if (tensor == &views.weight && !tensor->defined()) continue;
    require(tensor->defined() && tensor->sizes() == at::IntArrayRef(shape) && tensor->scalar_type() == at::kFloat,
            "fuse_depth: depth and weight must be float32 [{}, {}, {}], as the cameras", shape[0], shape[1], shape[2]);
  }
}

}  // namespace

void fuse_depth(ScalarGrid& grid, const DepthViews& views, const FusionOptions& options) {
  check(views);
  const DepthViews plain = {views.depth.cpu().contiguous(), views.weight.defined() ? views.weight.cpu().contiguous() : Tensor(),
                            views.cameras.to(at::kCPU)};
  const std::vector<View> list = plain_views(plain);
  const float truncation = options.truncation > 0 ? static_cast<float>(options.truncation) : 4 * grid.spacing;
  const auto [nx, ny, nz] = grid.size;
  at::parallel_for(0, nx * ny, 16, [&, ny = ny, nz = nz](int64_t begin, int64_t end) {
    LineSums sums;
    for (int64_t line = begin; line < end && !cancel_requested(); ++line) {
      sums.distance.assign(nz, 0), sums.weight.assign(nz, 0);
      const Vector3 place = {static_cast<float>(line / ny), static_cast<float>(line % ny), 0};
      for (const View& view : list)
        add_view(sums, view, grid.origin + place * grid.spacing, grid.spacing, truncation, options.interpolate);
      float* values = grid.values.data() + line * nz;
      for (int64_t i = 0; i < nz; ++i) values[i] = sums.weight[i] > 0 ? sums.distance[i] / sums.weight[i] : -1;
    }
  });
  throw_if_cancelled();
}

}  // namespace gsv3d
