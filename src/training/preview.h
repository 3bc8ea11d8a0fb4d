// Rows of pictures as one picture, for previews.
#pragma once

#include <vector>

#include "core/tensor.h"
#include "image/image.h"

namespace gsv3d {

/// Each row [K, 3 or more, H, W] in 0-1 (colour first) (all of one size) → one picture, enlarged by whole pixels so that small
/// views can be seen.
Image picture_grid(const std::vector<Tensor>& rows, int64_t enlarge = 2);

}  // namespace gsv3d
