// Gradients of splats → gradients of Gaussians and cameras. A thread holds one Gaussian and walks over its scene's views, so all
// sums have a fixed order and nothing needs atomics; a block adds up its Gaussians for each camera, and a second kernel adds up
// the blocks.
#include "rasterizer/cuda/scene_blocks.cuh"
#include "rasterizer/cuda/splat_vectors.cuh"
#include "rasterizer/cuda/warp_sums.cuh"
#include "rasterizer/math/projection_gradient.h"

namespace gsv3d::splat_cuda {
namespace {

using splat_math::kMomentFloats;
using splat_math::SplatMoments;

constexpr int kCameraFloats = 12;  ///< the 3×3 block, then the translation
constexpr int kChunkWarps = kGaussianChunk / kWarp;
using ViewPart = splat_math::ViewGradient<float>;
static_assert(sizeof(ViewPart) == kCameraFloats * sizeof(float));

__device__ __forceinline__ SplatMoments load_moments(const float* moments, int64_t index) {
  const auto* pairs = reinterpret_cast<const float2*>(moments + kMomentFloats * index);
  const float2 a = pairs[0], b = pairs[1], c = pairs[2], d = pairs[3], e = pairs[4];
  return {a.x, a.y, b.x, b.y, c.x, c.y, d.x, d.y, e.x, e.y};
}

__device__ __forceinline__ SplatMoments splat_moments(const ProjectionBackwardInputs& from, int64_t splat, int tiles) {
  if (!from.first_slots) return load_moments(from.moments, splat);
  const int64_t begin = from.first_slots[splat];
  SplatMoments sum = load_moments(from.moments, begin);
  for (int i = 1; i < tiles; ++i) {
    const SplatMoments part = load_moments(from.moments, begin + i);
    sum.red += part.red, sum.green += part.green, sum.blue += part.blue, sum.depth += part.depth;
    sum.s += part.s, sum.sx += part.sx, sum.sy += part.sy;
    sum.sxx += part.sxx, sum.sxy += part.sxy, sum.syy += part.syy;
  }
  return sum;
}

/// The block's sum of its threads' parts → part [kCameraFloats]. All threads call it.
__device__ __forceinline__ void store_camera_part(const ViewPart& view, bool any, float (&sums)[kChunkWarps][kCameraFloats],
                                                  float* part) {
  const int lane = threadIdx.x % kWarp, warp = threadIdx.x / kWarp;
  float values[kCameraFloats];
#pragma unroll
  for (int i = 0; i < 9; ++i) values[i] = view.rotation[i];
#pragma unroll
  for (int i = 0; i < 3; ++i) values[9 + i] = view.translation[i];
  const int value = folded_value<kCameraFloats>(lane);
  if (__any_sync(kAllLanes, any)) fold_lanes<kCameraFloats>(values, lane);
  __syncthreads();  // the last view's sums have been read
  if (value >= 0) sums[warp][value] = values[0];
  __syncthreads();
  if (threadIdx.x >= kCameraFloats) return;
  float sum = 0;
#pragma unroll
  for (int w = 0; w < kChunkWarps; ++w) sum += sums[w][threadIdx.x];
  part[threadIdx.x] = sum;
}

template <int kShCount, bool kCameras>
__global__ void __launch_bounds__(kGaussianChunk)
    project_backward_kernel(ProjectionInputs in, ProjectionBackwardInputs from, ProjectionGradients out) {
  constexpr int kColorFloats = kShCount == 0 ? 3 : 3 * kShCount;
  __shared__ float camera_sums[kCameras ? kChunkWarps : 1][kCameraFloats];
  const SceneBlocks& scene =
      in.scenes[find_scene(in.scenes, in.scene_count, int64_t{blockIdx.x}, [](const SceneBlocks& s) { return s.chunk_begin; })];
  const int64_t chunk = blockIdx.x - scene.chunk_begin, offset = chunk * kGaussianChunk + threadIdx.x;
  const int64_t g = scene.range.gaussian_begin + offset, views = scene.range.views();
  // Threads beyond the end stay: the block's barriers need them.
  const bool exists = g < scene.range.gaussian_end;

  float mean[3] = {}, scale[3] = {}, v_colors[kColorFloats] = {};
  splat_math::ShapeTerms shape = {};
  splat_math::GaussianGradient sum;
  splat_math::GaussianInput gaussian = {mean, nullptr, kShCount, 0};
  if (exists) {
    const float4 q = reinterpret_cast<const float4*>(in.gaussians.quats)[g];
    const float quat[4] = {q.x, q.y, q.z, q.w};
    for (int i = 0; i < 3; ++i) mean[i] = in.gaussians.means[3 * g + i], scale[i] = in.gaussians.scales[3 * g + i];
    shape = splat_math::shape_terms(quat, scale);
    gaussian.color = in.gaussians.colors + g * kColorFloats;
    gaussian.opacity = in.gaussians.opacities[g];
  }
  bool seen = false;
  for (int64_t view = 0; view < views; ++view) {
    const int64_t i = scene.range.splat_begin + view * scene.range.gaussians() + offset;
    const int tiles = exists ? from.tile_counts[i] : 0;
    ViewPart v_view;
    bool adds = false;
    if (tiles > 0) {
      const SplatMoments moments = splat_moments(from, i, tiles);
      adds = !splat_math::is_zero(moments);
      if (adds)
        splat_math::view_backward(in.grid, in.antialiased, in.views[scene.range.view_begin + view], gaussian, shape,
                                  load_splat(from.splats + kSplatVectors * i), moments, v_colors, sum,
                                  kCameras ? &v_view : nullptr);
    }
    seen |= adds;
    if constexpr (kCameras)
      store_camera_part(v_view, adds, camera_sums, out.camera_parts + kCameraFloats * (scene.block_begin + chunk * views + view));
  }
  if (!exists) return;
  float v_scale[3] = {}, v_quat[4] = {};
  if (seen) splat_math::covariance_backward(shape, scale, sum.covariance, v_scale, v_quat);
  for (int i = 0; i < 3; ++i) out.means[3 * g + i] = sum.mean[i], out.scales[3 * g + i] = v_scale[i];
  reinterpret_cast<float4*>(out.quats)[g] = make_float4(v_quat[0], v_quat[1], v_quat[2], v_quat[3]);
  out.opacities[g] = sum.opacity;
#pragma unroll
  for (int i = 0; i < kColorFloats; ++i) out.colors[g * kColorFloats + i] = v_colors[i];
}

/// One block per view, one warp per number of its matrix. In double because very many Gaussians add up.
__global__ void __launch_bounds__(kCameraFloats* kWarp)
    sum_camera_parts_kernel(ProjectionInputs in, const float* parts, float* out) {
  const int64_t view = blockIdx.x;
  const int value = threadIdx.x / kWarp, lane = threadIdx.x % kWarp;
  const SceneBlocks& scene =
      in.scenes[find_scene(in.scenes, in.scene_count, view, [](const SceneBlocks& s) { return s.range.view_begin; })];
  double sum = 0;
  for (int64_t chunk = lane; chunk < scene.chunks(); chunk += kWarp)
    sum += parts[kCameraFloats * (scene.block_begin + chunk * scene.range.views() + view - scene.range.view_begin) + value];
  for (int mask = kWarp / 2; mask > 0; mask /= 2) sum += __shfl_xor_sync(kAllLanes, sum, mask);
  if (lane > 0) return;
  const int row = value < 9 ? value / 3 : value - 9, column = value < 9 ? value % 3 : 3;
  out[16 * view + 4 * row + column] = static_cast<float>(sum);
  if (value < 4) out[16 * view + 12 + value] = 0;
}

template <int kShCount>
Status start(const ProjectionInputs& in, const ProjectionBackwardInputs& from, const ProjectionGradients& out, Stream stream) {
  return out.camera_parts
             ? launch(project_backward_kernel<kShCount, true>, in.chunk_count, kGaussianChunk, stream, in, from, out)
             : launch(project_backward_kernel<kShCount, false>, in.chunk_count, kGaussianChunk, stream, in, from, out);
}

Status start_for_colors(const ProjectionInputs& in, const ProjectionBackwardInputs& from, const ProjectionGradients& out,
                        Stream stream) {
  switch (in.gaussians.sh_count) {
    case 0:
      return start<0>(in, from, out, stream);
    case 1:
      return start<1>(in, from, out, stream);
    case 4:
      return start<4>(in, from, out, stream);
    case 9:
      return start<9>(in, from, out, stream);
    default:
      return start<16>(in, from, out, stream);
  }
}

}  // namespace

Status project_backward(const ProjectionInputs& in, const ProjectionBackwardInputs& from, const ProjectionGradients& out,
                        Stream stream) {
  const Status status = start_for_colors(in, from, out, stream);
  if (status || !out.world_to_camera) return status;
  return launch(sum_camera_parts_kernel, in.view_count, kCameraFloats * kWarp, stream, in, out.camera_parts, out.world_to_camera);
}

}  // namespace gsv3d::splat_cuda
