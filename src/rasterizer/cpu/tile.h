// One tile of one view, as both directions of blending see it.
#pragma once

#include <algorithm>
#include <cstring>

#include "rasterizer/cpu/blending.h"
#include "rasterizer/cpu/ellipse.h"

namespace gsv3d::splat_cpu {

constexpr int kBatch = 64;  ///< entries of a tile that are blended together

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
  /// cache. Inlined by force: GCC takes a function that only prefetches for one without effect and drops its calls.
  __attribute__((always_inline)) void prefetch(int entry) const {
    if (entry >= 0 && entry < count) __builtin_prefetch(&splats[entries[entry].splat]);
  }

  /// Fetches those of entries [begin, begin + kBatch).
  __attribute__((always_inline)) void prefetch_batch(int begin) const {
    for (int e = begin; e < begin + kBatch; ++e) prefetch(e);
  }

  /// Calls visit(block, lane, pixel, count) for every row of every block, as far as it lies inside the image: `count` pixels from
  /// place `pixel` of a plane, which a block holds from `lane` on.
  template <class Visit>
  void for_each_row(const Grid& grid, const Visit& visit) const {
    const int rows = std::min(kTile, grid.height - y), columns = std::min(kTile, grid.width - x);
    for (int row = 0; row < rows; ++row)
      for (int column = 0; column < columns; column += kBlock)
        visit(row / kBlock * kBlocksAcross + column / kBlock, row % kBlock * kBlock, int64_t{y + row} * grid.width + x + column,
              std::min(kBlock, columns - column));
  }
};

/// One row of a block, the whole of it nearly always.
template <class T>
void copy_row(const T* from, T* to, int count) {
  if (count == kBlock)
    std::memcpy(to, from, sizeof(T) * kBlock);
  else
    std::copy(from, from + count, to);
}

/// Where the pixels of a block lie in it.
alignas(64) constexpr float kLaneX[kBlockPixels] = {0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3};
alignas(64) constexpr float kLaneY[kBlockPixels] = {0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3};

}  // namespace gsv3d::splat_cpu
