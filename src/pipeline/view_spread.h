// How sure the views are: what changes in them when the same photo is sampled with other seeds.
#pragma once

#include <vector>

#include "core/tensor.h"

namespace gsv3d {

struct ViewSpread {
  Tensor pictures;            ///< [N, 1, S, S]: standard deviation over the seeds of the colour over white, mean of R, G, B
  std::vector<double> views;  ///< one number per view, as `value`; 0 for a photo
  double value = 0;           ///< of all generated views together
};

/// Views of at least two seeds, each [N, 3 or 4, S, S] in 0-1 over white. A number is the root of the variance over the seeds,
/// summed over a view's pixels and divided by the object's area (alpha, or without it what is not white): 0 when every seed gives
/// the same, and the same for a small and a large object. Views that photos stand for are alike in all and do not count.
ViewSpread view_spread(const std::vector<Tensor>& views);

}  // namespace gsv3d
