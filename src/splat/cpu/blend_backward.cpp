// The gradient of blend_forward.cpp, from the last splat to the first. With f = colour·v_rgb + depth·v_depth + v_alpha of a splat
// and S = Σ weight·f of all splats behind it plus T_final·(background·v_rgb): dL/dalpha = T·f - S / (1 - alpha). So the colours
// behind a splat need one number per pixel, and T in front of it is that behind it divided by (1 - alpha).
#include "splat/cpu/blending.h"
#include "splat/cpu/exponential.h"
#include "splat/cpu/tile.h"

namespace gsv3d::splat_cpu {
namespace {

struct alignas(64) PixelGradients {
  float red[kTilePixels] = {}, green[kTilePixels] = {}, blue[kTilePixels] = {}, depth[kTilePixels] = {}, alpha[kTilePixels] = {};
  float transmittance[kTilePixels], behind[kTilePixels] = {};
  int32_t last[kTilePixels] = {};
};

/// Sums per lane; the lanes are added up once per splat and tile.
struct alignas(64) LaneSums {
  float red[kLanes] = {}, green[kLanes] = {}, blue[kLanes] = {}, depth[kLanes] = {};
  float s[kLanes] = {}, sx[kLanes] = {}, sy[kLanes] = {}, sxx[kLanes] = {}, sxy[kLanes] = {}, syy[kLanes] = {};
};

GSV3D_INLINE void span_backward(const Splat s, const float* __restrict pixel_x, const float* __restrict pixel_y, int32_t number,
                                PixelGradients& state, int begin, LaneSums& sums) {
  float* __restrict transmittance = state.transmittance + begin;
  float* __restrict behind = state.behind + begin;
#pragma omp simd
  for (int i = 0; i < kLanes; ++i) {
    const int p = begin + i;
    const float dx = pixel_x[p] - s.x, dy = pixel_y[p] - s.y;
    const float sigma = 0.5f * (s.a * dx * dx + s.c * dy * dy) + s.b * dx * dy;
    const float raw = s.opacity * exp_negative(sigma > 0 ? sigma : 0);
    const float alpha = raw < kMaxAlpha ? raw : kMaxAlpha;
    const int32_t hit = mask(sigma >= 0) & mask(alpha >= kMinAlpha) & mask(number <= state.last[p]);
    const float inverse = 1 / (1 - alpha);
    const float after = transmittance[i], before = choose(hit, after * inverse, after);
    const float weight = keep(hit, alpha * before);
    const float value =
        s.red * state.red[p] + s.green * state.green[p] + s.blue * state.blue[p] + s.depth * state.depth[p] + state.alpha[p];
    const float v_alpha = before * value - behind[i] * inverse;
    const float v_sigma = keep(hit & mask(raw <= kMaxAlpha), -raw * v_alpha);
    transmittance[i] = before;
    behind[i] += weight * value;
    sums.red[i] += weight * state.red[p];
    sums.green[i] += weight * state.green[p];
    sums.blue[i] += weight * state.blue[p];
    sums.depth[i] += weight * state.depth[p];
    const float vx = v_sigma * dx, vy = v_sigma * dy;
    sums.s[i] += v_sigma;
    sums.sx[i] += vx;
    sums.sy[i] += vy;
    sums.sxx[i] += vx * dx;
    sums.sxy[i] += vx * dy;
    sums.syy[i] += vy * dy;
  }
}

GSV3D_INLINE float sum_lanes(const float* lanes) {
  float eight[8], four[4];
  for (int i = 0; i < 8; ++i) eight[i] = lanes[i] + lanes[i + 8];
  for (int i = 0; i < 4; ++i) four[i] = eight[i] + eight[i + 4];
  return (four[0] + four[2]) + (four[1] + four[3]);
}

GSV3D_VECTOR_TARGETS void tile_backward(const Tile& tile, PixelGradients& state, SplatMoments* moments) {
  int32_t last = 0;
  for (int i = 0; i < kTilePixels; ++i) last = std::max(last, state.last[i]);
  for (int e = tile.count - 1; e >= last; --e) moments[tile.entries[e].slot] = {};
  for (int e = last - 1; e >= 0; --e) {
    const Splat splat = tile.splats[tile.entries[e].splat];
    const auto spans = span_range(splat, tile.y);
    LaneSums sums;
    for (int span = spans.begin; span < spans.end; ++span)
      span_backward(splat, tile.pixel_x, tile.pixel_y, e + 1, state, span * kLanes, sums);
    moments[tile.entries[e].slot] = {sum_lanes(sums.red), sum_lanes(sums.green), sum_lanes(sums.blue), sum_lanes(sums.depth),
                                     sum_lanes(sums.s),   sum_lanes(sums.sx),    sum_lanes(sums.sy),   sum_lanes(sums.sxx),
                                     sum_lanes(sums.sxy), sum_lanes(sums.syy)};
  }
}

void load_tile(const BlendInputs& in, const BlendGradients& gradients, const Tile& tile, PixelGradients& state) {
  const int64_t plane = in.grid.pixels();
  const float* background = in.backgrounds + 3 * tile.view;
  std::fill(state.transmittance, state.transmittance + kTilePixels, 1.0f);
  for (int row = 0; row < tile.height; ++row) {
    const int64_t offset = tile.offset(in.grid, row), pixel = tile.view * plane + offset, rgb = 3 * tile.view * plane + offset;
    for (int column = 0; column < tile.width; ++column) {
      const int i = row * kTile + column;
      if (gradients.v_rgb) {
        state.red[i] = gradients.v_rgb[rgb + column];
        state.green[i] = gradients.v_rgb[rgb + plane + column];
        state.blue[i] = gradients.v_rgb[rgb + 2 * plane + column];
      }
      if (gradients.v_alpha) state.alpha[i] = gradients.v_alpha[pixel + column];
      if (gradients.v_depth) state.depth[i] = gradients.v_depth[pixel + column];
      state.transmittance[i] = gradients.transmittance[pixel + column];
      state.last[i] = gradients.last[pixel + column];
      state.behind[i] = state.transmittance[i] *
                        (background[0] * state.red[i] + background[1] * state.green[i] + background[2] * state.blue[i]);
    }
  }
}

}  // namespace

void blend_backward(const BlendInputs& in, const BlendGradients& gradients, SplatMoments* moments) {
  const int64_t tiles = in.view_count * in.grid.tiles();
#pragma omp parallel for schedule(dynamic, 4) num_threads(in.threads)
  for (int64_t i = 0; i < tiles; ++i) {
    const Tile tile(in, i);
    PixelGradients state;
    load_tile(in, gradients, tile, state);
    tile_backward(tile, state, moments);
  }
}

}  // namespace gsv3d::splat_cpu
