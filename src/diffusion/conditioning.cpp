#include "diffusion/conditioning.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/error.h"
#include "nn/layers.h"

namespace gsv3d {
namespace {

double radians(double degrees) {
  return degrees * (std::numbers::pi / 180);
}

/// In [0, 360), as Python's %.
double wrapped(double degrees) {
  const double rest = std::fmod(degrees, 360.0);
  return rest < 0 ? rest + 360 : rest;
}

Tensor embedded(const std::vector<double>& values, int64_t dimension, at::Device device) {
  const Tensor there = at::tensor(values, at::kDouble).to(at::kFloat).to(device, /*non_blocking=*/true);
  return nn::sinusoidal_embedding(there, dimension);
}

}  // namespace

OrbitAngles sv3d_orbit_angles(int64_t frames, const std::vector<double>& elevations_degrees,
                              const std::vector<double>& azimuths_degrees) {
  const auto count = static_cast<size_t>(frames);
  require(frames > 0, "an orbit needs at least one frame");
  require(elevations_degrees.size() == 1 || elevations_degrees.size() == count,
          "{} elevations for {} frames: give one, or one per frame", elevations_degrees.size(), frames);
  require(azimuths_degrees.empty() || azimuths_degrees.size() == count, "{} azimuths for {} frames: give none, or one per frame",
          azimuths_degrees.size(), frames);
  OrbitAngles angles;
  for (size_t i = 0; i < count; ++i) {
    const double elevation = elevations_degrees.size() == 1 ? elevations_degrees[0] : elevations_degrees[i];
    require(elevation >= -90 && elevation <= 90, "elevation {} is not between -90 and 90 degrees", elevation);
    angles.polars_radians.push_back(radians(90 - elevation));
    const double azimuth = azimuths_degrees.empty() ? static_cast<double>(i + 1) * 360 / static_cast<double>(frames)
                                                    : azimuths_degrees[i] - azimuths_degrees.back();
    angles.azimuths_radians.push_back(radians(wrapped(azimuth)));
  }
  return angles;
}

Tensor camera_vector(const OrbitAngles& angles, double cond_aug, const std::vector<int64_t>& dimensions, at::Device device) {
  const size_t frames = angles.polars_radians.size();
  require(dimensions.size() == 1 || dimensions.size() == 3, "a camera vector has 1 part (sv3d_u) or 3 parts (sv3d_p), not {}",
          dimensions.size());
  require(frames > 0 && angles.azimuths_radians.size() == frames, "{} polar angles, but {} azimuths", frames,
          angles.azimuths_radians.size());
  std::vector<Tensor> parts = {embedded(std::vector<double>(frames, cond_aug), dimensions[0], device)};
  if (dimensions.size() == 3) {
    parts.push_back(embedded(angles.polars_radians, dimensions[1], device));
    parts.push_back(embedded(angles.azimuths_radians, dimensions[2], device));
  }
  return at::cat(parts, 1);
}

Conditioning Conditioning::unconditional() const {
  Conditioning result = *this;
  result.crossattn = at::zeros_like(crossattn);
  result.concat = at::zeros_like(concat);
  if (photo_latent.defined()) result.photo_latent = at::zeros_like(photo_latent);
  return result;
}

}  // namespace gsv3d
