// For each pixel, nearest splat first: alpha = min(0.999, opacity·exp(-σ)), weight = alpha·T, T ← T·(1 - alpha).
#include "splat/cpu/blending.h"
#include "splat/cpu/exponential.h"
#include "splat/cpu/tile.h"

namespace gsv3d::splat_cpu {
namespace {

struct alignas(64) PixelState {
  float red[kTilePixels] = {}, green[kTilePixels] = {}, blue[kTilePixels] = {}, depth[kTilePixels] = {};
  float transmittance[kTilePixels];
  int32_t live[kTilePixels];  ///< a mask
  int32_t last[kTilePixels] = {};
};

/// One splat over one span of kLanes pixels.
GSV3D_INLINE void blend_span(const Splat s, const float* __restrict pixel_x, const float* __restrict pixel_y, int32_t number,
                             PixelState& state, int begin) {
  float* __restrict red = state.red + begin;
  float* __restrict green = state.green + begin;
  float* __restrict blue = state.blue + begin;
  float* __restrict depth = state.depth + begin;
  float* __restrict transmittance = state.transmittance + begin;
  int32_t* __restrict live = state.live + begin;
  int32_t* __restrict last = state.last + begin;
#pragma omp simd
  for (int i = 0; i < kLanes; ++i) {
    const float dx = pixel_x[begin + i] - s.x, dy = pixel_y[begin + i] - s.y;
    const float sigma = 0.5f * (s.a * dx * dx + s.c * dy * dy) + s.b * dx * dy;
    const float raw = s.opacity * exp_negative(sigma > 0 ? sigma : 0);
    const float alpha = raw < kMaxAlpha ? raw : kMaxAlpha;
    const float before = transmittance[i], after = before * (1 - alpha);
    const int32_t hit = mask(sigma >= 0) & mask(alpha >= kMinAlpha) & live[i];
    const int32_t add = hit & mask(after > kMinTransmittance);
    const float weight = keep(add, alpha * before);
    transmittance[i] = choose(add, after, before);
    live[i] = live[i] & ~(hit ^ add);  // a hit that is not added ends the pixel
    last[i] = choose(add, number, last[i]);
    red[i] += weight * s.red;
    green[i] += weight * s.green;
    blue[i] += weight * s.blue;
    depth[i] += weight * s.depth;
  }
}

GSV3D_VECTOR_TARGETS void blend_tile(const Tile& tile, PixelState& state) {
  for (int i = 0; i < kTilePixels; ++i) {
    const bool inside = i % kTile < tile.width && i / kTile < tile.height;
    state.transmittance[i] = 1;
    state.live[i] = mask(inside);
  }
  for (int e = 0; e < tile.count; ++e) {
    if (e + kPrefetch < tile.count) __builtin_prefetch(&tile.splats[tile.entries[e + kPrefetch].splat]);
    const Splat splat = tile.splats[tile.entries[e].splat];
    const auto spans = span_range(splat, tile.y);
    for (int span = spans.begin; span < spans.end; ++span)
      blend_span(splat, tile.pixel_x, tile.pixel_y, e + 1, state, span * kLanes);
    if (e % 8 != 7) continue;  // looking for the end more often costs more than it saves
    int32_t live = 0;
    for (int i = 0; i < kTilePixels; ++i) live |= state.live[i];
    if (!live) return;
  }
}

void store_tile(const BlendInputs& in, const Tile& tile, const PixelState& state, const BlendOutputs& out) {
  const int64_t plane = in.grid.pixels();
  const float* background = in.backgrounds + 3 * tile.view;
  for (int row = 0; row < tile.height; ++row) {
    const int64_t offset = tile.offset(in.grid, row), pixel = tile.view * plane + offset;
    float* rgb = out.rgb + 3 * tile.view * plane + offset;
    for (int column = 0; column < tile.width; ++column) {
      const int i = row * kTile + column;
      const float left = state.transmittance[i];
      rgb[column] = state.red[i] + left * background[0];
      rgb[plane + column] = state.green[i] + left * background[1];
      rgb[2 * plane + column] = state.blue[i] + left * background[2];
      out.alpha[pixel + column] = 1 - left;
      if (out.depth) out.depth[pixel + column] = state.depth[i];
      out.transmittance[pixel + column] = left;
      out.last[pixel + column] = state.last[i];
    }
  }
}

}  // namespace

void blend_forward(const BlendInputs& in, const BlendOutputs& out) {
  const int64_t tiles = in.view_count * in.grid.tiles();
#pragma omp parallel for schedule(dynamic, 4) num_threads(in.threads)
  for (int64_t i = 0; i < tiles; ++i) {
    const Tile tile(in, i);
    PixelState state;
    blend_tile(tile, state);
    store_tile(in, tile, state, out);
  }
}

}  // namespace gsv3d::splat_cpu
