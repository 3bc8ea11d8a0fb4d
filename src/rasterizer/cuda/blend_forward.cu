// Front-to-back blending: RGB, alpha, depth and median depth in one pass.
#include "rasterizer/cuda/blend_tile.cuh"

namespace gsv3d::splat_cuda {
namespace {

__device__ void store_pixel(const BlendInputs& in, const BlendOutputs& out, const TilePixel& place,
                            const splat_math::PixelForward& p) {
  const int64_t plane = in.grid.pixels(), pixel = place.pixel(in.grid);
  const float* background = in.backgrounds + 3 * place.view;
  float* rgb = out.rgb + pixel + 2 * place.view * plane;
  rgb[0] = p.red + p.transmittance * background[0];
  rgb[plane] = p.green + p.transmittance * background[1];
  rgb[2 * plane] = p.blue + p.transmittance * background[2];
  out.alpha[pixel] = 1 - p.transmittance;
  if (out.depth) out.depth[pixel] = p.depth;
  if (out.median_depth) out.median_depth[pixel] = p.median_depth;
  if (out.last) {
    out.transmittance[pixel] = p.transmittance;
    out.last[pixel] = p.last;
  }
}

__global__ void __launch_bounds__(kBlendThreads) blend_forward_kernel(BlendInputs in, BlendOutputs out) {
  __shared__ Batch batch;
  const int thread = threadIdx.x;
  const TilePixel place(in.grid, blockIdx.x, thread);
  const float x = place.centre_x(), y = place.centre_y();
  splat_math::PixelForward pixel;
  pixel.live = place.inside;

  const int begin = in.tile_offsets[blockIdx.x], count = in.tile_offsets[blockIdx.x + 1] - begin;
  for (int first = 0; first < count; first += kBatch) {
    // Also keeps the batch until all warps are done with it.
    if (__syncthreads_and(!pixel.live)) break;
    batch.load(in, in.entries + begin + first, min(kBatch, count - first), place, thread);
    __syncthreads();
    for (int group = 0; group < kBatch; group += kWarp) {
      if (!__any_sync(kAllLanes, pixel.live)) break;
      for (unsigned reached = batch.reached_by(place, group); reached; reached &= reached - 1) {
        const int k = group + __ffs(reached) - 1;
        splat_math::blend_pixel(load_splat(batch.splats + kSplatVectors * k), x, y, first + k + 1, pixel);
      }
    }
  }
  if (place.inside) store_pixel(in, out, place, pixel);
}

}  // namespace

Status blend_forward(const BlendInputs& in, const BlendOutputs& out, Stream stream) {
  return launch(blend_forward_kernel, in.view_count * in.grid.tiles(), kBlendThreads, stream, in, out);
}

}  // namespace gsv3d::splat_cuda
