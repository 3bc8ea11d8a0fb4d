// Which implementation renders: the environment variable GSV3D_RASTERIZER can replace one that fails on some machine.
#pragma once

#include <string>

namespace gsv3d {

enum class RasterizerChoice {
  automatic,  ///< the CUDA kernels for tensors on a GPU, the CPU's for all others
  cpu,        ///< the CPU's also for tensors on a GPU: they are copied there, and images and gradients back
  reference,  ///< rasterize_reference, on the tensors' own device: slow and dense
};

/// "auto" or "cuda" (the same), "cpu", "reference"; empty: auto. Throws UsageError on anything else.
RasterizerChoice parse_rasterizer_choice(const std::string& text);

/// GSV3D_RASTERIZER, read and logged the first time.
RasterizerChoice rasterizer_choice();

}  // namespace gsv3d
