// For each pixel, nearest splat first: alpha = min(0.999, opacity·exp(-σ)), weight = alpha·T, T ← T·(1 - alpha).
#include <cmath>

#include "splat/cpu/tile_kernels.h"

namespace gsv3d::splat_cpu {
namespace {

/// Pixels outside the image begin as ended ones.
void clear_tile(const BlendInputs& in, const Tile& tile, ForwardBlock* blocks) {
  for (int i = 0; i < kBlocks; ++i) {
    blocks[i] = {};
    std::fill(blocks[i].transmittance, blocks[i].transmittance + kBlockPixels, -1.0f);
  }
  tile.for_each_pixel(in.grid, [&](int block, int lane, int64_t) { blocks[block].transmittance[lane] = 1; });
}

void store_tile(const BlendInputs& in, const Tile& tile, const ForwardBlock* blocks, const BlendOutputs& out) {
  const int64_t plane = in.grid.pixels();
  const float* background = in.backgrounds + 3 * tile.view;
  float* rgb = out.rgb + 3 * tile.view * plane;
  tile.for_each_pixel(in.grid, [&](int block, int i, int64_t place) {
    const auto& state = blocks[block];
    const int64_t pixel = tile.view * plane + place;
    const float left = std::abs(state.transmittance[i]);
    rgb[place] = state.red[i] + left * background[0];
    rgb[plane + place] = state.green[i] + left * background[1];
    rgb[2 * plane + place] = state.blue[i] + left * background[2];
    out.alpha[pixel] = 1 - left;
    if (out.depth) out.depth[pixel] = state.depth[i];
    if (out.median_depth) out.median_depth[pixel] = state.median_depth[i];
    out.transmittance[pixel] = left;
    out.last[pixel] = state.last[i];
  });
}

}  // namespace

void blend_forward(const BlendInputs& in, const BlendOutputs& out) {
  const int64_t tiles = in.view_count * in.grid.tiles();
  const auto& kernels = tile_kernels(in.target);
  const auto kernel = out.median_depth ? kernels.forward_with_median : kernels.forward;
#pragma omp parallel for schedule(dynamic, 4) num_threads(in.threads)
  for (int64_t i = 0; i < tiles; ++i) {
    const Tile tile(in, i);
    ForwardBlock blocks[kBlocks];
    clear_tile(in, tile, blocks);
    kernel(tile, blocks);
    store_tile(in, tile, blocks, out);
  }
}

}  // namespace gsv3d::splat_cpu
