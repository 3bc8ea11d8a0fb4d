// Numbers in the binary chunk of a GLB file, checked against its size.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "core/tensor.h"

namespace gsv3d {

/// The parts of a GLB file (glTF 2.0, section 4.4).
struct GlbFile {
  nlohmann::json json;
  std::string_view binary;  ///< into the bytes that were given
};

/// Throws Error when the bytes are no GLB file or its JSON is damaged.
GlbFile parse_glb(std::string_view bytes, const std::string& where);

/// A non-negative integer member of an object, or `fallback` when it is missing. Throws Error on anything else.
int64_t json_index(const nlohmann::json& object, const char* key, int64_t fallback, const std::string& where);

/// The member `array`[index] as an object. Throws Error when there is none.
const nlohmann::json& json_object(const nlohmann::json& parent, const char* array, int64_t index, const std::string& where);

/// The values [count, columns] of an accessor as float; normalised integers become 0-1 or -1-1. Throws Error when it is sparse,
/// of another shape than `columns`, or reaches beyond its buffer.
Tensor read_accessor(const GlbFile& file, int64_t accessor, int64_t columns, const std::string& where);

}  // namespace gsv3d
