// Wavefront MTL: the materials of OBJ files, read as tolerantly as the files in circulation need.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace gsv3d {

/// One map_ statement.
struct MtlMap {
  /// The file as the statement may mean it, likeliest first: the rest of the line, and that without what follows a '#' or an
  /// option. Empty: no map.
  std::vector<std::string> names;
  std::array<float, 2> scale{1, 1}, offset{0, 0};  ///< -s and -o: uv' = uv * scale + offset
  bool clamps = false;                             ///< -clamp on
  std::vector<std::string> unknown_options;        ///< those that change the picture and are not honoured: -mm, -t
};

struct MtlMaterial {
  std::optional<std::array<float, 3>> color;  ///< Kd
  std::array<float, 3> emission{0, 0, 0};     ///< Ke
  bool has_emission = false;                  ///< the file has a Ke
  float opacity = 1;                          ///< d; without one, 1 - Tr
  MtlMap color_map, opacity_map, emission_map;
};

/// By name. Unknown statements are skipped; indentation, CRLF, a byte-order mark, lines that go on after a '\', keywords in other
/// letter case, spaces in names and comments stuck to a file name are taken care of. The first material of a name wins.
std::map<std::string, MtlMaterial> parse_mtl(const std::string& text);

}  // namespace gsv3d
