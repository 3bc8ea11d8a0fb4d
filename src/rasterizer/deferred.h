// Rendering whose memory does not grow with the number of views: deferred back-propagation (ARF, arXiv 2206.06360, section 4.3).
#pragma once

#include "rasterizer/rasterizer.h"

namespace gsv3d {

/// The same images and gradients as rasterize(), in groups of `cameras_per_group` cameras. On the way forward each group's lists
/// of splats are dropped once its images are there; on the way back each group is rendered again and adds its part to the
/// gradients. So only the images themselves grow with views × pixels, for one more forward pass. Throws as rasterize() does.
Rendering rasterize_deferred(const Gaussians& gaussians, const Cameras& cameras, const Tensor& background = {},
                             const RasterizeOptions& options = {}, int64_t cameras_per_group = 4);

}  // namespace gsv3d
