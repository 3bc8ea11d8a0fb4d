// The gradient of blend_forward.cpp, from the last splat to the first. With f = colour·v_rgb + depth·v_depth + v_alpha of a splat
// and S = Σ weight·f of all splats behind it plus T_final·(background·v_rgb): dL/dalpha = T·f - S / (1 - alpha). So the colours
// behind a splat need one number per pixel, and T in front of it is that behind it divided by (1 - alpha).
#include "rasterizer/cpu/parallel.h"
#include "rasterizer/cpu/tile_kernels.h"

namespace gsv3d::splat_cpu {
namespace {

void load_tile(const BlendInputs& in, const BlendGradients& gradients, const Tile& tile, BackwardBlock* blocks) {
  const int64_t plane = in.grid.pixels();
  const float* background = in.backgrounds + 3 * tile.view;
  const float* v_rgb = gradients.v_rgb ? gradients.v_rgb + 3 * tile.view * plane : nullptr;
  for (int i = 0; i < kBlocks; ++i) {
    blocks[i] = {};
    std::fill(blocks[i].transmittance, blocks[i].transmittance + kBlockPixels, 1.0f);
  }
  tile.for_each_row(in.grid, [&](int block, int lane, int64_t place, int count) {
    auto& state = blocks[block];
    if (v_rgb) {
      copy_row(v_rgb + place, state.red + lane, count);
      copy_row(v_rgb + plane + place, state.green + lane, count);
      copy_row(v_rgb + 2 * plane + place, state.blue + lane, count);
    }
    const int64_t pixel = tile.view * plane + place;
    if (gradients.v_alpha) copy_row(gradients.v_alpha + pixel, state.alpha + lane, count);
    if (gradients.v_depth) copy_row(gradients.v_depth + pixel, state.depth + lane, count);
    copy_row(gradients.transmittance + pixel, state.transmittance + lane, count);
    copy_row(gradients.last + pixel, state.last + lane, count);
  });
  for (int block = 0; block < kBlocks; ++block) {
    auto& state = blocks[block];
    for (int i = 0; i < kBlockPixels; ++i)
      state.behind[i] = state.transmittance[i] *
                        (background[0] * state.red[i] + background[1] * state.green[i] + background[2] * state.blue[i]);
  }
}

}  // namespace

void blend_backward(const BlendInputs& in, const BlendGradients& gradients, SplatMoments* moments) {
  const int64_t tiles = in.view_count * in.grid.tiles();
  const auto kernel = tile_kernels(in.target).backward;
  parallel_for(tiles, 4, in.threads, [&](int64_t i) {
    const Tile tile(in, i);
    BackwardBlock blocks[kBlocks];
    tile.prefetch_batch(tile.count - kBatch);
    load_tile(in, gradients, tile, blocks);
    kernel(tile, blocks, moments);
  });
}

}  // namespace gsv3d::splat_cpu
