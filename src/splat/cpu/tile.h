// What the two blending kernels share about a tile.
#pragma once

#include <algorithm>
#include <cmath>

#include "splat/cpu/blending.h"
#include "splat/cpu/vector_targets.h"

namespace gsv3d::splat_cpu {

/// One tile of one view: its pixels in the image and its part of the lists.
struct Tile {
  int64_t view;
  int x, y, width, height;  ///< first pixel, and the size that lies inside the image
  const TileEntry* entries;
  int count;
  const Splat* splats;
  alignas(64) float pixel_x[kTilePixels], pixel_y[kTilePixels];  ///< centres

  Tile(const BlendInputs& in, int64_t index) {
    const int tiles = in.grid.tiles(), tile = static_cast<int>(index % tiles);
    view = index / tiles;
    x = tile % in.grid.tiles_x * kTile;
    y = tile / in.grid.tiles_x * kTile;
    width = std::min(kTile, in.grid.width - x);
    height = std::min(kTile, in.grid.height - y);
    entries = in.entries + in.tile_offsets[index];
    count = in.tile_offsets[index + 1] - in.tile_offsets[index];
    splats = in.splats + in.views[view].begin;
    for (int i = 0; i < kTilePixels; ++i) {
      pixel_x[i] = static_cast<float>(x + i % kTile) + 0.5f;
      pixel_y[i] = static_cast<float>(y + i / kTile) + 0.5f;
    }
  }

  /// Where row `row` of this tile begins in a plane of an image.
  int64_t offset(const Grid& grid, int row) const { return int64_t{y + row} * grid.width + x; }
};

/// How many entries ahead splats are fetched: they lie scattered in memory.
constexpr int kPrefetch = 4;

/// The spans (pairs of rows) of a tile that a splat can reach.
struct SpanRange {
  int begin, end;
};
GSV3D_INLINE SpanRange span_range(const Splat& splat, int tile_y) {
  // Half a pixel is the way to the centres; 0.01 covers rounding (see binning.cpp).
  const float low = splat.y - splat.extent_y - 0.51f - static_cast<float>(tile_y);
  const float high = splat.y + splat.extent_y - 0.49f - static_cast<float>(tile_y);
  // Truncation instead of floor is right because both are cut to the tile first.
  const int first = static_cast<int>(std::min(std::max(low, 0.0f), static_cast<float>(kTile)));
  const int last = static_cast<int>(std::min(std::max(high, -1.0f) + 1, static_cast<float>(kTile)));
  return {first / 2, (last + 1) / 2};
}

}  // namespace gsv3d::splat_cpu
