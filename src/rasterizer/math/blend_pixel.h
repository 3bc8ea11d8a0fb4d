// One splat on one pixel, forward and backward (rules 5-8 of docs/rasterizer.md); the CPU kernels have their own version for 16
// pixels at a time.
#pragma once

#include <cmath>

#include "rasterizer/math/splat.h"

namespace gsv3d::splat_math {

struct SplatAlpha {
  float dx, dy;  ///< pixel centre − mean
  float raw;     ///< opacity·exp(-σ), before the clamp
  float alpha;
  bool hit;  ///< not skipped
};

/// Both directions must see the same bits, or they would disagree on which pixels are hit: so no a·b + c is left for the compiler
/// to fuse or not.
GSV3D_HOST_DEVICE SplatAlpha splat_alpha(const Splat& s, float pixel_x, float pixel_y) {
  SplatAlpha r;
  r.dx = pixel_x - s.x;
  r.dy = pixel_y - s.y;
  const float sigma = fmaf(0.5f * r.dx, s.a * r.dx, fmaf(0.5f * r.dy, s.c * r.dy, s.b * r.dx * r.dy));
#if defined(__CUDA_ARCH__)
  r.raw = s.opacity * __expf(-sigma);
#else
  r.raw = s.opacity * std::exp(-sigma);
#endif
  r.alpha = r.raw < kMaxAlpha ? r.raw : kMaxAlpha;
  r.hit = sigma >= 0 && r.alpha >= kMinAlpha;
  return r;
}

struct PixelForward {
  float red = 0, green = 0, blue = 0, depth = 0;
  float median_depth = 0;  ///< of the first splat after which the transmittance is below kMedianTransmittance
  float transmittance = 1;
  int32_t last = 0;  ///< number of the last splat that was added
  bool live;         ///< not yet stopped
};

/// `number` counts the tile's splats from 1.
GSV3D_HOST_DEVICE void blend_pixel(const Splat& s, float pixel_x, float pixel_y, int32_t number, PixelForward& p) {
  const SplatAlpha at = splat_alpha(s, pixel_x, pixel_y);
  if (!(at.hit && p.live)) return;
  const float before = p.transmittance, after = before * (1 - at.alpha);
  if (!(after > kMinTransmittance)) {
    p.live = false;
    return;
  }
  const float weight = at.alpha * before;
  p.red += weight * s.red;
  p.green += weight * s.green;
  p.blue += weight * s.blue;
  p.depth += weight * s.depth;
  if (before >= kMedianTransmittance && after < kMedianTransmittance) p.median_depth = s.depth;
  p.transmittance = after;
  p.last = number;
}

struct PixelBackward {
  float v_red = 0, v_green = 0, v_blue = 0, v_depth = 0, v_alpha = 0;
  float transmittance = 1;  ///< behind the current splat
  float behind = 0;         ///< Σ weight·f of all splats behind, and the background's part: see cpu/blend_backward.cpp
  int32_t last = 0;
};

/// Adds nothing to `p` and fills no moment when the splat was not added to this pixel (→ false). Called last splat first.
GSV3D_HOST_DEVICE bool blend_pixel_backward(const Splat& s, float pixel_x, float pixel_y, int32_t number, PixelBackward& p,
                                            float (&moments)[kMomentFloats]) {
  const SplatAlpha at = splat_alpha(s, pixel_x, pixel_y);
  if (!(at.hit && number <= p.last)) return false;
#if defined(__CUDA_ARCH__)
  const float inverse = __fdividef(1.0f, 1 - at.alpha);
#else
  const float inverse = 1 / (1 - at.alpha);
#endif
  const float before = p.transmittance * inverse, weight = at.alpha * before;
  const float value = s.red * p.v_red + s.green * p.v_green + s.blue * p.v_blue + s.depth * p.v_depth + p.v_alpha;
  const float v_alpha = before * value - p.behind * inverse;
  const float v_sigma = at.raw <= kMaxAlpha ? -at.raw * v_alpha : 0;
  p.transmittance = before;
  p.behind += weight * value;
  const float vx = v_sigma * at.dx, vy = v_sigma * at.dy;
  moments[0] = weight * p.v_red;
  moments[1] = weight * p.v_green;
  moments[2] = weight * p.v_blue;
  moments[3] = weight * p.v_depth;
  moments[4] = v_sigma;
  moments[5] = vx;
  moments[6] = vy;
  moments[7] = vx * at.dx;
  moments[8] = vx * at.dy;
  moments[9] = vy * at.dy;
  return true;
}

}  // namespace gsv3d::splat_math
