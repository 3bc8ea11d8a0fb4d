// The tiles' lists beside a search of every pixel, for splats from less than a pixel to half of the image.
#include "rasterizer/cpu/binning.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <set>
#include <vector>

#include "rasterizer/cpu/projection.h"
#include "rasterizer/cpu/view.h"

namespace gsv3d::splat_cpu {
namespace {

constexpr int kCount = 300, kViews = 2;

struct Lists {
  Grid grid = Grid(399, 150);
  std::vector<Splat> splats = std::vector<Splat>(kCount * kViews);
  ViewRange views[kViews] = {{0, kCount}, {kCount, kCount}};
  std::vector<int32_t> first_slot = std::vector<int32_t>(kCount * kViews + 1), offsets, next,
                       drawn = std::vector<int32_t>(kViews);
  std::vector<DepthKey> keys = std::vector<DepthKey>(2 * kCount * kViews);
  std::vector<SplatTiles> tiles = std::vector<SplatTiles>(kCount * kViews);
  std::vector<TileEntry> entries;

  Lists() : offsets(kViews * grid.tiles() + 1), next(kViews * grid.tiles()) {
    std::mt19937 random(2);
    const auto draw = [&](float low, float high) { return std::uniform_real_distribution<float>(low, high)(random); };
    std::vector<float> means, quats, scales, opacities, colors(3 * kCount, 0.5f);
    for (int i = 0; i < kCount; ++i) {
      const float size = std::exp(draw(-7.5f, -1));
      for (int k = 0; k < 3; ++k) means.push_back(draw(-0.8f, 0.8f)), scales.push_back(size * draw(0.1f, 1));
      if (i % 7 == 0) means[3 * i + 2] = 0.25f;  // equal depths
      for (int k = 0; k < 4; ++k) quats.push_back(draw(-1, 1));
      opacities.push_back(draw(0, 1));
    }
    const float matrix[16] = {1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 2, 0, 0, 0, 1}, intrinsics[9] = {400, 0, 200, 0, 400, 75, 0, 0, 1};
    const View view = make_view(matrix, intrinsics, 0), both[kViews] = {view, view};
    const SceneRange scene = {0, kCount, 0, kViews, 0};
    project_forward({.gaussians = {means.data(), quats.data(), scales.data(), opacities.data(), colors.data(), 0},
                     .scenes = &scene,
                     .scene_count = 1,
                     .views = both,
                     .grid = grid,
                     .antialiased = false,
                     .threads = 1},
                    0.01f, 1e10f, splats.data());
    const BinningParameters parameters = {splats.data(), views, kViews, kCount * kViews, grid, 2};
    const BinningScratch scratch = {keys.data(), tiles.data(), drawn.data(), next.data()};
    const int64_t pairs = count_tile_entries(parameters, scratch, first_slot.data(), offsets.data());
    entries.resize(pairs, {-1, -1});
    fill_tile_entries(parameters, first_slot.data(), offsets.data(), scratch, entries.data());
  }
};

TEST(Binning, EveryPairHasItsOwnSlotAndListsAreInOrderOfDepth) {
  const Lists lists;
  ASSERT_EQ(lists.offsets.back(), static_cast<int32_t>(lists.entries.size()));
  std::set<int32_t> slots;
  for (int t = 0; t < kViews * lists.grid.tiles(); ++t) {
    const int view = t / lists.grid.tiles();
    for (int32_t e = lists.offsets[t]; e < lists.offsets[t + 1]; ++e) {
      const auto& entry = lists.entries[e];
      const int64_t splat = lists.views[view].begin + entry.splat;
      EXPECT_TRUE(slots.insert(entry.slot).second) << entry.slot;
      EXPECT_GE(entry.slot, lists.first_slot[splat]);
      EXPECT_LT(entry.slot, lists.first_slot[splat + 1]);
      if (e == lists.offsets[t]) continue;
      const auto& before = lists.entries[e - 1];
      const float depth = lists.splats[splat].depth, depth_before = lists.splats[lists.views[view].begin + before.splat].depth;
      EXPECT_TRUE(depth_before < depth || (depth_before == depth && before.splat < entry.splat)) << "tile " << t;
    }
  }
  EXPECT_EQ(slots.size(), lists.entries.size());
}

TEST(Binning, NoVisiblePixelIsLeftOut) {
  const Lists lists;
  int small = 0, large = 0;
  int64_t needed = 0;
  for (int i = 0; i < kCount; ++i) {
    const Splat& s = lists.splats[i];
    if (s.extent_x == 0) continue;
    ++(lists.tiles[i].first < 0 ? large : small);
    std::set<int> tiles, listed;
    for (int y = 0; y < lists.grid.height; ++y)
      for (int x = 0; x < lists.grid.width; ++x) {
        const float dx = static_cast<float>(x) + 0.5f - s.x, dy = static_cast<float>(y) + 0.5f - s.y;
        const float sigma = 0.5f * (s.a * dx * dx + s.c * dy * dy) + s.b * dx * dy;
        if (s.opacity * std::exp(-sigma) >= kMinAlpha) tiles.insert(y / kTile * lists.grid.tiles_x + x / kTile);
      }
    for (int t = 0; t < lists.grid.tiles(); ++t)
      for (int32_t e = lists.offsets[t]; e < lists.offsets[t + 1]; ++e)
        if (lists.entries[e].splat == i) listed.insert(t);
    EXPECT_TRUE(std::includes(listed.begin(), listed.end(), tiles.begin(), tiles.end())) << "splat " << i;
    needed += static_cast<int64_t>(tiles.size());
  }
  EXPECT_GT(small, 50);
  EXPECT_GT(large, 20);
  const int64_t listed = lists.first_slot[kCount];
  EXPECT_GE(listed, needed);
  EXPECT_LE(static_cast<double>(listed), 1.1 * static_cast<double>(needed)) << "tiles listed in vain";
}

}  // namespace
}  // namespace gsv3d::splat_cpu
