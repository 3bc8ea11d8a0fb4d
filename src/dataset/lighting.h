// Light for training views: the same for every view of an object (fixed in the world), smooth, and close to white at full
// strength, so that colours stay near the albedo and Gaussians need no view-dependent colour.
#pragma once

#include <array>
#include <vector>

#include "core/dice.h"
#include "image/image.h"

namespace gsv3d {

struct DirectionalLight {
  std::array<float, 3> direction;  ///< unit, towards the light, world axes
  std::array<float, 3> strength;   ///< reflected by a white surface that faces it, linear light
};

/// Diffuse light: second-order spherical harmonics (Ramamoorthi and Hanrahan 2001) for what comes from all around, and a few
/// lamps.
struct Lighting {
  std::array<std::array<float, 3>, 9> ambient{};  ///< reflected by a white surface, as coefficients over its normal
  std::vector<DirectionalLight> lamps;

  /// What a white surface of this unit normal reflects (linear light, RGB). `openness` 0-1 scales the ambient part only.
  std::array<float, 3> reflected(const std::array<float, 3>& normal, float openness) const;
};

/// The default: brighter from above than from below, a key light from the upper front right and a weak one from the back left.
/// A white surface reflects between 0.45 and 1.0.
Lighting studio_lighting();

/// Studio lighting drawn by chance: key lamp from any side above the ground, its strength, the ambient term, its tilt and a faint
/// tint vary; a white surface reflects at most 1. `amount` 0 is studio_lighting(), 1 all of it.
Lighting random_lighting(Dice& dice, double amount);

/// The diffuse light of an equirectangular picture (sRGB; its middle column is seen towards +Z, its upper edge towards +Y),
/// scaled so that a white surface reflects 0.8 on average.
Lighting environment_lighting(const Image& panorama);

}  // namespace gsv3d
