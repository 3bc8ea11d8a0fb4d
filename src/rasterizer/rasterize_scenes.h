// The rasterizer one step below rasterize(): several scenes in one call, and colours that are used as they are.
#pragma once

#include <vector>

#include "rasterizer/rasterizer.h"
#include "rasterizer/rasterizer_choice.h"

namespace gsv3d {

/// One scene and the cameras that see it.
struct RasterizeScene {
  Gaussians gaussians;
  Tensor colors;  ///< [G, 3], any values; when defined it replaces gaussians.sh, which may then be undefined
  Cameras cameras;
  Tensor background;  ///< [3] or [C, 3]; undefined: black

  const Tensor& color() const { return colors.defined() ? colors : gaussians.sh; }
};

/// Renders every scene into its own cameras; the work of all of them is shared among the threads. All images must have one size,
/// and all scenes must use the same kind of colour (colors, or sh of one degree). Tensors on another device than the CPU are
/// copied there and the results copied back, but for CUDA's where its kernels are built in. Throws Error on mismatched shapes or
/// types.
std::vector<Rendering> rasterize_scenes(const std::vector<RasterizeScene>& scenes, const RasterizeOptions& options = {});
/// The same by a given implementation instead of rasterizer_choice()'s.
std::vector<Rendering> rasterize_scenes(const std::vector<RasterizeScene>& scenes, const RasterizeOptions& options,
                                        RasterizerChoice choice);

}  // namespace gsv3d
