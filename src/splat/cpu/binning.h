// Which splats each tile blends, and in which order: nearest first, equal depths in the order of the Gaussians.
#pragma once

#include "splat/cpu/layout.h"

namespace gsv3d::splat_cpu {

struct BinningParameters {
  const Splat* splats;
  const ViewRange* views;
  int64_t view_count, splat_count;
  Grid grid;
  int threads;
};

/// Fills first_slot [splat_count + 1], the running number of (splat, tile) pairs before each splat, and tile_offsets
/// [view_count · tiles + 1], where each tile's list begins. → the number of pairs, or -1 when it exceeds 2³¹ - 1.
int64_t count_tile_entries(const BinningParameters& parameters, int32_t* first_slot, int32_t* tile_offsets);

/// Fills the lists of all tiles [pairs], given the counts.
void fill_tile_entries(const BinningParameters& parameters, const int32_t* first_slot, const int32_t* tile_offsets,
                       TileEntry* entries);

}  // namespace gsv3d::splat_cpu
