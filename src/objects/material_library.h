// Wavefront MTL: the materials of OBJ files, read as tolerantly as the files in circulation need.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace gsv3d {

struct MtlMaterial {
  float color[3] = {0.8F, 0.8F, 0.8F};  ///< Kd
  float opacity = 1;                    ///< d, or 1 - Tr
  /// map_Kd and map_d as the file may mean them, likeliest first: the rest of the line, and that without what follows a '#' or an
  /// option. Empty: no map.
  std::vector<std::string> color_maps, opacity_maps;
};

/// By name. Unknown statements are skipped; indentation, CRLF, spaces in names, map options (-bm, -o, ...) and comments stuck to
/// a file name are taken care of. The first material of a name wins.
std::map<std::string, MtlMaterial> parse_mtl(const std::string& text);

}  // namespace gsv3d
