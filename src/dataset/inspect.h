// A look into shards and object sets: counts, sizes, coverage, a contact sheet.
#pragma once

#include <filesystem>
#include <string>

#include "dataset/object_source.h"

namespace gsv3d {

struct InspectOptions {
  std::filesystem::path sheet;  ///< PNG to write; empty: none
  int64_t sheet_objects = 20;   ///< rows, evenly spread
};

/// A report in plain text about shards, or else about an object set (list_objects; a sheet of it is rendered). Throws Error when
/// `source` is neither.
std::string inspect_dataset(const std::filesystem::path& source, const ObjectSelection& selection, const InspectOptions& options);

}  // namespace gsv3d
