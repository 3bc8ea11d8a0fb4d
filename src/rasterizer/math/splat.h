// Plain data that all rasterizer kernels share: cameras, scenes, and Gaussians as a camera sees them. The rules behind the
// numbers are in docs/rasterizer.md.
#pragma once

#include <cstdint>

#include "gaussians/host_device.h"

namespace gsv3d::splat_math {

constexpr float kMinAlpha = 1.0f / 255;          ///< contributions below are skipped
constexpr float kMaxAlpha = 0.999f;              ///< contributions are clamped to this
constexpr float kMinTransmittance = 1e-4f;       ///< a pixel stops before it would fall to this or below
constexpr float kMedianTransmittance = 0.5f;     ///< the median depth is that of the splat which takes the pixel below
constexpr float kBlur = 0.3f;                    ///< added to the diagonal of the 2D covariance, pixels²
constexpr float kMaxExtentInDeviations = 3.33f;  ///< ≥ sqrt(2 ln 255), where opacity 1 falls to kMinAlpha

/// One Gaussian as one camera sees it. Culled: extent_x == 0 and nothing else is meaningful.
struct Splat {
  float x, y;     ///< mean, pixels
  float a, b, c;  ///< inverse 2D covariance [[a, b], [b, c]], 1/pixels²
  float opacity;  ///< with the antialiasing compensation when that is on
  float red, green, blue;
  float depth;               ///< camera z
  float extent_x, extent_y;  ///< half sizes of the box outside which alpha < kMinAlpha, pixels
};
constexpr int kSplatFloats = sizeof(Splat) / sizeof(float);

/// What the pixels of one tile contribute to the gradient of one splat. The sums over s = dL/dσ of the pixels stand for the
/// gradients of mean, covariance and opacity, which follow from them once the tiles are added up.
struct SplatMoments {
  float red, green, blue, depth;
  float s, sx, sy;      ///< Σs, Σs·dx, Σs·dy with d = pixel centre − mean
  float sxx, sxy, syy;  ///< Σs·dx², Σs·dx·dy, Σs·dy²
};
constexpr int kMomentFloats = sizeof(SplatMoments) / sizeof(float);

/// A scene: some Gaussians and the views that see them. Splat (view v, Gaussian g) has index
/// splat_begin + (v - view_begin) · (gaussian_end - gaussian_begin) + (g - gaussian_begin).
struct SceneRange {
  int64_t gaussian_begin, gaussian_end, view_begin, view_end, splat_begin;
  GSV3D_HOST_DEVICE int64_t gaussians() const { return gaussian_end - gaussian_begin; }
  GSV3D_HOST_DEVICE int64_t views() const { return view_end - view_begin; }
};
constexpr int kSceneRangeInts = sizeof(SceneRange) / sizeof(int64_t);

/// A pinhole camera prepared for the kernels: x_camera = rotation · x + translation.
struct View {
  float rotation[9], translation[3];
  float fx, fy, cx, cy;
  float position[3];           ///< camera centre in the world
  double inverse_rotation[9];  ///< of the 3×3 block, which need not be orthogonal
};

struct ImageSize {
  int width = 0, height = 0;
  GSV3D_HOST_DEVICE int64_t pixels() const { return int64_t{width} * height; }
};

}  // namespace gsv3d::splat_math
