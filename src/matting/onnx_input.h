// The one thing about an ONNX file that OpenCV does not tell: the size of its input.
#pragma once

#include <cstdint>
#include <string_view>

namespace gsv3d {

/// The side of the square picture that a network expects: the last dimension of the graph's first input, or 0 when the file
/// leaves it open or is not an ONNX model (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).
int64_t onnx_input_side(std::string_view model);

}  // namespace gsv3d
