// One tile of one view, as both directions of blending see it.
#pragma once

#include <algorithm>

#include "splat/cpu/blending.h"
#include "splat/cpu/ellipse.h"

namespace gsv3d::splat_cpu {

/// Its place in the image and its part of the lists.
struct Tile {
  int64_t view;
  int x, y;  ///< first pixel
  const TileEntry* entries;
  int count;
  const Splat* splats;

  Tile(const BlendInputs& in, int64_t index) {
    const int tiles = in.grid.tiles(), tile = static_cast<int>(index % tiles);
    view = index / tiles;
    x = tile % in.grid.tiles_x * kTile;
    y = tile / in.grid.tiles_x * kTile;
    entries = in.entries + in.tile_offsets[index];
    count = in.tile_offsets[index + 1] - in.tile_offsets[index];
    splats = in.splats + in.views[view].begin;
  }

  /// Fetches an entry's splat, should there be such an entry: splats lie scattered in memory, so that most are not in a near
  /// cache.
  void prefetch(int entry) const {
    if (entry >= 0 && entry < count) __builtin_prefetch(&splats[entries[entry].splat]);
  }

  /// Calls visit(block, lane, pixel) for every pixel inside the image; `pixel` is its place in a plane.
  template <class Visit>
  void for_each_pixel(const Grid& grid, const Visit& visit) const {
    const int rows = std::min(kTile, grid.height - y), columns = std::min(kTile, grid.width - x);
    for (int row = 0; row < rows; ++row) {
      const int64_t begin = int64_t{y + row} * grid.width + x;
      for (int column = 0; column < columns; ++column)
        visit(row / kBlock * kBlocksAcross + column / kBlock, row % kBlock * kBlock + column % kBlock, begin + column);
    }
  }
};

/// Where the pixels of a block lie in it.
alignas(64) constexpr float kLaneX[kBlockPixels] = {0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3};
alignas(64) constexpr float kLaneY[kBlockPixels] = {0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3};

}  // namespace gsv3d::splat_cpu
