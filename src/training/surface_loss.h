// Direct supervision of Gaussians by the pixels they belong to: in training the true surface behind every pixel of the input
// views is known, so each Gaussian can be told where it should lie and what it should look like, without a detour through
// rendering.
#pragma once

#include "training/losses.h"

namespace gsv3d {

/// Compares the Gaussians of B clips, N views · g · g each, clips and views in order and pixels row-major (the Gaussian decoder's
/// order), with the true views [B·N, ·, S, S] that they were predicted for; S is a multiple of g and each Gaussian answers for
/// S/g × S/g pixels; one number per clip [B]:
/// - depth: mean over the Gaussians that see the object (a pixel with alpha > 0.5) of |camera z of the mean - nearest true
/// depth|, world units;
/// - rgb: their squared colour error (degree 0 of the harmonics) against the pixels' mean colour, weighted by alpha;
/// - alpha: squared error of every Gaussian's opacity against the pixels' mean alpha.
/// Means over nothing are 0. Throws Error when the numbers do not fit.
RenderingLoss surface_loss(const Gaussians& gaussians, const Cameras& cameras, const TargetViews& truth, int64_t clips = 1);

}  // namespace gsv3d
