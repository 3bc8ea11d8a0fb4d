// What is used when nobody says: which model folder, and in which precision.
#pragma once

#include <filesystem>

#include "models/model_folder.h"

namespace gsv3d {

/// $GSV3D_MODEL; else share/gsv3d/models/tiny of the prefix in which this program or library lies, wherever that was moved; else
/// the source tree that it was built from. Where none of them is a folder: the place in the prefix, for the message about it.
std::filesystem::path default_model_folder();

/// The fastest precision of matrix products for a model of this size there. float32 on a CPU without bf16 units, and for small
/// models on every CPU.
at::ScalarType default_dtype(const ModelConfig& config, const at::Device& device);

}  // namespace gsv3d
