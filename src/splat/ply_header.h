// The header of a binary PLY file, checked against the file's size.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "splat/frame.h"

namespace gsv3d {

struct PlyHeader {
  enum class Type { kInt8, kUint8, kInt16, kUint16, kInt32, kUint32, kFloat32, kFloat64 };
  struct Property {
    std::string name;
    Type type;
    size_t offset;  ///< bytes from the start of a vertex
  };
  int64_t count = 0;  ///< vertices
  size_t stride = 0;  ///< bytes per vertex
  size_t begin = 0;   ///< bytes from the start of the file to the first vertex
  std::vector<Property> properties;
  std::optional<Frame> frame;  ///< from our own comment line

  const Property* find(std::string_view name) const;
};

/// Parses the header at the start of `bytes`, the whole file. `where` begins every error message. Throws Error on anything
/// irregular.
PlyHeader parse_ply_header(std::string_view bytes, const std::string& where);

/// One number of a vertex as float.
float ply_value(const char* vertex, const PlyHeader::Property& property);

}  // namespace gsv3d
