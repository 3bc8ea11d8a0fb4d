// Accessors of glTF: numbers out of buffers, whatever their type, stride, normalisation or sparseness (section 3.6).
#pragma once

#include <vector>

#include "objects/gltf_document.h"

namespace gsv3d {

/// How many numbers an element of the accessor has: 1 to 16.
int accessor_components(const GltfDocument& document, int64_t accessor);

/// What whole numbers of the accessor are divided by: 1 where it is not normalised.
float accessor_unit(const GltfDocument& document, int64_t accessor);

/// All elements, one after the other; normalised whole numbers become 0-1 or -1-1. Throws Error when the accessor reaches out of
/// its buffer view.
std::vector<float> read_floats(GltfDocument& document, int64_t accessor);

/// The same for indices: a scalar of an unsigned type.
std::vector<uint32_t> read_indices(GltfDocument& document, int64_t accessor);

}  // namespace gsv3d
