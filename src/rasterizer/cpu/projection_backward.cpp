// Gradients of splats → gradients of Gaussians and cameras: sums over views, in an order that does not depend on threads.
#include <algorithm>

#include "rasterizer/cpu/parallel.h"
#include "rasterizer/cpu/projection_kernels.h"

namespace gsv3d::splat_cpu {
namespace {

int64_t most_views(const ProjectionParameters& in) {
  int64_t most = 0;
  for (int64_t i = 0; i < in.scene_count; ++i) most = std::max(most, in.scenes[i].views());
  return most;
}

/// Adds up what the chunks of a scene gave to each of its views, in order.
void sum_view_gradients(const ProjectionParameters& in, const ViewGradient* partial, int64_t stride, float* world_to_cameras) {
  for (int64_t s = 0; s < in.scene_count; ++s) {
    const int64_t chunks = gaussian_chunks(in.scenes + s, 1);
    for (int64_t view = 0; view < in.scenes[s].views(); ++view) {
      ViewGradient sum;
      for (int64_t i = 0; i < chunks; ++i) {
        const auto& part = partial[i * stride + view];
        for (int k = 0; k < 9; ++k) sum.rotation[k] += part.rotation[k];
        for (int k = 0; k < 3; ++k) sum.translation[k] += part.translation[k];
      }
      float* out = world_to_cameras + 16 * (in.scenes[s].view_begin + view);
      for (int i = 0; i < 3; ++i) {
        for (int j = 0; j < 3; ++j) out[4 * i + j] = static_cast<float>(sum.rotation[3 * i + j]);
        out[4 * i + 3] = static_cast<float>(sum.translation[i]);
      }
      std::fill(out + 12, out + 16, 0.0f);
    }
    partial += chunks * stride;
  }
}

}  // namespace

int64_t project_backward_scratch(const ProjectionParameters& in) {
  return gaussian_chunks(in.scenes, in.scene_count) * most_views(in) *
         static_cast<int64_t>(sizeof(ViewGradient) / sizeof(double));
}

void project_backward(const ProjectionParameters& in, const int32_t* first_slot, const SplatMoments* moments,
                      const ProjectionGradients& out) {
  const int64_t stride = most_views(in);
  auto* partial = out.world_to_cameras ? reinterpret_cast<ViewGradient*>(out.scratch) : nullptr;
  const auto kernel = projection_kernels(in.target).backward;
  parallel_for(gaussian_chunks(in.scenes, in.scene_count), 1, in.threads, [&](int64_t i) {
    kernel(in, gaussian_chunk(in.scenes, i), first_slot, moments, out, partial ? partial + i * stride : nullptr);
  });
  if (out.world_to_cameras) sum_view_gradients(in, partial, stride, out.world_to_cameras);
}

}  // namespace gsv3d::splat_cpu
