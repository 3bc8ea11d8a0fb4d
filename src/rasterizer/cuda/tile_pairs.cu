// (splat, tile) pairs in order of depth, and where each tile's pairs begin once they are sorted by tile.
#include "rasterizer/cuda/scene_blocks.cuh"
#include "rasterizer/cuda/splat_vectors.cuh"
#include "rasterizer/math/ellipse_rows.h"

namespace gsv3d::splat_cuda {
namespace {

constexpr int kThreads = 256;

__device__ __forceinline__ int64_t thread_index() {
  return blockIdx.x * int64_t{kThreads} + threadIdx.x;
}

__global__ void order_counts_kernel(const uint32_t* order, const int32_t* tile_counts, int64_t splat_count,
                                    int32_t* ordered_counts) {
  const int64_t rank = thread_index();
  if (rank < splat_count) ordered_counts[rank] = tile_counts[order[rank]];
  if (rank == splat_count) ordered_counts[rank] = 0;
}

__device__ __forceinline__ int64_t view_of_splat(const PairInputs& in, uint32_t splat) {
  const auto& range =
      in.scenes[find_scene(in.scenes, in.scene_count, splat, [](const SceneBlocks& s) { return s.range.splat_begin; })].range;
  // All splats are fewer than 2³², and 32-bit division is several times faster.
  return range.view_begin + (splat - static_cast<uint32_t>(range.splat_begin)) / static_cast<uint32_t>(range.gaussians());
}

__global__ void __launch_bounds__(kThreads) emit_pairs_kernel(PairInputs in, PairOutputs out) {
  const int64_t rank = thread_index();
  if (rank >= in.splat_count) return;
  int64_t slot = in.first_pairs[rank];
  if (slot == in.first_pairs[rank + 1]) return;
  const uint32_t i = in.order[rank];
  const Splat splat = load_splat(in.splats + int64_t{kSplatVectors} * i);
  const auto first_tile = static_cast<uint32_t>(view_of_splat(in, i) * in.grid.tiles());
  if (out.first_slots) out.first_slots[i] = static_cast<int32_t>(slot);
  splat_math::for_each_tile_row<kTile>(splat, in.grid, [&](int row, int begin, int end) {
    for (int column = begin; column < end; ++column, ++slot) {
      out.tile_keys[slot] = first_tile + row * in.grid.tiles_x + column;
      out.values[slot] = out.slot_splats ? static_cast<uint32_t>(slot) : i;
      if (out.slot_splats) out.slot_splats[slot] = i;
    }
  });
}

/// One search per tile: no tile has to be cleared or filled by a neighbour, however many are empty.
__global__ void find_tiles_kernel(const uint32_t* sorted_keys, int64_t pair_count, int64_t tile_count, int32_t* tile_offsets) {
  const int64_t tile = thread_index();
  if (tile > tile_count) return;
  int64_t low = 0, high = pair_count;
  while (low < high) {
    const int64_t middle = (low + high) / 2;
    if (sorted_keys[middle] < tile)
      low = middle + 1;
    else
      high = middle;
  }
  tile_offsets[tile] = static_cast<int32_t>(low);
}

__global__ void resolve_slots_kernel(const uint32_t* slots, const uint32_t* slot_splats, int64_t pair_count, uint32_t* entries) {
  const int64_t i = thread_index();
  if (i < pair_count) entries[i] = slot_splats[slots[i]];
}

}  // namespace

Status order_counts(const uint32_t* order, const int32_t* tile_counts, int64_t splat_count, int32_t* ordered_counts,
                    Stream stream) {
  return launch(order_counts_kernel, blocks_for(splat_count + 1, kThreads), kThreads, stream, order, tile_counts, splat_count,
                ordered_counts);
}

Status emit_pairs(const PairInputs& in, const PairOutputs& out, Stream stream) {
  return launch(emit_pairs_kernel, blocks_for(in.splat_count, kThreads), kThreads, stream, in, out);
}

Status find_tiles(const uint32_t* sorted_keys, int64_t pair_count, int64_t tile_count, int32_t* tile_offsets, Stream stream) {
  return launch(find_tiles_kernel, blocks_for(tile_count + 1, kThreads), kThreads, stream, sorted_keys, pair_count, tile_count,
                tile_offsets);
}

Status resolve_slots(const uint32_t* slots, const uint32_t* slot_splats, int64_t pair_count, uint32_t* entries, Stream stream) {
  return launch(resolve_slots_kernel, blocks_for(pair_count, kThreads), kThreads, stream, slots, slot_splats, pair_count,
                entries);
}

}  // namespace gsv3d::splat_cuda
