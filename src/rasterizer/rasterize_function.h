// The binding of the kernels to tensors and autograd. Shapes are checked before: see rasterizer.cpp.
#pragma once

#include "core/tensor.h"
#include "rasterizer/rasterizer.h"

namespace gsv3d {

/// All scenes joined: float32, contiguous, on one device, but for `scenes`, which stays on the CPU.
struct RasterizeTensors {
  Tensor means, quats, scales, opacities;  ///< [G, 3], [G, 4], [G, 3], [G]
  Tensor colors;                           ///< [G, K, 3] coefficients or [G, 3] colours; float16 and bfloat16 as well
  Tensor world_to_camera;                  ///< [C, 4, 4]
  Tensor intrinsics;                       ///< [C, 3, 3]
  Tensor backgrounds;                      ///< [C, 3]
  Tensor scenes;                           ///< [S, 5] int64: splat_cpu::SceneRange
};

/// → rgb [C, 3, H, W], alpha and depths [C, 1, H, W]; differentiable in means, quats, scales, opacities, colors and
/// world_to_camera.
Rendering rasterize_joined(const RasterizeTensors& tensors, int64_t width, int64_t height, const RasterizeOptions& options);

}  // namespace gsv3d
