// Which pixels a splat may reach, row band by row band: the alpha = 1/255 ellipse instead of its box.
#pragma once

#include <algorithm>
#include <cmath>

#include "rasterizer/math/splat.h"

namespace gsv3d::splat_math {

/// Pixels this near the edge of a splat are kept: alpha is tested per pixel anyway, and rounding differs here and there, most for
/// needles.
GSV3D_HOST_DEVICE float edge_margin(float extent) {
  return 0.01f + 1e-4f * extent;
}

/// A range of whole pixels, end excluded.
struct PixelRange {
  int begin, end;
  GSV3D_HOST_DEVICE bool empty() const { return begin >= end; }
};

/// The pixels whose centres lie in [low, high], cut to [0, size).
GSV3D_HOST_DEVICE PixelRange centres_between(float low, float high, int size) {
  const float limit = static_cast<float>(size);
  return {static_cast<int>(std::min(std::max(std::ceil(low - 0.5f), 0.0f), limit)),
          static_cast<int>(std::min(std::max(std::floor(high - 0.5f) + 1, 0.0f), limit))};
}

/// The ellipse's rightmost point is at dy = -b/c · extent_x, its leftmost at the opposite; at height dy it spans
/// -b/a·dy ± sqrt(extent_x² · (1 - dy²/extent_y²) · (1 - b²/(ac))).
struct EllipseRows {
  float x, y, extent_x, extent_y;  ///< extents with the margin
  float right_dy, lean, thickness, inverse_extent_y2;

  GSV3D_HOST_DEVICE explicit EllipseRows(const Splat& s)
      : x(s.x),
        y(s.y),
        extent_x(s.extent_x + edge_margin(s.extent_x)),
        extent_y(s.extent_y + edge_margin(s.extent_y)),
        right_dy(-s.b / s.c * extent_x),
        lean(-s.b / s.a),
        thickness(std::max(1 - s.b * s.b / (s.a * s.c), 0.0f)),
        inverse_extent_y2(1 / (extent_y * extent_y)) {}

  GSV3D_HOST_DEVICE PixelRange rows(int height) const { return centres_between(y - extent_y, y + extent_y, height); }
  GSV3D_HOST_DEVICE PixelRange columns(int width) const { return centres_between(x - extent_x, x + extent_x, width); }

  /// Columns of pixels reached between the rows' centres first_row + 0.5 and last_row + 0.5.
  GSV3D_HOST_DEVICE PixelRange columns_in(int first_row, int last_row, int width) const {
    const float low = std::max(static_cast<float>(first_row) + 0.5f - y, -extent_y),
                high = std::min(static_cast<float>(last_row) + 0.5f - y, extent_y);
    const float at_right = std::min(std::max(right_dy, low), high), at_left = std::min(std::max(-right_dy, low), high);
    return centres_between(x + lean * at_left - reach(at_left) - edge_margin(extent_x),
                           x + lean * at_right + reach(at_right) + edge_margin(extent_x), width);
  }

 private:
  GSV3D_HOST_DEVICE float reach(float dy) const {
    return extent_x * std::sqrt(std::max(1 - dy * dy * inverse_extent_y2, 0.0f) * thickness);
  }
};

/// Calls visit(tile_row, first_column, end_column) for every row of tiles that the splat may reach; → the number of tiles.
template <int kTile, class Visit>
GSV3D_HOST_DEVICE int for_each_tile_row(const Splat& s, ImageSize image, const Visit& visit) {
  const EllipseRows ellipse(s);
  const PixelRange rows = ellipse.rows(image.height), box = ellipse.columns(image.width);
  if (rows.empty() || box.empty()) return 0;
  // In one column of tiles there is nothing to gain from the ellipse.
  const bool one_column = box.begin / kTile == (box.end - 1) / kTile;
  int count = 0;
  for (int row = rows.begin / kTile; row <= (rows.end - 1) / kTile; ++row) {
    const PixelRange columns = one_column ? box : ellipse.columns_in(row * kTile, row * kTile + kTile - 1, image.width);
    if (columns.empty()) continue;
    const int first = columns.begin / kTile, end = (columns.end - 1) / kTile + 1;
    visit(row, first, end);
    count += end - first;
  }
  return count;
}

}  // namespace gsv3d::splat_math
