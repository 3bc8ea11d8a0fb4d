// Plain data that the CPU rasterizer's kernels share. Nothing in this folder knows of tensors: the kernels take pointers and
// sizes, and src/rasterizer/rasterize_function.cpp binds them. The rules behind the numbers are in docs/rasterizer.md.
#pragma once

#include <cstdint>
#include <vector>

#include "rasterizer/cpu/vector_targets.h"
#include "rasterizer/math/splat.h"

namespace gsv3d::splat_cpu {

constexpr int kTile = 16;                      ///< images are cut into tiles of 16 × 16 pixels, each with its list of splats
constexpr int kBlock = 4;                      ///< a tile is blended in blocks of 4 × 4 pixels, those that a splat reaches
constexpr int kBlockPixels = kBlock * kBlock;  ///< what vector registers hold: one of AVX-512, two of AVX2, four of SSE
constexpr int kBlocksAcross = kTile / kBlock;
constexpr int kBlocks = kBlocksAcross * kBlocksAcross;

constexpr int kGaussianChunk = 256;  ///< Gaussians per unit of work; fixed, so that sums do not depend on the number of threads

constexpr float kLog2E = 1.44269504088896341f;

// What these kernels share with the CUDA ones.
using splat_math::ImageSize;
using splat_math::kBlur;
using splat_math::kMaxAlpha;
using splat_math::kMaxExtentInDeviations;
using splat_math::kMedianTransmittance;
using splat_math::kMinAlpha;
using splat_math::kMinTransmittance;
using splat_math::kMomentFloats;
using splat_math::kSceneRangeInts;
using splat_math::SceneRange;
using splat_math::SplatMoments;
using splat_math::View;

/// One Gaussian as one camera sees it, and its alpha = kMinAlpha contour, an ellipse (see ellipse.h and block_mask): one cache
/// line.
struct alignas(64) Splat : splat_math::Splat {
  float lean, fall;  ///< -b/a, the dx per dy of the middle of a row; -b/c, the dy per dx of the middle of a column
  float half_width;  ///< of the row through the mean, with a margin
  float contour;     ///< σ / ln 2 there, with a margin
};
static_assert(sizeof(Splat) == 64);
constexpr int kSplatFloats = sizeof(Splat) / sizeof(float);

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
/// How many the scenes have, and one of them; 0 ≤ index < that many.
int64_t gaussian_chunks(const SceneRange* scenes, int64_t scene_count);
GaussianChunk gaussian_chunk(const SceneRange* scenes, int64_t index);

}  // namespace gsv3d::splat_cpu
