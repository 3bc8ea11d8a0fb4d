// Where an object's files come from: a folder or an archive, by relative name only.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace gsv3d {

/// Names are relative, with forward slashes. A name that leaves the folder or archive ("../..", absolute) counts as missing.
class FileSource {
 public:
  virtual ~FileSource() = default;
  /// The file's bytes; nullopt when there is no such file. Throws Error when it is larger than 512 MiB or unreadable.
  virtual std::optional<std::string> read(const std::string& name) const = 0;
  virtual std::vector<std::string> names() const = 0;
};

/// Files under a folder; names match without regard to case where the exact name is missing.
std::shared_ptr<FileSource> open_folder(const std::filesystem::path& folder);

/// Members of a zip archive (.zip, .sh3f); names match without regard to case where the exact name is missing. Nothing is
/// extracted to disk. Reading is not thread-safe. Throws Error when the file is not a zip archive, or when this build has no
/// libzip.
std::shared_ptr<FileSource> open_zip(const std::filesystem::path& path);

/// ASCII letters in lower case.
std::string lower_case(std::string text);

struct FoundFile {
  std::string name, bytes;
};

/// The file that `reference` means, written in the file `from` of `files`: as it stands, percent-decoded, or by its last part
/// alone (references of other machines: "C:\\art\\oak.png") beside `from` and in the folders where people and data sets keep
/// textures: textures/, ../textures/, materials/textures/ (Google Scanned Objects: ../materials/textures/), images/ ... nullopt:
/// nowhere.
std::optional<FoundFile> find_referenced(const FileSource& files, const std::string& from, const std::string& reference);

/// `name` as seen from the folder of `from` ("a/b.obj", "..\\t.png" → "t.png"); empty when that leaves the source.
std::string resolve_name(const std::string& from, std::string name);

}  // namespace gsv3d
