// Which splats each tile blends, and in which order: nearest first, equal depths in the order of the Gaussians.
#pragma once

#include "rasterizer/cpu/layout.h"

namespace gsv3d::splat_cpu {

struct BinningParameters {
  const Splat* splats;
  const ViewRange* views;
  int64_t view_count, splat_count;
  Grid grid;
  int threads;
};

/// A splat to sort by depth.
struct DepthKey {
  uint32_t depth;  ///< the bits of the float, which order like it for positive numbers
  int32_t splat;   ///< within its view
};

/// The tiles of a small splat: three rows of tiles at most.
struct SplatTiles {
  int32_t first;  ///< of the first row
  uint32_t rows;  ///< from the lowest bits: widths, 4 bits each, then how far rows 1 and 2 are shifted to the right, 8 bits each
};
static_assert(sizeof(SplatTiles) == 8);

/// What count_tile_entries leaves for fill_tile_entries, so that it need not look at the splats again.
struct BinningScratch {
  DepthKey* keys;       ///< [2 · splat_count]
  SplatTiles* tiles;    ///< [splat_count]
  int32_t* drawn;       ///< [view_count] how many of a view's splats have tiles
  int32_t* next_entry;  ///< [view_count · tiles]
};

/// Fills first_slot [splat_count + 1], the running number of (splat, tile) pairs before each splat, and tile_offsets
/// [view_count · tiles + 1], where each tile's list begins. → the number of pairs, or -1 when it exceeds 2³¹ - 1.
int64_t count_tile_entries(const BinningParameters& parameters, const BinningScratch& scratch, int32_t* first_slot,
                           int32_t* tile_offsets);

/// Fills the lists of all tiles [pairs], given the counts.
void fill_tile_entries(const BinningParameters& parameters, const int32_t* first_slot, const int32_t* tile_offsets,
                       const BinningScratch& scratch, TileEntry* entries);

}  // namespace gsv3d::splat_cpu
