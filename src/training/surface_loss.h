// Direct supervision of Gaussians by the pixels they belong to: in training the true surface behind every pixel of the input
// views is known, so each Gaussian can be told where it should lie and what it should look like, without a detour through
// rendering.
#pragma once

#include "training/losses.h"

namespace gsv3d {

/// Compares the Gaussians of one clip, N views · g · g of them, views in order and pixels row-major (the Gaussian decoder's
/// order), with the N true views [N, ·, S, S] that they were predicted for; S is a multiple of g and each Gaussian answers for
/// S/g × S/g pixels:
/// - depth: mean over the Gaussians that see the object (a pixel with alpha > 0.5) of |camera z of the mean - nearest true
/// depth|, world units;
/// - rgb: their squared colour error (degree 0 of the harmonics) against the pixels' mean colour, weighted by alpha;
/// - alpha: squared error of every Gaussian's opacity against the pixels' mean alpha.
/// Means over nothing are 0. Throws Error when the numbers do not fit.
RenderingLoss surface_loss(const Gaussians& gaussians, const Cameras& cameras, const TargetViews& truth);

}  // namespace gsv3d
