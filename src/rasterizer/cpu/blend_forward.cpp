// For each pixel, nearest splat first: alpha = min(0.999, opacity·exp(-σ)), weight = alpha·T, T ← T·(1 - alpha).
#include <cmath>

#include "rasterizer/cpu/parallel.h"
#include "rasterizer/cpu/tile_kernels.h"

namespace gsv3d::splat_cpu {
namespace {

/// Pixels outside the image begin as ended ones.
void clear_tile(const BlendInputs& in, const Tile& tile, ForwardBlock* blocks) {
  for (int i = 0; i < kBlocks; ++i) {
    blocks[i] = {};
    std::fill(blocks[i].transmittance, blocks[i].transmittance + kBlockPixels, -1.0f);
  }
  tile.for_each_row(in.grid, [&](int block, int lane, int64_t, int count) {
    float* transmittance = blocks[block].transmittance + lane;
    std::fill(transmittance, transmittance + count, 1.0f);
  });
}

/// Adds the background and takes the marks of ended pixels away.
void finish_block(const float* background, ForwardBlock& block, float* alpha) {
  for (int i = 0; i < kBlockPixels; ++i) {
    const float left = std::abs(block.transmittance[i]);
    block.red[i] += left * background[0];
    block.green[i] += left * background[1];
    block.blue[i] += left * background[2];
    block.transmittance[i] = left;
    alpha[i] = 1 - left;
  }
}

void store_tile(const BlendInputs& in, const Tile& tile, ForwardBlock* blocks, const BlendOutputs& out) {
  const int64_t plane = in.grid.pixels(), first = tile.view * plane;
  float alpha[kBlocks][kBlockPixels];
  for (int i = 0; i < kBlocks; ++i) finish_block(in.backgrounds + 3 * tile.view, blocks[i], alpha[i]);
  float* rgb = out.rgb + 3 * first;
  tile.for_each_row(in.grid, [&](int block, int lane, int64_t place, int count) {
    const auto& state = blocks[block];
    copy_row(state.red + lane, rgb + place, count);
    copy_row(state.green + lane, rgb + plane + place, count);
    copy_row(state.blue + lane, rgb + 2 * plane + place, count);
    copy_row(alpha[block] + lane, out.alpha + first + place, count);
    if (out.depth) copy_row(state.depth + lane, out.depth + first + place, count);
    if (out.median_depth) copy_row(state.median_depth + lane, out.median_depth + first + place, count);
    copy_row(state.transmittance + lane, out.transmittance + first + place, count);
    copy_row(state.last + lane, out.last + first + place, count);
  });
}

}  // namespace

void blend_forward(const BlendInputs& in, const BlendOutputs& out) {
  const int64_t tiles = in.view_count * in.grid.tiles();
  const auto& kernels = tile_kernels(in.target);
  const auto kernel = out.median_depth ? kernels.forward_with_median : kernels.forward;
  parallel_for(tiles, 4, in.threads, [&](int64_t i) {
    const Tile tile(in, i);
    ForwardBlock blocks[kBlocks];
    tile.prefetch_batch(0);
    clear_tile(in, tile, blocks);
    kernel(tile, blocks);
    store_tile(in, tile, blocks, out);
  });
}

}  // namespace gsv3d::splat_cpu
