#include "splat/cpu/binning.h"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>

#include "splat/math/ellipse_rows.h"

namespace gsv3d::splat_cpu {
namespace {

/// Calls visit(tile) for every tile whose pixels the splat may reach; → how many.
template <class Visit>
int for_each_tile(const Splat& s, const Grid& grid, const Visit& visit) {
  return splat_math::for_each_tile_row<kTile>(s, grid, [&](int row, int begin, int end) {
    for (int column = begin; column < end; ++column) visit(row * grid.tiles_x + column);
  });
}

struct DepthKey {
  uint32_t depth;
  int32_t splat;
};

/// Stable radix sort by depth. Depths are positive, so that their bits order like they do.
void sort_by_depth(std::vector<DepthKey>& keys) {
  constexpr int kBits = 11, kBuckets = 1 << kBits;
  std::vector<DepthKey> other(keys.size());
  std::array<std::array<uint32_t, kBuckets>, 3> counts = {};
  for (const auto& key : keys)
    for (int pass = 0; pass < 3; ++pass) ++counts[pass][key.depth >> (pass * kBits) & (kBuckets - 1)];
  for (int pass = 0; pass < 3; ++pass) {
    uint32_t sum = 0;
    bool all_equal = false;
    for (auto& count : counts[pass]) {
      all_equal |= count == keys.size();
      const uint32_t next = sum + count;
      count = sum;
      sum = next;
    }
    if (all_equal) continue;
    for (const auto& key : keys) other[counts[pass][key.depth >> (pass * kBits) & (kBuckets - 1)]++] = key;
    keys.swap(other);
  }
}

/// Turns counts into the running sums before each element; → false when they leave the range of int32.
bool exclusive_sum(int32_t* values, int64_t count) {
  int64_t sum = 0;
  for (int64_t i = 0; i <= count; ++i) {
    const int64_t next = i < count ? sum + values[i] : sum;
    values[i] = static_cast<int32_t>(sum);
    sum = next;
    if (sum > std::numeric_limits<int32_t>::max()) return false;
  }
  return true;
}

}  // namespace

int64_t count_tile_entries(const BinningParameters& in, int32_t* first_slot, int32_t* tile_offsets) {
  const int tiles = in.grid.tiles();
  std::fill(tile_offsets, tile_offsets + in.view_count * tiles + 1, 0);
#pragma omp parallel for schedule(dynamic) num_threads(in.threads)
  for (int64_t view = 0; view < in.view_count; ++view) {
    int32_t* tile_counts = tile_offsets + view * tiles;
    for (int64_t i = in.views[view].begin; i < in.views[view].begin + in.views[view].count; ++i) {
      const auto& splat = in.splats[i];
      first_slot[i] = splat.extent_x > 0 ? for_each_tile(splat, in.grid, [&](int tile) { ++tile_counts[tile]; }) : 0;
    }
  }
  if (!exclusive_sum(first_slot, in.splat_count) || !exclusive_sum(tile_offsets, in.view_count * tiles)) return -1;
  return first_slot[in.splat_count];
}

void fill_tile_entries(const BinningParameters& in, const int32_t* first_slot, const int32_t* tile_offsets, TileEntry* entries) {
  const int tiles = in.grid.tiles();
#pragma omp parallel for schedule(dynamic) num_threads(in.threads)
  for (int64_t view = 0; view < in.view_count; ++view) {
    const int64_t begin = in.views[view].begin;
    std::vector<DepthKey> keys;
    keys.reserve(in.views[view].count);
    for (int64_t i = 0; i < in.views[view].count; ++i)
      if (first_slot[begin + i] != first_slot[begin + i + 1])
        keys.push_back({std::bit_cast<uint32_t>(in.splats[begin + i].depth), static_cast<int32_t>(i)});
    sort_by_depth(keys);
    std::vector<int32_t> next(tile_offsets + view * tiles, tile_offsets + (view + 1) * tiles);
    for (const auto& key : keys) {
      int32_t slot = first_slot[begin + key.splat];
      for_each_tile(in.splats[begin + key.splat], in.grid, [&](int tile) { entries[next[tile]++] = {key.splat, slot++}; });
    }
  }
}

}  // namespace gsv3d::splat_cpu
