// FID and KID of a method's views, with intervals that say how far they depend on the choice of objects.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "core/tensor.h"
#include "evaluation/statistics.h"

namespace gsv3d {

/// Of all predicted orbit views of a method against all true ones of the same objects; not a number without Inception's weights.
struct SetScores {
  double fid = not_scored, kid = not_scored;
  int64_t pictures = 0;
  Interval fid_interval = {not_scored, not_scored}, kid_interval = {not_scored, not_scored};  ///< 95 %: jackknife_interval()

  static constexpr double not_scored = std::numeric_limits<double>::quiet_NaN();
};

/// From features [views, D] of each object's predicted and true views. The intervals leave out whole objects, since the views of
/// one belong together; not a number for less than three objects. Shows progress, stops at Ctrl-C. Throws Error when the counts
/// differ.
SetScores score_sets(const std::vector<Tensor>& predicted, const std::vector<Tensor>& truth);

/// 95 % interval of a statistic by the delete-a-group jackknife (Shao and Tu 1995): estimate ± 1.96 √((g - 1) / g
/// Σ (θᵢ - mean θ)²) of its values without each of g equal groups. Used where a bootstrap misleads: drawing pictures twice makes
/// two sets look further apart than they are, so that FID's percentile interval need not contain FID. Not a number for less than
/// three groups.
Interval jackknife_interval(double estimate, const std::vector<double>& without_group);

}  // namespace gsv3d
