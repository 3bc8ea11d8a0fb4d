#include "pipeline/view_disagreement.h"

#include <cmath>

#include "core/error.h"
#include "rasterizer/orbit_render.h"

namespace gsv3d {

ViewDisagreement view_disagreement(const Gaussians& object, const Tensor& views, const Cameras& cameras) {
  require(views.size(0) >= 2 && views.size(0) == cameras.count(), "{} views and {} cameras do not make a disagreement",
          views.size(0), cameras.count());
  const OrbitImages seen = render_views(object.to(at::kCPU), cameras.to(at::kCPU), {});
  const Tensor squares = (seen.rgb - views.cpu()).square().mean({1, 2, 3}).to(at::kDouble).contiguous();
  ViewDisagreement result;
  for (int64_t view = 0; view < squares.numel(); ++view) result.views.push_back(std::sqrt(squares[view].item<double>()));
  result.value = std::sqrt(squares.slice(0, 1).mean().item<double>());
  return result;
}

}  // namespace gsv3d
