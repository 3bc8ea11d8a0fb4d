// The projection of every Gaussian into every camera of its scene.
#include "rasterizer/cpu/parallel.h"
#include "rasterizer/cpu/projection_kernels.h"

namespace gsv3d::splat_cpu {

void project_forward(const ProjectionParameters& in, float near_plane, float far_plane, Splat* splats) {
  const splat_math::DrawRules rules = {in.grid, near_plane, far_plane, in.antialiased};
  const auto kernel = projection_kernels(in.target).forward;
  parallel_for(gaussian_chunks(in.scenes, in.scene_count), 1, in.threads,
               [&](int64_t i) { kernel(in, rules, gaussian_chunk(in.scenes, i), splats); });
}

}  // namespace gsv3d::splat_cpu
