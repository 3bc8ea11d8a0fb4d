// Which pixels of a row lie within a splat's alpha = kMinAlpha contour.
#pragma once

#include <algorithm>
#include <cmath>

#include "rasterizer/cpu/layout.h"
#include "rasterizer/math/ellipse_rows.h"

namespace gsv3d::splat_cpu {

using splat_math::edge_margin;

/// A range of x relative to the mean.
struct Span {
  float left, right;
};

/// The x that the ellipse covers between heights low ≤ high over the mean, both within ± (extent_y + margin).
inline Span ellipse_span(const Splat& s, float low, float high) {
  const float right_dy = s.fall * s.extent_x;
  const float at_right = std::min(std::max(right_dy, low), high), at_left = std::min(std::max(-right_dy, low), high);
  const float inverse = 1 / (s.extent_y + edge_margin(s.extent_y));
  const auto half_width = [&](float dy) {
    const float t = dy * inverse;
    return s.half_width * std::sqrt(std::max(1 - t * t, 0.0f));
  };
  const float extra = edge_margin(s.extent_x);
  return {s.lean * at_left - half_width(at_left) - extra, s.lean * at_right + half_width(at_right) + extra};
}

}  // namespace gsv3d::splat_cpu
