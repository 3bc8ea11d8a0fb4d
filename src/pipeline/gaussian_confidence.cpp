#include "pipeline/gaussian_confidence.h"

#include "core/error.h"
#include "core/nearest_points.h"

namespace gsv3d {
namespace {

/// 0-1 [G]: how far `other` has the same where the Gaussians of `object` are.
Tensor agreement(const Gaussians& object, const Gaussians& other, const GaussianConfidenceOptions& options) {
  const Gaussians seen = prune(other, options.min_opacity);
  if (seen.count() == 0) return at::zeros({object.count()});
  const auto [distances, nearest] = nearest_neighbours(object.means, seen.means);
  const Tensor colors = sh_to_rgb(object.sh) - sh_to_rgb(seen.sh).index_select(0, nearest);
  const Tensor squares = (distances / options.distance_spread).square().to(at::kFloat) +
                         colors.square().mean(1) / (options.color_spread * options.color_spread);
  return (squares * -0.5).exp();
}

}  // namespace

GaussianConfidence gaussian_confidence(const Gaussians& object, const std::vector<Gaussians>& others,
                                       const GaussianConfidenceOptions& options) {
  require(!others.empty(), "the confidence of Gaussians needs the object of another seed");
  GaussianConfidence result;
  result.seeds = static_cast<int64_t>(others.size()) + 1;
  result.values = at::zeros({object.count()});
  if (object.count() == 0) return result;
  for (const Gaussians& other : others) result.values += agreement(object, other, options);
  result.values /= static_cast<double>(others.size());
  const Tensor largest = std::get<0>(object.scales.sort(1, /*descending=*/true)).to(at::kDouble);
  const Tensor weights = object.opacities.to(at::kDouble) * largest.select(1, 0) * largest.select(1, 1);
  const double sum = weights.sum().item<double>();
  if (sum > 0) result.value = (weights * result.values).sum().item<double>() / sum;
  return result;
}

}  // namespace gsv3d
