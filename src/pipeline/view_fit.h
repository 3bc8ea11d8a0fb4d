// The way to 3D for models without a Gaussian decoder: a fit to the generated views alone.
#pragma once

#include "fitting/fit.h"

namespace gsv3d {

/// views: [N, 3, S, S] in 0-1 over white, seen from `cameras`. On the CPU larger views are shrunk to 256 pixels, so that a fit
/// takes minutes. Gaussians below min_exported_opacity are still there. Throws as fit_gaussians() does.
Gaussians fit_to_views(const Tensor& views, const Cameras& cameras, int64_t steps, uint64_t seed, at::Device device,
                       const std::function<void(const FitStep&)>& on_step = {});

}  // namespace gsv3d
