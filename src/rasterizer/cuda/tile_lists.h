// Gaussians and cameras on a GPU → splats and the list of each tile: the steps before blending, with their memory.
#pragma once

#include "rasterizer/cuda/kernels.h"
#include "rasterizer/rasterize_function.h"

namespace gsv3d::splat_cuda {

/// Throws Error with CUDA's words when a call failed.
void check(Status status, const char* what);

/// The kernels' view of a set of tensors; keeps the tables that they need on the GPU.
struct Scene {
  Tensor blocks;  ///< [S, kSceneBlocksInts] int64: SceneBlocks
  Tensor views;   ///< [C, sizeof(View)] bytes
  ProjectionInputs inputs;

  /// `views` may be empty memory, to be filled with make_views.
  Scene(const RasterizeTensors& tensors, const Tensor& views, int64_t width, int64_t height, bool antialiased);
};

struct TileLists {
  Tensor splats;        ///< [N, 12] float: splat_math::Splat
  Tensor tile_counts;   ///< [N] int32
  Tensor first_slots;   ///< [N] int32; undefined unless deterministic
  Tensor slots;         ///< [P] int32 of each entry; undefined unless deterministic
  Tensor entries;       ///< [P] int32
  Tensor tile_offsets;  ///< [C · tiles + 1] int32

  BlendInputs blending(const Scene& scene, const Tensor& backgrounds) const;
};

/// Fills scene.views and lists all tiles. Waits once for the GPU, to learn the number of pairs; throws Error about unusable
/// cameras and when there are too many pairs.
TileLists make_tile_lists(const RasterizeTensors& tensors, const Scene& scene, const RasterizeOptions& options,
                          bool deterministic_gradients, Stream stream);

}  // namespace gsv3d::splat_cuda
