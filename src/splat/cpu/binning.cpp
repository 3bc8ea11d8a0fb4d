#include "splat/cpu/binning.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

namespace gsv3d::splat_cpu {
namespace {

// Pixels this near the edge of a splat are kept: alpha is tested per pixel anyway, and rounding differs here and there, most for
// needles.
float margin(float extent) {
  return 0.01f + 1e-4f * extent;
}

/// Calls visit(tile) for every tile whose pixels the splat may reach. Per row of tiles the span is that of the ellipse, not of
/// its box.
template <class Visit>
void for_each_tile(const Splat& s, const Grid& grid, const Visit& visit) {
  const float ex = s.extent_x + margin(s.extent_x), ey = s.extent_y + margin(s.extent_y);
  const auto limit = [](float value, int size) {
    return static_cast<int>(std::min(std::max(value, 0.0f), static_cast<float>(size)));
  };
  const int y_begin = limit(std::ceil(s.y - ey - 0.5f), grid.height), y_end = limit(std::floor(s.y + ey - 0.5f) + 1, grid.height);
  if (y_begin >= y_end) return;
  const int box_begin = limit(std::ceil(s.x - ex - 0.5f), grid.width),
            box_end = limit(std::floor(s.x + ex - 0.5f) + 1, grid.width);
  if (box_begin >= box_end) return;
  if (box_begin / kTile == (box_end - 1) / kTile) {  // one column of tiles: nothing to gain from the ellipse
    for (int row = y_begin / kTile; row <= (y_end - 1) / kTile; ++row) visit(row * grid.tiles_x + box_begin / kTile);
    return;
  }
  // The ellipse's rightmost point is at dy = -b/c · extent_x, its leftmost at the opposite; at height dy it spans
  // -b/a·dy ± sqrt(extent_x² · (1 - dy²/extent_y²) · (1 - b²/(ac))).
  const float right_dy = -s.b / s.c * ex, lean = -s.b / s.a, thickness = std::max(1 - s.b * s.b / (s.a * s.c), 0.0f);
  const float inverse_ey2 = 1 / (ey * ey);
  const auto reach = [&](float dy) { return ex * std::sqrt(std::max(1 - dy * dy * inverse_ey2, 0.0f) * thickness); };
  for (int row = y_begin / kTile; row <= (y_end - 1) / kTile; ++row) {
    const float low = std::max(row * kTile + 0.5f - s.y, -ey), high = std::min(row * kTile + kTile - 0.5f - s.y, ey);
    const float at_right = std::min(std::max(right_dy, low), high), at_left = std::min(std::max(-right_dy, low), high);
    const float x_right = s.x + lean * at_right + reach(at_right) + margin(ex);
    const float x_left = s.x + lean * at_left - reach(at_left) - margin(ex);
    const int x_begin = limit(std::ceil(x_left - 0.5f), grid.width), x_end = limit(std::floor(x_right - 0.5f) + 1, grid.width);
    if (x_begin >= x_end) continue;
    for (int column = x_begin / kTile; column <= (x_end - 1) / kTile; ++column) visit(row * grid.tiles_x + column);
  }
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
      int32_t count = 0;
      if (in.splats[i].extent_x > 0) {
        for_each_tile(in.splats[i], in.grid, [&](int tile) {
          ++tile_counts[tile];
          ++count;
        });
      }
      first_slot[i] = count;
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
