// The gradient of blend_forward.cpp, from the last splat to the first. With f = colour·v_rgb + depth·v_depth + v_alpha of a splat
// and S = Σ weight·f of all splats behind it plus T_final·(background·v_rgb): dL/dalpha = T·f - S / (1 - alpha). So the colours
// behind a splat need one number per pixel, and T in front of it is that behind it divided by (1 - alpha).
#include "splat/cpu/tile_kernels.h"

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
  tile.for_each_pixel(in.grid, [&](int block, int i, int64_t place) {
    auto& state = blocks[block];
    const int64_t pixel = tile.view * plane + place;
    if (v_rgb) {
      state.red[i] = v_rgb[place];
      state.green[i] = v_rgb[plane + place];
      state.blue[i] = v_rgb[2 * plane + place];
    }
    if (gradients.v_alpha) state.alpha[i] = gradients.v_alpha[pixel];
    if (gradients.v_depth) state.depth[i] = gradients.v_depth[pixel];
    state.transmittance[i] = gradients.transmittance[pixel];
    state.last[i] = gradients.last[pixel];
    state.behind[i] =
        state.transmittance[i] * (background[0] * state.red[i] + background[1] * state.green[i] + background[2] * state.blue[i]);
  });
}

}  // namespace

void blend_backward(const BlendInputs& in, const BlendGradients& gradients, SplatMoments* moments) {
  const int64_t tiles = in.view_count * in.grid.tiles();
  const auto kernel = tile_kernels(in.target).backward;
#pragma omp parallel for schedule(dynamic, 4) num_threads(in.threads)
  for (int64_t i = 0; i < tiles; ++i) {
    const Tile tile(in, i);
    BackwardBlock blocks[kBlocks];
    load_tile(in, gradients, tile, blocks);
    kernel(tile, blocks, moments);
  }
}

}  // namespace gsv3d::splat_cpu
