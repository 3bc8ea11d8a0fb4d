#include "rasterizer/orbit_render.h"

#include <c10/core/GradMode.h>

#include "core/cancel.h"
#include "core/error.h"
#include "rasterizer/rasterizer.h"

namespace gsv3d {
namespace {

constexpr int64_t kPixelsAtOnce = int64_t{1} << 22;  // bounds the memory of one call to the rasterizer

Tensor shrink(const Tensor& images, int64_t factor) {
  return factor == 1 ? images : at::avg_pool2d(images, factor);
}

}  // namespace

OrbitImages render_views(const Gaussians& gaussians, const Cameras& cameras, const OrbitOptions& options) {
  require(options.supersampling >= 1 && options.supersampling <= 8, "render: supersampling must be 1 to 8, not {}",
          options.supersampling);
  require(cameras.count() >= 1, "render: no cameras");
  const c10::NoGradGuard no_grad;
  const auto on_cpu = gaussians.to(at::kCPU);
  const auto large = cameras.to(at::kCPU).resized(cameras.width * options.supersampling, cameras.height * options.supersampling);
  const Tensor background = at::tensor(at::ArrayRef<float>(options.background.data(), 3));
  const int64_t step = std::max<int64_t>(1, kPixelsAtOnce / (large.width * large.height));
  std::vector<Tensor> rgb, alpha, depth;
  for (int64_t begin = 0; begin < cameras.count(); begin += step) {
    throw_if_cancelled();
    const auto part = large.slice(begin, std::min(begin + step, cameras.count()));
    const auto rendering = rasterize(on_cpu, part, background, {.depth = true, .antialiased = options.antialiased});
    rgb.push_back(shrink(rendering.rgb, options.supersampling).clamp(0, 1));
    alpha.push_back(shrink(rendering.alpha, options.supersampling));
    // Averaged before the division, so that pixels on the outline do not mix object and nothing.
    depth.push_back(shrink(rendering.depth, options.supersampling) / alpha.back().clamp_min(1e-10));
  }
  return {at::cat(rgb), at::cat(alpha), at::cat(depth), cameras};
}

OrbitImages render_orbit(const Gaussians& gaussians, const OrbitOptions& options) {
  require(options.frames >= 1, "render: an orbit of {} frames", options.frames);
  require(options.size >= 1 && options.size * options.supersampling <= 8192,
          "render: images of {} pixels with supersampling {} are beyond 8192", options.size, options.supersampling);
  return render_views(gaussians, orbit_cameras(options.frames, options.elevation_degrees, options.size, options.lens), options);
}

}  // namespace gsv3d
