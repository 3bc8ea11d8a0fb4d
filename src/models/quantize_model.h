// A smaller copy of a model folder: networks stored in eight bits per weight (core/int8_weights.h).
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace gsv3d {

struct QuantizedPart {
  std::string name;
  uintmax_t bytes_before = 0, bytes_after = 0;
  double relative_error = 0;  ///< ‖w − widened‖ / ‖w‖ over all of the file's tensors
};

/// Copies `folder` to `target`, which must not exist, with the files PART.safetensors of `parts` in eight bits. Throws Error for
/// parts that are not there or hold no floating-point weights; `target` then does not appear.
std::vector<QuantizedPart> quantize_model(const std::filesystem::path& folder, const std::filesystem::path& target,
                                          const std::vector<std::string>& parts);

}  // namespace gsv3d
