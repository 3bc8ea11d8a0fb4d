#include "matting/onnx_input.h"

#include <optional>

namespace gsv3d {
namespace {

/// One field of a protocol buffer message: a number, or the bytes of a nested message.
struct Field {
  uint64_t number = 0, value = 0;
  std::string_view bytes;
};

std::optional<uint64_t> take_varint(std::string_view& message) {
  uint64_t value = 0;
  for (int shift = 0; shift < 64 && !message.empty(); shift += 7) {
    const auto byte = static_cast<uint8_t>(message.front());
    message.remove_prefix(1);
    value |= static_cast<uint64_t>(byte & 127) << shift;
    if (byte < 128) return value;
  }
  return std::nullopt;
}

std::optional<Field> take_field(std::string_view& message) {
  const auto key = take_varint(message);
  if (!key) return std::nullopt;
  Field field{*key >> 3, 0, {}};
  const uint64_t kind = *key & 7;
  if (kind == 1 || kind == 5) {  // fixed 8 or 4 bytes
    const size_t size = kind == 1 ? 8 : 4;
    if (message.size() < size) return std::nullopt;
    message.remove_prefix(size);
    return field;
  }
  const auto value = take_varint(message);
  if (!value || (kind != 0 && kind != 2)) return std::nullopt;
  field.value = *value;
  if (kind == 2) {
    if (*value > message.size()) return std::nullopt;
    field.bytes = message.substr(0, *value);
    message.remove_prefix(*value);
  }
  return field;
}

/// The first (or the last) nested message with this number; empty when there is none.
std::string_view nested(std::string_view message, uint64_t number, bool last = false) {
  std::string_view found;
  while (const auto field = take_field(message)) {
    if (field->number != number || field->bytes.empty()) continue;
    found = field->bytes;
    if (!last) break;
  }
  return found;
}

}  // namespace

int64_t onnx_input_side(std::string_view model) {
  // ModelProto.graph = 7, GraphProto.input = 11, ValueInfoProto.type = 2, TypeProto.tensor_type = 1, Tensor.shape = 2,
  // TensorShapeProto.dim = 1
  const std::string_view shape = nested(nested(nested(nested(nested(model, 7), 11), 2), 1), 2);
  std::string_view dimension = nested(shape, 1, true);
  while (const auto field = take_field(dimension)) {
    if (field->number == 1 && field->value <= 1 << 14) return static_cast<int64_t>(field->value);  // Dimension.dim_value
  }
  return 0;
}

}  // namespace gsv3d
