// How sure each Gaussian is: what the objects that other seeds make of the same photo have at its place. Where the networks
// guess, every seed guesses differently.
#pragma once

#include <vector>

#include "gaussians/gaussians.h"

namespace gsv3d {

struct GaussianConfidenceOptions {
  double distance_spread = 0.02;  ///< world units (the object's cube has side 1): so far away counts as one deviation
  double color_spread = 0.1;      ///< so much, as root mean square over R, G and B in 0-1, counts as another
  double min_opacity = 0.1;       ///< Gaussians of other seeds below it are not there
};

struct GaussianConfidence {
  Tensor values;  ///< [G] float32 in 0-1
  /// Their mean, weighted by opacity times the area that is seen at most, the product of the two larger scales.
  double value = 0;
  int64_t seeds = 0;  ///< of all objects, this one included
};

/// At a Gaussian's centre, another seed's object has its nearest Gaussian at a distance d with a base colour that differs by c:
/// they agree by exp(-(d² / distance_spread² + c² / color_spread²) / 2). A Gaussian's confidence is the mean of that over the
/// other objects, of which there is at least one: 1 where all seeds have the same, 0 where none has anything alike. On the CPU.
/// An object without Gaussians to be seen agrees nowhere.
GaussianConfidence gaussian_confidence(const Gaussians& object, const std::vector<Gaussians>& others,
                                       const GaussianConfidenceOptions& options = {});

}  // namespace gsv3d
