// Fusion of depth images into a truncated signed distance field (Curless and Levoy 1996).
#pragma once

#include "camera/camera.h"
#include "core/tensor.h"
#include "mesh/scalar_grid.h"

namespace gsv3d {

struct DepthViews {
  Tensor depth;     ///< [C, H, W] float32 camera z in world units; 0: nothing there, the whole ray is empty
  Tensor weight;    ///< [C, H, W] float32 ≥ 0, how much each pixel counts; undefined: 1 everywhere
  Cameras cameras;  ///< of H × W pixels
};

struct FusionOptions {
  double truncation = 0;    ///< world units over which distances are blended; 0: four samples of the grid
  bool interpolate = true;  ///< depth between pixels where the surface goes on; false: the nearest pixel's
};

/// Sets every sample to the weighted mean, over the views that see it, of its distance in front of the seen surface along the
/// camera's axis, divided by the truncation and cut to at most 1; views in which it lies further behind than the truncation have
/// no say. Samples without any say are inside (-1). Works line by line on all threads, so that it takes no memory besides the
/// grid. Throws Error on mismatched shapes.
void fuse_depth(ScalarGrid& grid, const DepthViews& views, const FusionOptions& options = {});

}  // namespace gsv3d
