// How much memory generating views takes, foretold from a model's widths, and the settings that make it fit.
#pragma once

#include <cstdint>
#include <optional>

#include "models/model_folder.h"

namespace gsv3d {

/// Bytes. The formulas count the largest set of activations alive at once; docs/sv3d.md has them beside measurements.
struct MemoryPlan {
  int64_t weights = 0;         ///< of every part, as they will lie in memory
  int64_t sampling_joint = 0;  ///< activations of one step, both halves of the guidance together
  int64_t sampling_split = 0;  ///< one half after the other
  int64_t decoding_view = 0;   ///< activations of decoding, per view of a chunk
  int64_t program = 0;         ///< libraries and pictures

  int64_t peak(GuidanceBatch batch, int64_t chunk) const;
};

MemoryPlan plan_memory(const ModelConfig& config, at::ScalarType dtype);

/// What this machine can give to a new process: free memory and what caches hold, within its control group's limit. Nothing on
/// systems that do not say.
std::optional<int64_t> available_memory();

/// How sampling and decoding are cut into pieces; what is not given is chosen.
struct MemoryChoice {
  std::optional<GuidanceBatch> guidance_batch;
  std::optional<int64_t> decode_chunk;  ///< views decoded at a time
};

/// The choice with guidance_batch and decode_chunk filled in, where they are not given, so that the plan fits the CPU's memory:
/// together and 8 at a time if possible. Throws Error in one line when nothing fits, saying what would. On a GPU only the
/// defaults are set.
MemoryChoice fitted_to_memory(const MemoryChoice& choice, const Model& model);

/// The same for a memory of this size and weights that are loaded already; for tests.
MemoryChoice fitted_to(const MemoryChoice& choice, const MemoryPlan& plan, int64_t frames, int64_t available);

}  // namespace gsv3d
