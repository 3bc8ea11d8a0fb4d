// Cameras → View; Gaussians × views → splats, their depth keys and tile counts.
#include "rasterizer/cuda/scene_blocks.cuh"
#include "rasterizer/cuda/splat_vectors.cuh"
#include "rasterizer/math/camera_view.h"
#include "rasterizer/math/ellipse_rows.h"
#include "rasterizer/math/projection.h"

namespace gsv3d::splat_cuda {
namespace {

constexpr int kViewThreads = 64;

__global__ void make_views_kernel(const float* world_to_camera, const float* intrinsics, int64_t view_count, View* views,
                                  unsigned long long* fault) {
  const int64_t v = blockIdx.x * int64_t{kViewThreads} + threadIdx.x;
  if (v >= view_count) return;
  View view;
  const auto state = splat_math::make_view(world_to_camera + 16 * v, intrinsics + 9 * v, view);
  views[v] = view;
  if (state != splat_math::ViewState::kGood)
    atomicMax(fault, 4 * static_cast<unsigned long long>(v + 1) + static_cast<unsigned long long>(state));
}

/// kShCount is a compile-time number so that the coefficients' loop unrolls; 0: plain colours.
template <int kShCount>
__global__ void __launch_bounds__(kGaussianChunk)
    project_forward_kernel(ProjectionInputs in, splat_math::DrawRules rules, ProjectionOutputs out) {
  const int64_t block = blockIdx.x;
  const SceneBlocks& scene =
      in.scenes[find_scene(in.scenes, in.scene_count, block, [](const SceneBlocks& s) { return s.block_begin; })];
  const int64_t local = block - scene.block_begin, chunk = local / scene.range.views(), view_index = local % scene.range.views();
  const int64_t offset = chunk * kGaussianChunk + threadIdx.x, g = scene.range.gaussian_begin + offset;
  if (g >= scene.range.gaussian_end) return;
  const int64_t i = scene.range.splat_begin + view_index * scene.range.gaussians() + offset;

  const View& view = in.views[scene.range.view_begin + view_index];
  const float* mean = in.gaussians.means + 3 * g;
  const float4 q = reinterpret_cast<const float4*>(in.gaussians.quats)[g];
  const float quat[4] = {q.x, q.y, q.z, q.w};
  const auto shape = splat_math::shape_terms(quat, in.gaussians.scales + 3 * g);
  Splat splat;
  splat_math::ProjectionTerms terms;
  int count = 0;
  if (splat_math::project_one(rules, view, mean, shape.covariance, in.gaussians.opacities[g], splat, terms)) {
    constexpr int kColorFloats = kShCount == 0 ? 3 : 3 * kShCount;
    float rgb[3];
    splat_math::splat_color(view, mean, in.gaussians.colors + g * kColorFloats, kShCount, rgb);
    splat.red = rgb[0], splat.green = rgb[1], splat.blue = rgb[2];
    count = splat_math::for_each_tile_row<kTile>(splat, in.grid, [](int, int, int) {});
  } else {
    splat = Splat{};
  }
  store_splat(splat, out.splats + kSplatVectors * i);
  out.depth_keys[i] = count > 0 ? __float_as_uint(splat.depth) : 0xffffffffu;
  out.indices[i] = static_cast<uint32_t>(i);
  out.tile_counts[i] = count;
}

}  // namespace

Status make_views(const float* world_to_camera, const float* intrinsics, int64_t view_count, View* views, int64_t* fault,
                  Stream stream) {
  if (const Status status = fill_zero(fault, sizeof(*fault), stream)) return status;
  return launch(make_views_kernel, blocks_for(view_count, kViewThreads), kViewThreads, stream, world_to_camera, intrinsics,
                view_count, views, reinterpret_cast<unsigned long long*>(fault));
}

Status project_forward(const ProjectionInputs& in, float near_plane, float far_plane, const ProjectionOutputs& out,
                       Stream stream) {
  const splat_math::DrawRules rules = {in.grid, near_plane, far_plane, in.antialiased};
  const auto start = [&](auto kernel) { return launch(kernel, in.block_count, kGaussianChunk, stream, in, rules, out); };
  switch (in.gaussians.sh_count) {
    case 0:
      return start(project_forward_kernel<0>);
    case 1:
      return start(project_forward_kernel<1>);
    case 4:
      return start(project_forward_kernel<4>);
    case 9:
      return start(project_forward_kernel<9>);
    default:
      return start(project_forward_kernel<16>);
  }
}

}  // namespace gsv3d::splat_cuda
