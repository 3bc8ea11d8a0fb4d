// The rows of a PLY file in one form, whichever of the three encodings the file has.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "gaussian_files/ply_header.h"

namespace gsv3d {

/// A file's elements with rows of little-endian numbers.
struct PlyTable {
  PlyHeader header;        ///< its offsets are into `bytes`
  std::string_view bytes;  ///< the file itself when it is little-endian already, else `converted`
  std::shared_ptr<std::string> converted = {};
};

/// Parses the header of a whole file and brings its numbers into order: big-endian ones are turned around, text is read (also
/// "nan" and "inf"). The bytes must outlive the table. Throws Error as parse_ply_header does, and for text that is no number or
/// ends early.
PlyTable read_ply_table(std::string_view bytes, const std::string& where);

}  // namespace gsv3d
