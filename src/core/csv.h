// Comma-separated tables with a header line (RFC 4180: quotes, doubled quotes, line ends within quotes).
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace gsv3d {

/// One map (column → text) per line. Throws Error naming the line whose number of fields differs from the header's.
std::vector<std::map<std::string, std::string>> read_csv(const std::filesystem::path& path);

/// A field as it stands in a table: quoted where it must be.
std::string csv_field(const std::string& text);

}  // namespace gsv3d
