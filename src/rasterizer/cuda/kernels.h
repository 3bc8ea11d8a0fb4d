// The CUDA kernels' parameters and entry points: plain pointers and sizes, no tensor types and no CUDA headers. Every pointer is
// device memory. Each function starts its kernels on `stream`, does not wait, and returns a Status.
#pragma once

#include <cstddef>
#include <cstdint>

#include "rasterizer/math/splat.h"

struct CUstream_st;
struct float4;

namespace gsv3d::splat_cuda {

using splat_math::ImageSize;
using splat_math::SceneRange;
using splat_math::View;

using Stream = CUstream_st*;  ///< cudaStream_t
using Status = int;           ///< cudaError_t: 0 is success
const char* status_text(Status status);

constexpr int kTile = 16;            ///< images are blended in tiles of 16 × 16 pixels, one thread each
constexpr int kGaussianChunk = 128;  ///< Gaussians per block of the projection kernels
constexpr int kSplatVectors = 3;     ///< a Splat as float4s: (x y a b) (c opacity red green) (blue depth extent_x extent_y)

/// All scenes' Gaussians, joined; float32 arrays without gaps.
struct GaussianArrays {
  const float* means;      ///< [G, 3]
  const float* quats;      ///< [G, 4] w, x, y, z, any length
  const float* scales;     ///< [G, 3]
  const float* opacities;  ///< [G]
  const float* colors;     ///< [G, sh_count, 3] coefficients, or [G, 3] colours used as they are when sh_count is 0
  int sh_count;
};

/// Image size, common to all views, and its tiles.
struct Grid : ImageSize {
  int tiles_x = 0, tiles_y = 0;
  Grid() = default;
  Grid(int image_width, int image_height)
      : ImageSize{image_width, image_height}, tiles_x((width + kTile - 1) / kTile), tiles_y((height + kTile - 1) / kTile) {}
  GSV3D_HOST_DEVICE int tiles() const { return tiles_x * tiles_y; }
};

/// A scene and its share of the projection kernels' blocks. Blocks run over (chunk of Gaussians, view), view fastest, so that a
/// chunk's Gaussians are read from memory once and from the cache for the other views.
struct SceneBlocks {
  SceneRange range;
  int64_t chunk_begin, block_begin;
  GSV3D_HOST_DEVICE int64_t chunks() const { return (range.gaussians() + kGaussianChunk - 1) / kGaussianChunk; }
  GSV3D_HOST_DEVICE int64_t blocks() const { return chunks() * range.views(); }
};
constexpr int kSceneBlocksInts = sizeof(SceneBlocks) / sizeof(int64_t);

/// What all projection kernels read. `scenes` is device memory like the rest; chunk_count and block_count are over all scenes.
struct ProjectionInputs {
  GaussianArrays gaussians;
  const SceneBlocks* scenes;
  int scene_count;
  int64_t chunk_count, block_count, splat_count;
  const View* views;
  int64_t view_count;
  Grid grid;
  bool antialiased;
};

/// Fills views [V]. `fault` becomes 0, or 4·(view + 1) + ViewState of a camera that cannot be used.
Status make_views(const float* world_to_camera, const float* intrinsics, int64_t view_count, View* views, int64_t* fault,
                  Stream stream);

struct ProjectionOutputs {
  float4* splats;        ///< [N, kSplatVectors]
  uint32_t* depth_keys;  ///< [N] depths as sortable integers; culled splats last
  uint32_t* indices;     ///< [N] 0, 1, 2, …: what the keys are sorted with
  int32_t* tile_counts;  ///< [N] tiles that each splat reaches
};
Status project_forward(const ProjectionInputs& in, float near_plane, float far_plane, const ProjectionOutputs& out,
                       Stream stream);

/// Stable radix sort of `count` pairs by the lowest `bits` of their keys. Two buffers each; the pairs stand in the first, and end
/// up in buffer `result`.
struct SortBuffers {
  uint32_t* keys[2];
  uint32_t* values[2];
};
Status sort_workspace(int64_t count, int bits, size_t* bytes);
Status sort_pairs(void* workspace, size_t bytes, const SortBuffers& buffers, int64_t count, int bits, int* result, Stream stream);

/// sums[i] = Σ counts[0 … i), for i = 0 … count - 1, in 64 bits.
Status exclusive_sum_workspace(int64_t count, size_t* bytes);
Status exclusive_sum(void* workspace, size_t bytes, const int32_t* counts, int64_t* sums, int64_t count, Stream stream);

/// ordered_counts [N + 1]: tile_counts in the order of depth, then 0.
Status order_counts(const uint32_t* order, const int32_t* tile_counts, int64_t splat_count, int32_t* ordered_counts,
                    Stream stream);

/// The (splat, tile) pairs, nearest splat first. A pair's slot is its place in that order, so a splat's slots are neighbours.
struct PairInputs {
  const float4* splats;
  const uint32_t* order;       ///< [N] splats by depth
  const int64_t* first_pairs;  ///< [N + 1] running sum of ordered_counts
  int64_t splat_count;
  const SceneBlocks* scenes;
  int scene_count;
  Grid grid;
};
struct PairOutputs {
  uint32_t* tile_keys;    ///< [P] view · tiles + tile
  uint32_t* values;       ///< [P] the splat; the slot, when slot_splats is given
  uint32_t* slot_splats;  ///< [P] the splat of each slot; or null
  int32_t* first_slots;   ///< [N] first slot of each splat that reaches a tile; or null with slot_splats
};
Status emit_pairs(const PairInputs& in, const PairOutputs& out, Stream stream);

/// tile_offsets [tile_count + 1]: where each tile's pairs begin among the sorted keys.
Status find_tiles(const uint32_t* sorted_keys, int64_t pair_count, int64_t tile_count, int32_t* tile_offsets, Stream stream);
/// entries[i] = slot_splats[slots[i]].
Status resolve_slots(const uint32_t* slots, const uint32_t* slot_splats, int64_t pair_count, uint32_t* entries, Stream stream);

/// What both blending directions read.
struct BlendInputs {
  const float4* splats;
  const uint32_t* entries;      ///< [P] splats of all tiles' lists
  const int32_t* tile_offsets;  ///< [V · tiles + 1]
  const float* backgrounds;     ///< [V, 3]
  int64_t view_count;
  Grid grid;
};

/// Planes of V images, H·W floats each.
struct BlendOutputs {
  float* rgb;            ///< [V, 3, H, W]
  float* alpha;          ///< [V, 1, H, W]
  float* depth;          ///< [V, 1, H, W]; null: not written
  float* median_depth;   ///< [V, 1, H, W]; null: not written
  float* transmittance;  ///< [V, H, W] what is left behind the last splat; null (with last) when no gradient is needed
  int32_t* last;         ///< [V, H, W] one past the last entry that contributed, counted from the start of the tile's list
};
Status blend_forward(const BlendInputs& in, const BlendOutputs& out, Stream stream);

struct BlendGradients {
  const float* transmittance;  ///< as written by blend_forward
  const int32_t* last;
  const float* v_rgb;  ///< gradients of the outputs, same layout; null: zero
  const float* v_alpha;
  const float* v_depth;
};
/// Deterministic with `slots` [P] (of each entry): writes moments [P, kMomentFloats] at the entries' slots. With null: adds to
/// moments [N, kMomentFloats] of the entries' splats, which must be zero, with atomics.
Status blend_backward(const BlendInputs& in, const BlendGradients& gradients, const uint32_t* slots, float* moments,
                      Stream stream);

struct ProjectionBackwardInputs {
  const float4* splats;
  const int32_t* tile_counts;
  const int32_t* first_slots;  ///< null: moments are per splat, else per slot
  const float* moments;
};
struct ProjectionGradients {
  float* means;            ///< [G, 3]; every array is overwritten
  float* quats;            ///< [G, 4]
  float* scales;           ///< [G, 3]
  float* opacities;        ///< [G]
  float* colors;           ///< as GaussianArrays::colors
  float* camera_parts;     ///< [block_count, 12] workspace; or null with world_to_camera
  float* world_to_camera;  ///< [V, 4, 4], the last row zero
};
Status project_backward(const ProjectionInputs& in, const ProjectionBackwardInputs& from, const ProjectionGradients& out,
                        Stream stream);

Status fill_zero(void* memory, size_t bytes, Stream stream);
/// Copies to the host and waits for it.
Status read_back(void* host, const void* memory, size_t bytes, Stream stream);

}  // namespace gsv3d::splat_cuda
