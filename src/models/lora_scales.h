// How strongly a LoRA file wants its layers to act: alpha and rank are in tensors (kohya), in PEFT's adapter_config.json beside
// the file, or in the file's header (diffusers, kohya).
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

namespace gsv3d {

struct LoraScales {
  std::optional<double> alpha;           ///< of layers that no pattern names; none: equal to the rank
  std::optional<int64_t> rank;           ///< the same; only told to be compared with the tensors
  std::map<std::string, double> alphas;  ///< alpha_pattern: regular expression of a layer's name or of its end → alpha
  std::map<std::string, int64_t> ranks;  ///< rank_pattern
  bool root = false;                     ///< rsLoRA (arXiv 2312.03732): alpha / sqrt(rank) instead of alpha / rank
  std::string where;                     ///< what said so, for messages

  /// The factor of B A for a layer as the file names it, whose tensors have this rank. `own_alpha`, of a tensor of the layer's,
  /// is taken as kohya means it: alpha / rank. Throws Error when the rank is not the one that was told.
  double of(const std::string& layer, int64_t rank, std::optional<double> own_alpha) const;
};

/// From adapter_config.json in the file's folder (or in `path`, when that is a folder), else from the header: diffusers'
/// lora_adapter_metadata, kohya's ss_network_alpha. Throws Error when they are damaged or describe DoRA.
LoraScales read_lora_scales(const std::filesystem::path& path);

}  // namespace gsv3d
