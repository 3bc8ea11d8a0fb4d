#include "rasterizer/cpu/view.h"

#include "core/error.h"
#include "rasterizer/math/camera_view.h"

namespace gsv3d::splat_cpu {

View make_view(const float* world_to_camera, const float* intrinsics, int64_t index) {
  View view;
  const auto state = splat_math::make_view(world_to_camera, intrinsics, view);
  require(state != splat_math::ViewState::kBadFocalLength, "rasterize: focal lengths must be positive, camera {} has {} and {}",
          index, view.fx, view.fy);
  require(state != splat_math::ViewState::kNotInvertible, "rasterize: the world_to_camera matrix of camera {} cannot be inverted",
          index);
  return view;
}

}  // namespace gsv3d::splat_cpu
