// One view carried into another along the object's surface: what the two say of the same surface points, in colour and in
// outline.
#pragma once

#include "evaluation/method.h"

namespace gsv3d {

/// How far two views contradict each other, both ways round; not a number where they see too little of the same surface.
struct WarpError {
  double color = 0;    ///< mean over points and channels of |difference of colours|, 0-1
  double outline = 0;  ///< mean over points of |difference of alphas|, 0-1; not a number without alphas
};

/// A pixel centre p of view a where the object's alpha exceeds 0.5 is the surface point X = o + z(p) K⁻¹p; it is kept when X
/// falls inside view b at q, the object's alpha at q exceeds 0.5 and |z of X in b - the object's depth at q| < 0.02 world units
/// (nothing hides it there). Over all that are kept: mean |I_a(p) - I_b(q)|, I_b bilinear; colours only where both of the
/// object's alphas exceed 0.95, since the others are mixed with the background. Then with a and b exchanged, and the mean of both
/// (the warping error of Lai et al. 2018, arXiv 1808.00449, with the object's depth instead of optical flow and without the
/// square). What keeps less than 16 points either way has no error.
WarpError warp_error(const GeneratedViews& views, int64_t a, int64_t b);

/// Mean over the pairs (i, i + step) of the closed orbit, those without an error left out; all N pairs, so step < N.
WarpError mean_warp_error(const GeneratedViews& views, int64_t step);

}  // namespace gsv3d
