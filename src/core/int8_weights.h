// Weights stored in eight bits: half of fp16. A matrix or convolution NAME [rows, ...] is int8 with one scale per row beside it,
// NAME.row_scale [rows] float32, and stands for NAME · row_scale (symmetric per-channel quantisation, Jacob et al., arXiv
// 1712.05877). Networks compute with widened weights, so nothing but the file changes.
#pragma once

#include <string>

#include "core/safetensors.h"

namespace gsv3d {

/// Whether a tensor of this name is the scales of another one.
inline bool is_row_scale(const std::string& name) {
  return name.ends_with(".row_scale");
}

/// Puts fp16 tensors in place of int8 ones and their scales. Other tensors stay as they are, views of a mapping too. Throws
/// Error, with `origin`, for int8 tensors whose scales are missing or do not fit.
void widen_int8(NamedTensors& tensors, const std::string& origin);

/// The tensors of a file of weights, none of them in eight bits.
NamedTensors read_weights(const std::filesystem::path& path);

/// Floating-point tensors of two or more dimensions and at least `smallest` elements in eight bits, others as they are. The
/// largest value of a row becomes ±127: an error of at most half a step, 0.4 % of it.
NamedTensors narrow_to_int8(const NamedTensors& tensors, int64_t smallest = 4096);

}  // namespace gsv3d
