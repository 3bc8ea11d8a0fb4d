#include "mesh/projection.h"

namespace gsv3d {

std::vector<Projection> camera_projections(const Cameras& cameras) {
  const Tensor intrinsics = cameras.intrinsics.to(at::kCPU, at::kDouble);
  const Tensor products =
      at::matmul(intrinsics, cameras.world_to_camera.to(at::kCPU, at::kDouble).slice(1, 0, 3)).to(at::kFloat).contiguous();
  std::vector<Projection> result(cameras.count());
  for (size_t c = 0; c < result.size(); ++c) std::copy_n(products.data_ptr<float>() + 12 * c, 12, result[c].rows.begin());
  return result;
}

}  // namespace gsv3d
