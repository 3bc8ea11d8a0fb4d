// How the tensors of a model folder come out of a public checkpoint: which of its tensors become which of ours, found out from
// headers before anything is written.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
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

/// The checkpoints of the parts and the names in them.
struct CheckpointLayout {
  std::string kind;                                                  ///< "SV3D", for messages
  std::map<std::string, std::shared_ptr<const Checkpoint>> sources;  ///< by part; single files have one for all
  std::function<TensorRecipe(const std::string& part, const std::string& name)> recipe;
  /// Why a tensor of the source is of no use; empty: nobody knows it.
  std::function<std::string_view(const std::string& part, const std::string& name)> ignored_reason;
};

struct PlannedParts {
  std::vector<PlannedPart> parts;
  std::vector<IgnoredTensors> ignored;
};

/// A source for every parameter of the parts, given by part as names and shapes. Throws Error, in one line about `path`, when
/// tensors are missing or of another shape.
PlannedParts plan_parts(const CheckpointLayout& layout, const std::vector<std::pair<std::string, NamedTensors>>& parts,
                        const std::filesystem::path& path);

/// The tensor itself, in the source's precision.
Tensor read_planned(const Checkpoint& source, const PlannedTensor& planned);

/// Gives back the pages that read_planned has read.
void release_planned(const Checkpoint& source, const PlannedTensor& planned);

}  // namespace gsv3d
