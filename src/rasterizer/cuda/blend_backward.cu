// The gradient of blend_forward.cu, last splat first. Every warp adds its 32 pixels up for each splat that it touches, the block
// adds up its warps, and only that sum leaves the block: once per (splat, tile) pair, either to the pair's own slot
// (deterministic) or with an atomic to the splat.
#include "rasterizer/cuda/blend_tile.cuh"
#include "rasterizer/cuda/warp_sums.cuh"

namespace gsv3d::splat_cuda {
namespace {

using splat_math::kMomentFloats;

struct BackwardShared {
  Batch batch;
  float parts[kWarps][kBatch][kMomentFloats];
  unsigned touched[kWarps][kBatch / kWarp];  ///< which of a warp's parts are set
  int last[kWarps];
};

__device__ splat_math::PixelBackward load_pixel(const BlendInputs& in, const BlendGradients& gradients, const TilePixel& place) {
  splat_math::PixelBackward p;
  if (!place.inside) return p;
  const int64_t plane = in.grid.pixels(), pixel = place.pixel(in.grid);
  const float* background = in.backgrounds + 3 * place.view;
  if (gradients.v_rgb) {
    const float* rgb = gradients.v_rgb + pixel + 2 * place.view * plane;
    p.v_red = rgb[0], p.v_green = rgb[plane], p.v_blue = rgb[2 * plane];
  }
  if (gradients.v_alpha) p.v_alpha = gradients.v_alpha[pixel];
  if (gradients.v_depth) p.v_depth = gradients.v_depth[pixel];
  p.transmittance = gradients.transmittance[pixel];
  p.last = gradients.last[pixel];
  p.behind = p.transmittance * (background[0] * p.v_red + background[1] * p.v_green + background[2] * p.v_blue);
  return p;
}

/// All splats of the batch that this warp touches. `first` is the place of the batch in the tile's list, `warp_last` the number
/// of the last splat that any of the warp's pixels holds.
__device__ __forceinline__ void warp_backward(BackwardShared& shared, const TilePixel& place, int first, int warp_last,
                                              int summed_value, splat_math::PixelBackward& pixel) {
  const float x = place.centre_x(), y = place.centre_y();
  for (int group = kBatch - kWarp; group >= 0; group -= kWarp) {
    unsigned touched = 0;
    const int usable = warp_last - first - group;  // splats of the group that are not beyond warp_last
    unsigned reached = usable > 0 ? shared.batch.reached_by(place, group) : 0;
    if (usable < kWarp) reached &= (1u << max(usable, 0)) - 1;
    while (reached) {
      const int bit = kWarp - 1 - __clz(reached), k = group + bit;
      reached ^= 1u << bit;
      float moments[kMomentFloats] = {};
      const bool adds = splat_math::blend_pixel_backward(load_splat(shared.batch.splats + kSplatVectors * k), x, y, first + k + 1,
                                                         pixel, moments);
      if (!__any_sync(kAllLanes, adds)) continue;
      fold_lanes<kMomentFloats>(moments, place.lane);
      if (summed_value >= 0) shared.parts[place.warp][k][summed_value] = moments[0];
      touched |= 1u << bit;
    }
    if (place.lane == 0) shared.touched[place.warp][group / kWarp] = touched;
  }
}

/// The batch's sums over warps, in their order.
template <bool kDeterministic>
__device__ __forceinline__ void store_sums(const BackwardShared& shared, const uint32_t* entries, const uint32_t* slots,
                                           int count, float* moments) {
  for (int item = threadIdx.x; item < count * kMomentFloats; item += kBlendThreads) {
    const int k = item / kMomentFloats, value = item % kMomentFloats;
    float sum = 0;
    bool any = false;
#pragma unroll
    for (int warp = 0; warp < kWarps; ++warp) {
      if (!(shared.touched[warp][k / kWarp] >> (k % kWarp) & 1)) continue;
      sum += shared.parts[warp][k][value];
      any = true;
    }
    if constexpr (kDeterministic)
      moments[int64_t{kMomentFloats} * slots[k] + value] = sum;
    else if (any)
      atomicAdd(&moments[int64_t{kMomentFloats} * entries[k] + value], sum);
  }
}

template <bool kDeterministic>
__global__ void __launch_bounds__(kBlendThreads)
    blend_backward_kernel(BlendInputs in, BlendGradients gradients, const uint32_t* slots, float* moments) {
  __shared__ BackwardShared shared;
  const int thread = threadIdx.x;
  const TilePixel place(in.grid, blockIdx.x, thread);
  auto pixel = load_pixel(in, gradients, place);
  const int summed_value = folded_value<kMomentFloats>(place.lane);
  const int warp_last = __reduce_max_sync(kAllLanes, pixel.last);
  if (place.lane == 0) shared.last[place.warp] = warp_last;
  __syncthreads();
  int last = 0;
  for (int warp = 0; warp < kWarps; ++warp) last = max(last, shared.last[warp]);

  const int begin = in.tile_offsets[blockIdx.x], count = in.tile_offsets[blockIdx.x + 1] - begin;
  const uint32_t* entries = in.entries + begin;
  if constexpr (kDeterministic) {
    slots += begin;
    for (int item = last * kMomentFloats + thread; item < count * kMomentFloats; item += kBlendThreads)
      moments[int64_t{kMomentFloats} * slots[item / kMomentFloats] + item % kMomentFloats] = 0;
  }
  for (int first = (last - 1) / kBatch * kBatch; first >= 0 && last > 0; first -= kBatch) {
    const int batch_count = min(kBatch, last - first);
    shared.batch.load(in, entries + first, batch_count, place, thread);
    __syncthreads();
    warp_backward(shared, place, first, warp_last, summed_value, pixel);
    __syncthreads();
    store_sums<kDeterministic>(shared, entries + first, kDeterministic ? slots + first : nullptr, batch_count, moments);
    // No barrier here: the next load writes the batch, which store_sums does not read, and the parts only change after the
    // barrier that follows it.
  }
}

}  // namespace

Status blend_backward(const BlendInputs& in, const BlendGradients& gradients, const uint32_t* slots, float* moments,
                      Stream stream) {
  const int64_t tiles = in.view_count * in.grid.tiles();
  return slots ? launch(blend_backward_kernel<true>, tiles, kBlendThreads, stream, in, gradients, slots, moments)
               : launch(blend_backward_kernel<false>, tiles, kBlendThreads, stream, in, gradients, slots, moments);
}

}  // namespace gsv3d::splat_cuda
