// Positions in fixed point, as SPZ stores them: 24 bits with sign, some of them behind the point.
#pragma once

#include <string>

#include "gaussians/gaussians.h"

namespace gsv3d {

inline constexpr float kLargestFixed = (1 << 23) - 1;

/// Gaussians whose positions fit, and the bits behind the point that they fit with.
struct FixedPointFit {
  int bits = 12;        ///< 0-23
  Gaussians gaussians;  ///< without those that are too far out
  int64_t left_out = 0;
};

/// Chooses the bits by the object, not by whatever lies farthest out: 12 (the reference writer's), or more where the object's
/// radius (visible_ball) would be less than 1,024 steps; fewer where something reaches beyond ±2048, but not fewer than the
/// radius needs. What then does not fit is left out, with a warning in the log. Throws Error, which begins with `where`, when the
/// object itself does not fit.
FixedPointFit fit_fixed_point(const Gaussians& gaussians, const std::string& where);

}  // namespace gsv3d
