// Where the parts of a SOG are: in a zip archive, or side by side in a folder.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace gsv3d {

class SogSource {
 public:
  virtual ~SogSource() = default;
  /// The whole content of a part. Throws Error when it is missing, damaged, or larger than `size()` makes plausible.
  virtual std::string read(const std::string& name) const = 0;
  /// Bytes of all parts as they are stored.
  virtual size_t size() const = 0;
};

/// The members of a zip archive in memory, which must outlive the result; folders inside of it do not matter.
std::unique_ptr<SogSource> open_sog_archive(std::string_view bytes, const std::string& where);

/// The files of a folder; names that lead out of it are refused.
std::unique_ptr<SogSource> open_sog_folder(const std::filesystem::path& folder, const std::string& where);

}  // namespace gsv3d
