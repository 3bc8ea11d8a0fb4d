// The table of contents of a Sweet Home 3D furniture library (.sh3f): PluginFurnitureCatalog.properties.
#pragma once

#include <string>
#include <vector>

namespace gsv3d {

struct FurnitureItem {
  std::string id, name, creator, model, model_rotation;
};

/// `text` is a Java properties file in latin-1 with keys NAME#N; the result is in UTF-8, sorted by N. Items without a model are
/// left out.
std::vector<FurnitureItem> parse_furniture_catalog(const std::string& text);

}  // namespace gsv3d
