// Where an object is and how large, for cameras that should see all of it.
#pragma once

#include <array>

#include "gaussians/gaussians.h"

namespace gsv3d {

struct Ball {
  std::array<double, 3> centre = {0, 0, 0};
  double radius = 1;
};

/// The value [columns] below which a share (0-1) of each column of [N, columns] lies.
Tensor share_below(const Tensor& values, double share);

/// A ball around what can be seen of an object: its centre is the middle of the box that holds all but the outermost 0.5 % of the
/// positions at either end, its radius reaches 99.5 % of the Gaussians at two standard deviations. Gaussians of opacity below
/// 0.05 do not count unless there are no others. Without Gaussians the unit ball.
Ball visible_ball(const Gaussians& gaussians);

}  // namespace gsv3d
