// The networks of SV3D as they lie in a public checkpoint: which of its tensors become which of ours.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "models/checkpoint.h"
#include "models/import_model.h"
#include "models/public_names.h"

namespace gsv3d {

/// One tensor of a model folder and where it comes from.
struct PlannedTensor {
  std::string name;
  std::vector<int64_t> shape;
  TensorRecipe recipe;
};

/// One file of a model folder.
struct PlannedPart {
  std::string name;
  std::shared_ptr<const Checkpoint> source;
  std::vector<PlannedTensor> tensors;
};

struct Sv3dPlan {
  ModelConfig config;
  std::vector<PlannedPart> parts;
  std::vector<IgnoredTensors> ignored;
};

/// The names and shapes of every parameter of a part (unet, vae or image_embedder); nothing is allocated.
NamedTensors part_shapes(const std::string& part, const ModelConfig& config);

/// Reads the headers of `path` and finds a source for every tensor of the model that `base` describes; sv3d_u or sv3d_p is told
/// by the camera embedding's width. Throws Error when the files are of another model, or tensors are missing or of another shape.
Sv3dPlan plan_sv3d(const std::filesystem::path& path, const ModelConfig& base);

/// The tensor itself, in the source's precision.
Tensor read_planned(const Checkpoint& source, const PlannedTensor& planned);

/// Gives back the pages that read_planned has read.
void release_planned(const Checkpoint& source, const PlannedTensor& planned);

}  // namespace gsv3d
