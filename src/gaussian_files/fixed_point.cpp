#include "gaussian_files/fixed_point.h"

#include <cmath>

#include "core/error.h"
#include "core/log.h"
#include "gaussians/bounds.h"

namespace gsv3d {
namespace {

constexpr int kUsualBits = 12, kMostBits = 23;
constexpr double kStepsPerRadius = 1024, kFewestStepsPerRadius = 16;

bool fits(double reach, int bits) {
  return reach * std::ldexp(1.0, bits) <= kLargestFixed;
}

}  // namespace

FixedPointFit fit_fixed_point(const Gaussians& gaussians, const std::string& where) {
  FixedPointFit fit{kUsualBits, gaussians};
  if (gaussians.count() == 0) return fit;
  const Tensor reaches = gaussians.means.abs().amax(1);
  const Ball ball = visible_ball(gaussians);
  const double most = reaches.max().item<double>();
  double object = 0;
  for (const double c : ball.centre) object = std::max(object, std::abs(c) + ball.radius);
  object = std::min(object, most);
  require(fits(object, 0), "{} is not written: positions up to {} are too far out for SPZ", where, object);

  const int needed = std::clamp(static_cast<int>(std::ceil(std::log2(kStepsPerRadius / ball.radius))), 0, kMostBits);
  fit.bits = std::max(kUsualBits, needed);
  while (fit.bits > 0 && !fits(object, fit.bits)) --fit.bits;
  while (fit.bits > needed && !fits(most, fit.bits)) --fit.bits;
  const double step = std::ldexp(1.0, -fit.bits);
  if (gaussians.count() > 1 && ball.radius < kFewestStepsPerRadius * step && ball.radius > 1e-6 * object)
    spdlog::warn(
        "{}: so far from the origin SPZ has steps of {:.3g}, coarse for an object of radius {:.3g}: move it to the origin", where,
        step, ball.radius);
  if (fits(most, fit.bits)) return fit;
  fit.gaussians = gaussians.select(reaches <= kLargestFixed * step);
  fit.left_out = gaussians.count() - fit.gaussians.count();
  spdlog::warn(
      "{}: {} of {} Gaussians are left out: they lie up to {:.3g} from the origin, and with them SPZ would have no steps left "
      "for "
      "the object of radius {:.3g}",
      where, fit.left_out, gaussians.count(), most, ball.radius);
  return fit;
}

}  // namespace gsv3d
