// Plain data that the CPU rasterizer's kernels share. Nothing in this folder knows of tensors: the kernels take pointers and
// sizes, and src/splat/rasterize_function.cpp binds them. The rules behind the numbers are in docs/rasterizer.md.
#pragma once

#include <cstdint>
#include <vector>

#include "splat/math/splat.h"

namespace gsv3d::splat_cpu {

constexpr int kTile = 8;  ///< images are blended in tiles of 8 × 8 pixels
constexpr int kTilePixels = kTile * kTile;
constexpr int kLanes = 16;                    ///< pixels handled together: two rows of a tile, one AVX-512 register
constexpr int kSpans = kTilePixels / kLanes;  ///< pairs of rows in a tile
constexpr int kGaussianChunk = 256;  ///< Gaussians per unit of work; fixed, so that sums do not depend on the number of threads

// What these kernels share with the CUDA ones.
using splat_math::GaussianArrays;
using splat_math::ImageSize;
using splat_math::kBlur;
using splat_math::kMaxAlpha;
using splat_math::kMaxExtentInDeviations;
using splat_math::kMinAlpha;
using splat_math::kMinTransmittance;
using splat_math::kMomentFloats;
using splat_math::kSceneRangeInts;
using splat_math::kSplatFloats;
using splat_math::SceneRange;
using splat_math::Splat;
using splat_math::SplatMoments;
using splat_math::View;

/// One splat in the list of one tile.
struct TileEntry {
  int32_t splat;  ///< index within the view's splats
  int32_t slot;   ///< this pair's place among all pairs ordered by splat: where its SplatMoments go
};
static_assert(sizeof(TileEntry) == 2 * sizeof(int32_t));

/// The splats of one view within the array of all splats.
struct ViewRange {
  int64_t begin, count;
};

/// Image size, common to all views, and its tiles.
struct Grid : ImageSize {
  int tiles_x = 0, tiles_y = 0;
  Grid() = default;
  Grid(int image_width, int image_height)
      : ImageSize{image_width, image_height}, tiles_x((width + kTile - 1) / kTile), tiles_y((height + kTile - 1) / kTile) {}
  int tiles() const { return tiles_x * tiles_y; }
};

/// The splats of every view, in order of the views.
std::vector<ViewRange> view_ranges(const SceneRange* scenes, int64_t scene_count);

/// A run of at most kGaussianChunk Gaussians of one scene.
struct GaussianChunk {
  int64_t scene, begin, end;
};
std::vector<GaussianChunk> gaussian_chunks(const SceneRange* scenes, int64_t scene_count);

}  // namespace gsv3d::splat_cpu
