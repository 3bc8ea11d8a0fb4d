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

/// Sums per lane of what SplatMoments holds, in its order; padded so that they are added up in fours.
constexpr int kSums = 12;
struct alignas(64) LaneSums {
  float values[kSums][kLanes] = {};
};
enum Sum { kRed, kGreen, kBlue, kDepth, kS, kSx, kSy, kSxx, kSxy, kSyy };
static_assert(kSyy + 1 == kMomentFloats);

/// One splat over one span of kLanes pixels, from `begin`.
GSV3D_INLINE void span_backward(const Splat s, const float* __restrict pixel_x, const float* __restrict pixel_y, int32_t number,
                                PixelGradients& state, int begin, LaneSums& sums) {
  float* __restrict transmittance = state.transmittance + begin;
  float* __restrict behind = state.behind + begin;
  float(*__restrict sum)[kLanes] = sums.values;
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
    sum[kRed][i] += weight * state.red[p];
    sum[kGreen][i] += weight * state.green[p];
    sum[kBlue][i] += weight * state.blue[p];
    sum[kDepth][i] += weight * state.depth[p];
    const float vx = v_sigma * dx, vy = v_sigma * dy;
    sum[kS][i] += v_sigma;
    sum[kSx][i] += vx;
    sum[kSy][i] += vy;
    sum[kSxx][i] += vx * dx;
    sum[kSxy][i] += vx * dy;
    sum[kSyy][i] += vy * dy;
  }
}

/// Adds up the lanes, always in the same order.
GSV3D_INLINE void add_lanes(const LaneSums& sums, SplatMoments& moments) {
  float fours[kSums][4], totals[kSums];
  for (int k = 0; k < kSums; ++k)
    for (int i = 0; i < 4; ++i)
      fours[k][i] = (sums.values[k][i] + sums.values[k][i + 4]) + (sums.values[k][i + 8] + sums.values[k][i + 12]);
  for (int k = 0; k < kSums; ++k) totals[k] = (fours[k][0] + fours[k][1]) + (fours[k][2] + fours[k][3]);
  __builtin_memcpy(&moments, totals, sizeof(moments));
}

GSV3D_VECTOR_TARGETS void tile_backward(const Tile& tile, PixelGradients& state, SplatMoments* moments) {
  int32_t last = 0;
  for (int i = 0; i < kTilePixels; ++i) last = std::max(last, state.last[i]);
  for (int e = tile.count - 1; e >= last; --e) moments[tile.entries[e].slot] = {};
  for (int e = last - 1; e >= 0; --e) {
    if (e >= kPrefetch) __builtin_prefetch(&tile.splats[tile.entries[e - kPrefetch].splat]);
    const Splat splat = tile.splats[tile.entries[e].splat];
    const auto spans = span_range(splat, tile.y);
    LaneSums sums;
    for (int span = spans.begin; span < spans.end; ++span)
      span_backward(splat, tile.pixel_x, tile.pixel_y, e + 1, state, span * kLanes, sums);
    add_lanes(sums, moments[tile.entries[e].slot]);
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
