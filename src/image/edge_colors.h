// Colours at the outline of a cut-out are mixtures with the background that was removed.
#pragma once

#include "core/tensor.h"

namespace gsv3d {

/// A cut-out RGBA [4, H, W], float32 in 0-1, not premultiplied, whose colours at the outline (1/170 of its longer side, at least
/// one pixel) are the means of those just inside. Alpha stays, and so do parts too thin to have an inside.
Tensor with_edge_colors_from_inside(const Tensor& cutout);

}  // namespace gsv3d
