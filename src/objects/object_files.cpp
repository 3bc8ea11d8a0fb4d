#include "objects/object_files.h"

#include <algorithm>

#include "core/atomic_file.h"
#include "core/error.h"

namespace gsv3d {
namespace {

constexpr size_t kMaxFileSize = size_t{512} << 20;

class Folder : public FileSource {
 public:
  explicit Folder(std::filesystem::path folder) : folder_(std::move(folder)) {
    require(std::filesystem::is_directory(folder_), "{} is not a folder", folder_.string());
  }
  std::optional<std::string> read(const std::string& name) const override {
    const std::string inside = resolve_name("", name);
    if (inside.empty() || !std::filesystem::is_regular_file(folder_ / inside)) return std::nullopt;
    return read_file(folder_ / inside, kMaxFileSize);
  }
  std::vector<std::string> names() const override {
    std::vector<std::string> result;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_))
      if (entry.is_regular_file()) result.push_back(entry.path().lexically_relative(folder_).generic_string());
    std::sort(result.begin(), result.end());
    return result;
  }

 private:
  std::filesystem::path folder_;
};

}  // namespace

std::shared_ptr<FileSource> open_folder(const std::filesystem::path& folder) {
  return std::make_shared<Folder>(folder);
}

std::string resolve_name(const std::string& from, std::string name) {
  std::replace(name.begin(), name.end(), '\\', '/');
  if (name.empty() || name.front() == '/' || name.find('\0') != std::string::npos || (name.size() > 1 && name[1] == ':'))
    return {};
  const auto path = (std::filesystem::path(from).parent_path() / name).lexically_normal();
  if (path.empty() || *path.begin() == "..") return {};
  return path.generic_string();
}

}  // namespace gsv3d
