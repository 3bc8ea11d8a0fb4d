// How far the finished object is from the views that it was made of. Views that do not show one object cannot all be met, and
// where the network is unsure they are not: of all numbers tried this one ranks objects best by their true error
// (docs/generate.md).
#pragma once

#include <vector>

#include "camera/camera.h"
#include "gaussians/gaussians.h"

namespace gsv3d {

struct ViewDisagreement {
  double value = 0;           ///< root mean square difference of colour, 0-1, over all pixels of all views but the first
  std::vector<double> views;  ///< the same of each view, the first one among them
};

/// views: [N, 3, S, S] in 0-1 over white, N of at least 2, of which the first is the photo; cameras: the N of them, for S × S
/// pixels.
ViewDisagreement view_disagreement(const Gaussians& object, const Tensor& views, const Cameras& cameras);

}  // namespace gsv3d
