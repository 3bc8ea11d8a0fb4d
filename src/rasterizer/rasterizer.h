// The differentiable Gaussian rasterizer (3DGS, arXiv 2308.04079, with gsplat's numerical rules): one function for the CPU
// kernels and the CUDA kernels. The rules that decide the numbers are listed in docs/rasterizer.md.
#pragma once

#include <memory>
#include <vector>

#include "camera/camera.h"
#include "core/tensor.h"
#include "gaussians/gaussians.h"

namespace gsv3d {

class RasterizeWorkspace;

struct RasterizeOptions {
  bool depth = true;          ///< also blend depth
  bool median_depth = false;  ///< also find the median depth
  bool antialiased =
      false;  ///< opacity × sqrt(det Σ2D before / after the 0.3 px blur) (Mip-Splatting's 2D filter, gsplat "antialiased")
  bool deterministic =
      true;  ///< the same gradients to the last bit every time on a GPU; takes 40 bytes per (Gaussian, tile) pair
  double near_plane = 0.01, far_plane = 1e10;
  /// Where calls on the CPU take their memory from and return it to; none: from LibTorch, each time anew.
  std::shared_ptr<RasterizeWorkspace> workspace = nullptr;
};

struct Rendering {
  Tensor rgb;    ///< [C, 3, H, W] blended over the background
  Tensor alpha;  ///< [C, 1, H, W] 1 - remaining transmittance
  Tensor depth;  ///< [C, 1, H, W] Σ z·α·T, not divided by alpha (see expected_depth); undefined when not asked for
  /// [C, 1, H, W] camera z of the first Gaussian behind which the transmittance is below 0.5, 0 where there is none; without
  /// gradient; undefined when not asked for
  Tensor median_depth = {};
};

/// Renders G Gaussians into C cameras. background: [3] or [C, 3]; undefined: black. Gradients flow to means, quats, scales,
/// opacities, sh and cameras.world_to_camera. All is float32, but sh may be stored in float16 or bfloat16: it is read as it is,
/// everything is computed in float32, and its gradient is rounded to its type. Throws Error on mismatched shapes, types or
/// devices.
Rendering rasterize(const Gaussians& gaussians, const Cameras& cameras, const Tensor& background = {},
                    const RasterizeOptions& options = {});

/// Renders several scenes, each into its own cameras, in one call: their work is shared among the threads, which pays for the
/// small images of training. All images must have one size and all scenes one degree of spherical harmonics. background as in
/// rasterize(), [C, 3] only when every scene has C cameras. → one Rendering per scene.
std::vector<Rendering> rasterize_batch(const std::vector<Gaussians>& gaussians, const std::vector<Cameras>& cameras,
                                       const Tensor& background = {}, const RasterizeOptions& options = {});

/// Depth divided by alpha: the expected camera z where something was hit; 0 elsewhere is not implied (divides by max(alpha,
/// 1e-10)).
Tensor expected_depth(const Rendering& rendering);

}  // namespace gsv3d
