#include "pipeline/view_spread.h"

#include <cmath>

#include "core/error.h"

namespace gsv3d {

ViewSpread view_spread(const std::vector<Tensor>& views) {
  require(views.size() >= 2, "the spread of views needs at least two seeds, found {}", views.size());
  const Tensor all = at::stack(views);  // [K, N, C, S, S]
  const Tensor rgb = all.narrow(2, 0, 3);
  const Tensor covered = all.size(2) == 4 ? all.narrow(2, 3, 1) : std::get<0>((1 - rgb).max(2, /*keepdim=*/true));
  const Tensor variance = rgb.var(0, /*unbiased=*/true).mean(1, /*keepdim=*/true);
  ViewSpread spread;
  spread.pictures = variance.sqrt();
  const Tensor sums = variance.sum({1, 2, 3}).to(at::kDouble), areas = covered.mean(0).sum({1, 2, 3}).to(at::kDouble);
  double sum = 0, area = 0;
  for (int64_t view = 0; view < sums.size(0); ++view) {
    const double own = sums[view].item<double>(), own_area = areas[view].item<double>();
    spread.views.push_back(own_area > 0 ? std::sqrt(own / own_area) : 0);
    if (own > 0) sum += own, area += own_area;
  }
  spread.value = area > 0 ? std::sqrt(sum / area) : 0;
  return spread;
}

}  // namespace gsv3d
