// The networks of SV3D as they lie in a public checkpoint: which of its tensors become which of ours.
#pragma once

#include <filesystem>
#include <string>

#include "models/checkpoint_plan.h"

namespace gsv3d {

struct Sv3dPlan {
  ModelConfig config;
  PlannedParts tensors;
};

/// The names and shapes of every parameter of a part (unet, vae or image_embedder); nothing is allocated.
NamedTensors part_shapes(const std::string& part, const ModelConfig& config);

/// Reads the headers of `path` and finds a source for every tensor of the model that `base` describes; sv3d_u or sv3d_p is told
/// by the camera embedding's width. Throws Error when the files are of another model, or tensors are missing or of another shape.
Sv3dPlan plan_sv3d(const std::filesystem::path& path, const ModelConfig& base);

}  // namespace gsv3d
