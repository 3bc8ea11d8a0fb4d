// Plain data that the CPU rasterizer's kernels share. Nothing in this folder knows of tensors: the kernels take pointers and
// sizes, and src/splat/rasterize_function.cpp binds them. The rules behind the numbers are in docs/rasterizer.md.
#pragma once

#include <cstdint>
#include <vector>

namespace gsv3d::splat_cpu {

constexpr int kTile = 16;                      ///< images are cut into tiles of 16 × 16 pixels, each with its list of splats
constexpr int kBlock = 4;                      ///< a tile is blended in blocks of 4 × 4 pixels, those that a splat reaches
constexpr int kBlockPixels = kBlock * kBlock;  ///< what vector registers hold: one of AVX-512, two of AVX2, four of SSE
constexpr int kBlocksAcross = kTile / kBlock;
constexpr int kBlocks = kBlocksAcross * kBlocksAcross;

/// Instruction sets that the blending kernels are compiled for.
enum class VectorTarget { kPortable, kAvx2, kAvx512 };

constexpr int kGaussianChunk = 256;  ///< Gaussians per unit of work; fixed, so that sums do not depend on the number of threads

constexpr float kLog2E = 1.44269504088896341f;
constexpr float kMinAlpha = 1.0f / 255;          ///< contributions below are skipped
constexpr float kMaxAlpha = 0.999f;              ///< contributions are clamped to this
constexpr float kMinTransmittance = 1e-4f;       ///< a pixel stops before it would fall to this or below
constexpr float kBlur = 0.3f;                    ///< added to the diagonal of the 2D covariance, pixels²
constexpr float kMedianTransmittance = 0.5f;     ///< the median depth is that of the splat with which T falls below this
constexpr float kMaxExtentInDeviations = 3.33f;  ///< ≥ sqrt(2 ln 255), where opacity 1 falls to kMinAlpha

/// One Gaussian as one camera sees it, one cache line. Culled: extent_x == 0 and nothing else is meaningful.
struct alignas(64) Splat {
  float x, y;     ///< mean, pixels
  float a, b, c;  ///< inverse 2D covariance [[a, b], [b, c]], 1/pixels²
  float opacity;  ///< with the antialiasing compensation when that is on
  float red, green, blue;
  float depth;               ///< camera z
  float extent_x, extent_y;  ///< half sizes of the box outside which alpha < kMinAlpha, pixels
  // The contour alpha = kMinAlpha is an ellipse, see ellipse.h and block_mask.
  float lean, fall;  ///< -b/a, the dx per dy of the middle of a row; -b/c, the dy per dx of the middle of a column
  float half_width;  ///< of the row through the mean, with a margin
  float contour;     ///< σ / ln 2 there, with a margin
};
static_assert(sizeof(Splat) == 64);
constexpr int kSplatFloats = sizeof(Splat) / sizeof(float);

/// What the pixels of one tile contribute to the gradient of one splat. The sums over s = dL/dσ of the pixels stand for the
/// gradients of mean, covariance and opacity, which follow from them once the tiles are added up.
struct SplatMoments {
  float red, green, blue, depth;
  float s, sx, sy;      ///< Σs, Σs·dx, Σs·dy with d = pixel centre − mean
  float sxx, sxy, syy;  ///< Σs·dx², Σs·dx·dy, Σs·dy²
};
constexpr int kMomentFloats = sizeof(SplatMoments) / sizeof(float);

/// One splat in the list of one tile.
struct TileEntry {
  int32_t splat;  ///< index within the view's splats
  int32_t slot;   ///< this pair's place among all pairs ordered by splat: where its SplatMoments go
};
static_assert(sizeof(TileEntry) == 2 * sizeof(int32_t));

/// A scene: some Gaussians and the views that see them. Splat (view v, Gaussian g) has index
/// splat_begin + (v - view_begin) · (gaussian_end - gaussian_begin) + (g - gaussian_begin).
struct SceneRange {
  int64_t gaussian_begin, gaussian_end, view_begin, view_end, splat_begin;
  int64_t gaussians() const { return gaussian_end - gaussian_begin; }
  int64_t views() const { return view_end - view_begin; }
};
constexpr int kSceneRangeInts = sizeof(SceneRange) / sizeof(int64_t);

/// The splats of one view within the array of all splats.
struct ViewRange {
  int64_t begin, count;
};

/// A pinhole camera prepared for the kernels: x_camera = rotation · x + translation.
struct View {
  float rotation[9], translation[3];
  float fx, fy, cx, cy;
  float position[3];           ///< camera centre in the world
  double inverse_rotation[9];  ///< of the 3×3 block, which need not be orthogonal
};

/// Image size, common to all views, and its tiles.
struct Grid {
  int width = 0, height = 0, tiles_x = 0, tiles_y = 0;
  Grid() = default;
  Grid(int image_width, int image_height)
      : width(image_width), height(image_height), tiles_x((width + kTile - 1) / kTile), tiles_y((height + kTile - 1) / kTile) {}
  int tiles() const { return tiles_x * tiles_y; }
  int64_t pixels() const { return int64_t{width} * height; }
};

/// The splats of every view, in order of the views.
std::vector<ViewRange> view_ranges(const SceneRange* scenes, int64_t scene_count);

/// A run of at most kGaussianChunk Gaussians of one scene.
struct GaussianChunk {
  int64_t scene, begin, end;
};
std::vector<GaussianChunk> gaussian_chunks(const SceneRange* scenes, int64_t scene_count);

}  // namespace gsv3d::splat_cpu
