// What an optimiser of Gaussians moves: their values before the activations, and Adam's moments of each.
#pragma once

#include <array>
#include <vector>

#include "gaussians/gaussians.h"

namespace gsv3d {

/// Adam's step sizes by kind of parameter (3DGS, arXiv 2308.04079, and its code's defaults). That of the means is in units of the
/// scene's extent.
struct FitRates {
  double means = 1.6e-4, log_scales = 5e-3, quats = 1e-3, opacity_logits = 5e-2, base_color = 2.5e-3, other_color = 1.25e-4;
};

/// G Gaussians as leaves: means, log scales, quaternions, opacity logits, and spherical harmonics split into the base colour and
/// the rest, which learn at different speeds.
class FitParameters {
 public:
  explicit FitParameters(const Gaussians& gaussians);

  /// The Gaussians of the current values; gradients flow to the leaves.
  Gaussians gaussians() const;
  int64_t count() const { return leaves_[0].size(0); }

  /// One update by Adam (arXiv 1412.6980; beta 0.9 and 0.999, eps 1e-15 as in 3DGS), then the gradients are forgotten.
  void step(const FitRates& rates);

  /// Overwrites Gaussians `to` [K] by `values` (K Gaussians) and zeroes their moments.
  void replace(const Tensor& to, const Gaussians& values);
  /// Adds Gaussians with zero moments.
  void append(const Gaussians& values);
  /// Adds offsets [G, 3] to the means, outside of the gradient.
  void move(const Tensor& offsets);

 private:
  static constexpr size_t kinds = 6;
  std::array<Tensor, kinds> leaves_, first_moments_, second_moments_;
  int64_t updates_ = 0;
};

}  // namespace gsv3d
