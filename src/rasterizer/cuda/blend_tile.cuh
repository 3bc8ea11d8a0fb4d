// What the two blending kernels share: a block is one tile of one view, a thread one pixel, a warp 8 × 4 neighbouring pixels, and
// the tile's splats pass through shared memory in batches. While a batch is loaded, each splat is tested against the warps'
// rectangles, so that a warp runs only through the splats that can reach it: with small splats that is a fraction of the tile's
// list.
#pragma once

#include "rasterizer/cuda/splat_vectors.cuh"
#include "rasterizer/math/blend_pixel.h"
#include "rasterizer/math/ellipse_rows.h"

namespace gsv3d::splat_cuda {

constexpr int kBlendThreads = kTile * kTile;
constexpr int kBatch = 64;  ///< splats in shared memory; kBlendThreads / kBatch threads load each
constexpr int kRectWidth = 8, kRectHeight = 4;
constexpr int kRectColumns = kTile / kRectWidth, kBands = kTile / kRectHeight;
constexpr int kWarps = kBlendThreads / kWarp;
static_assert(kRectWidth * kRectHeight == kWarp && kRectColumns * kBands == kWarps && kBatch * kBands == kBlendThreads);

/// The place of this thread in its view's image.
struct TilePixel {
  int64_t view;
  int tile_x, tile_y;  ///< first pixel of the tile
  int column, row;
  int warp, lane, band, rect_column;
  bool inside;

  __device__ __forceinline__ TilePixel(const Grid& grid, int64_t block, int thread) {
    const int tile = static_cast<int>(block % grid.tiles());
    view = block / grid.tiles();
    tile_x = tile % grid.tiles_x * kTile;
    tile_y = tile / grid.tiles_x * kTile;
    warp = thread / kWarp, lane = thread % kWarp;
    band = warp / kRectColumns, rect_column = warp % kRectColumns;
    column = tile_x + rect_column * kRectWidth + lane % kRectWidth;
    row = tile_y + band * kRectHeight + lane / kRectWidth;
    inside = column < grid.width && row < grid.height;
  }
  __device__ __forceinline__ float centre_x() const { return static_cast<float>(column) + 0.5f; }
  __device__ __forceinline__ float centre_y() const { return static_cast<float>(row) + 0.5f; }
  /// Of a plane of V images.
  __device__ __forceinline__ int64_t pixel(const Grid& grid) const {
    return view * grid.pixels() + int64_t{row} * grid.width + column;
  }
};

struct Batch {
  float4 splats[kBatch * kSplatVectors];
  unsigned char reach[kBands][kBatch];  ///< bit c: the splat may touch rectangle c of the band

  /// Loads entries[0 … count): thread (splat, band) tests one band's rectangles. Synchronise before and after.
  __device__ __forceinline__ void load(const BlendInputs& in, const uint32_t* entries, int count, const TilePixel& pixel,
                                       int thread) {
    const int k = thread % kBatch, band = thread / kBatch;
    if (k >= count) {
      reach[band][k] = 0;
      return;
    }
    const float4* source = in.splats + int64_t{kSplatVectors} * entries[k];
    const Splat splat = load_splat(source);
    if (band == 0) store_splat(splat, splats + kSplatVectors * k);
    reach[band][k] = reached_rectangles(splat, in.grid, pixel.tile_x, pixel.tile_y + band * kRectHeight);
  }

  /// The splats among [begin, begin + 32) that the calling warp must look at, one bit each.
  __device__ __forceinline__ unsigned reached_by(const TilePixel& pixel, int begin) const {
    return __ballot_sync(kAllLanes, reach[pixel.band][begin + pixel.lane] >> pixel.rect_column & 1);
  }

 private:
  static __device__ __forceinline__ unsigned char reached_rectangles(const Splat& splat, const Grid& grid, int x, int y) {
    const splat_math::EllipseRows ellipse(splat);
    const auto rows = ellipse.rows(grid.height);
    if (rows.begin >= y + kRectHeight || rows.end <= y) return 0;
    const auto columns = ellipse.columns_in(y, y + kRectHeight - 1, grid.width);
    unsigned char bits = 0;
#pragma unroll
    for (int c = 0; c < kRectColumns; ++c)
      if (columns.begin < x + (c + 1) * kRectWidth && columns.end > x + c * kRectWidth) bits |= 1 << c;
    return bits;
  }
};

}  // namespace gsv3d::splat_cuda
