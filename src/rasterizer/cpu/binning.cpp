#include "rasterizer/cpu/binning.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <utility>

#include "rasterizer/cpu/ellipse.h"
#include "rasterizer/cpu/parallel.h"
#include "rasterizer/cpu/run_with_avx2.h"

namespace gsv3d::splat_cpu {
namespace {

using splat_math::centres_between;
using splat_math::PixelRange;

/// Calls visit(row, begin, end) for every row of tiles that the splat may reach, with its span of columns: that of the ellipse,
/// not of its box.
template <class Visit>
void for_each_row(const Splat& s, const Grid& grid, const Visit& visit) {
  const float ex = s.extent_x + edge_margin(s.extent_x), ey = s.extent_y + edge_margin(s.extent_y);
  const PixelRange rows = centres_between(s.y - ey, s.y + ey, grid.height), box = centres_between(s.x - ex, s.x + ex, grid.width);
  if (rows.empty() || box.empty()) return;
  const int row_begin = rows.begin / kTile, row_end = (rows.end - 1) / kTile + 1;
  if (box.begin / kTile == (box.end - 1) / kTile) {  // one column of tiles: nothing to gain from the ellipse
    for (int row = row_begin; row < row_end; ++row) visit(row, box.begin / kTile, box.begin / kTile + 1);
    return;
  }
  for (int row = row_begin; row < row_end; ++row) {
    const float top = static_cast<float>(row * kTile) + 0.5f - s.y;
    const Span span = ellipse_span(s, std::max(top, -ey), std::min(top + (kTile - 1), ey));
    const PixelRange columns = centres_between(s.x + span.left, s.x + span.right, grid.width);
    if (!columns.empty()) visit(row, columns.begin / kTile, (columns.end - 1) / kTile + 1);
  }
}

constexpr int32_t kManyTiles = -1;  ///< SplatTiles::first of a splat whose tiles must be found once more
constexpr int kMaxRows = 3;

/// Writes down a splat's rows while they are counted.
struct TilesWriter {
  SplatTiles tiles = {0, 0};
  int count = 0, first_row = 0, first_column = 0;

  void add(const Grid& grid, int row, int begin, int end) {
    if (count == 0) {
      first_row = row, first_column = begin;
      tiles.first = row * grid.tiles_x + begin;
    }
    count += end - begin;
    const int place = row - first_row, shift = begin - first_column;
    if (place >= kMaxRows || end - begin > 15 || shift < -128 || shift > 127) {
      tiles.first = kManyTiles;
      return;
    }
    tiles.rows |= static_cast<uint32_t>(end - begin) << (4 * place);
    if (place > 0) tiles.rows |= (static_cast<uint32_t>(shift) & 0xff) << (12 + 8 * (place - 1));
  }
};

/// Calls visit(tile) for every tile of such a splat.
template <class Visit>
void for_each_tile(SplatTiles tiles, const Grid& grid, const Visit& visit) {
  const int widths[kMaxRows] = {static_cast<int>(tiles.rows & 15), static_cast<int>(tiles.rows >> 4 & 15),
                                static_cast<int>(tiles.rows >> 8 & 15)};
  const int shifts[kMaxRows] = {0, static_cast<int8_t>(tiles.rows >> 12), static_cast<int8_t>(tiles.rows >> 20)};
  for (int row = 0; row < kMaxRows; ++row) {
    const int begin = tiles.first + row * grid.tiles_x + shifts[row];
    for (int tile = begin; tile < begin + widths[row]; ++tile) visit(tile);
  }
}

/// Stable radix sort by depth; `other` is room for as many keys. → where the sorted keys are: one of the two. Depths of one view
/// share most of their leading bits, so that what is left above the least takes two passes as a rule and never more than three.
DepthKey* sort_by_depth(DepthKey* keys, DepthKey* other, int64_t count) {
  constexpr int kMostBits = 12, kMostPasses = 3;
  uint32_t least = std::numeric_limits<uint32_t>::max(), most = 0;
  for (int64_t i = 0; i < count; ++i) least = std::min(least, keys[i].depth), most = std::max(most, keys[i].depth);
  if (most <= least) return keys;
  const int bits = std::bit_width(most - least), passes = (bits + kMostBits - 1) / kMostBits;
  const int bits_each = (bits + passes - 1) / passes;
  const uint32_t buckets = uint32_t{1} << bits_each;
  std::array<std::array<uint32_t, 1 << kMostBits>, kMostPasses> counts;
  for (int pass = 0; pass < passes; ++pass) std::fill_n(counts[pass].begin(), buckets, 0);
  const auto digit = [&](const DepthKey& key, int pass) { return (key.depth - least) >> (pass * bits_each) & (buckets - 1); };
  for (int64_t i = 0; i < count; ++i)
    for (int pass = 0; pass < passes; ++pass) ++counts[pass][digit(keys[i], pass)];
  for (int pass = 0; pass < passes; ++pass) {
    uint32_t sum = 0;
    for (uint32_t b = 0; b < buckets; ++b) sum += std::exchange(counts[pass][b], sum);
    for (int64_t i = 0; i < count; ++i) other[counts[pass][digit(keys[i], pass)]++] = keys[i];
    std::swap(keys, other);
  }
  return keys;
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

/// Counts one view's pairs, per splat and per tile.
inline void count_view(const BinningParameters& in, const BinningScratch& scratch, int64_t view, int32_t* first_slot,
                       int32_t* tile_counts) {
  const auto [begin, splats] = in.views[view];
  DepthKey* keys = scratch.keys + 2 * begin;
  int32_t drawn = 0;
  for (int64_t i = 0; i < splats; ++i) {
    const Splat& s = in.splats[begin + i];
    TilesWriter writer;
    if (s.extent_x > 0) {
      for_each_row(s, in.grid, [&](int row, int first, int end) {
        for (int column = first; column < end; ++column) ++tile_counts[row * in.grid.tiles_x + column];
        writer.add(in.grid, row, first, end);
      });
    }
    first_slot[begin + i] = writer.count;
    scratch.tiles[begin + i] = writer.tiles;
    if (writer.count > 0) keys[drawn++] = {std::bit_cast<uint32_t>(s.depth), static_cast<int32_t>(i)};
  }
  scratch.drawn[view] = drawn;
}

/// The lists of one view's tiles; `next` is where each continues.
inline void fill_view(const BinningParameters& in, const BinningScratch& scratch, int64_t view, const int32_t* first_slot,
                      int32_t* next, TileEntry* entries) {
  const auto [begin, splats] = in.views[view];
  const int32_t count = scratch.drawn[view];
  DepthKey* unsorted = scratch.keys + 2 * begin;
  const DepthKey* keys = sort_by_depth(unsorted, unsorted + splats, count);
  const SplatTiles* all_tiles = scratch.tiles + begin;
  for (int32_t k = 0; k < count; ++k) {
    constexpr int32_t kAhead = 16;  // splats lie scattered in this order
    if (k + kAhead < count) {
      __builtin_prefetch(&all_tiles[keys[k + kAhead].splat]);
      __builtin_prefetch(&first_slot[begin + keys[k + kAhead].splat]);
    }
    const int32_t splat = keys[k].splat;
    int32_t slot = first_slot[begin + splat];
    const auto list = [&](int tile) { entries[next[tile]++] = {splat, slot++}; };
    if (all_tiles[splat].first != kManyTiles) {
      for_each_tile(all_tiles[splat], in.grid, list);
    } else {
      for_each_row(in.splats[begin + splat], in.grid, [&](int row, int first, int end) {
        for (int column = first; column < end; ++column) list(row * in.grid.tiles_x + column);
      });
    }
  }
}

}  // namespace

int64_t count_tile_entries(const BinningParameters& in, const BinningScratch& scratch, int32_t* first_slot,
                           int32_t* tile_offsets) {
  const int tiles = in.grid.tiles();
  std::fill(tile_offsets, tile_offsets + in.view_count * tiles + 1, 0);
  parallel_for(in.view_count, 1, in.threads,
               [&](int64_t view) { run_with_avx2<count_view>(in, scratch, view, first_slot, tile_offsets + view * tiles); });
  if (!exclusive_sum(first_slot, in.splat_count) || !exclusive_sum(tile_offsets, in.view_count * tiles)) return -1;
  return first_slot[in.splat_count];
}

void fill_tile_entries(const BinningParameters& in, const int32_t* first_slot, const int32_t* tile_offsets,
                       const BinningScratch& scratch, TileEntry* entries) {
  const int tiles = in.grid.tiles();
  parallel_for(in.view_count, 1, in.threads, [&](int64_t view) {
    int32_t* next = scratch.next_entry + view * tiles;
    std::copy(tile_offsets + view * tiles, tile_offsets + (view + 1) * tiles, next);
    run_with_avx2<fill_view>(in, scratch, view, first_slot, next, entries);
  });
}

}  // namespace gsv3d::splat_cpu
