// The rasterizer in plain tensor operations: slow, dense, obvious. It is the oracle of the kernels' tests, for values and
// gradients.
#pragma once

#include "rasterizer/rasterize_scenes.h"

namespace gsv3d {

/// The same result as rasterize_scenes({scene}) by rules 1-8 of docs/rasterizer.md, in the inputs' floating-point type (float64
/// for tests) and on their device; every step is differentiated by autograd. Takes memory for C × H·W × G numbers several times
/// over.
Rendering rasterize_reference(const RasterizeScene& scene, const RasterizeOptions& options = {});

}  // namespace gsv3d
