// The header of a PLY file, checked against the file's size.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gaussians/frame.h"

namespace gsv3d {

struct PlyHeader {
  enum class Encoding { kLittleEndian, kBigEndian, kText };
  enum class Type { kInt8, kUint8, kInt16, kUint16, kInt32, kUint32, kFloat32, kFloat64 };
  struct Property {
    std::string name;
    Type type;
    size_t offset;  ///< bytes from the start of a row
  };
  struct Element {
    std::string name;
    int64_t count = 0;  ///< rows
    size_t stride = 0;  ///< bytes per row, in binary
    size_t begin = 0;   ///< bytes from the start of the file to the first row
    std::vector<Property> properties;

    const Property* find(std::string_view property) const;
    /// The bytes of one row of a binary file.
    const char* row(std::string_view file, int64_t index) const { return file.data() + begin + index * stride; }
  };
  std::vector<Element> elements;  ///< those before the first with a list property, whose length a header does not tell
  Encoding encoding = Encoding::kLittleEndian;
  size_t size = 0;                          ///< bytes of the header
  std::optional<Frame> frame;               ///< from our own comment line
  std::optional<std::array<double, 3>> up;  ///< from Brush's comment "Vertical axis: ": the direction that points up
  bool antialiased = false;                 ///< from the comment "SplatRenderMode: mip"

  const Element* find(std::string_view element) const;
  /// The element that holds the Gaussians; parse_ply_header makes sure that there is one.
  const Element& vertex() const { return *find("vertex"); }
};

/// Parses the header at the start of `bytes`, the whole file. `where` begins every error message. Throws Error on anything
/// irregular.
PlyHeader parse_ply_header(std::string_view bytes, const std::string& where);

/// Bytes of one number.
size_t ply_size(PlyHeader::Type type);

/// One number of a row of little-endian numbers as float.
float ply_value(const char* row, const PlyHeader::Property& property);

}  // namespace gsv3d
