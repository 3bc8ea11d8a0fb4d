#include "objects/object_files.h"

#include <algorithm>
#include <charconv>

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
    if (inside.empty()) return std::nullopt;
    const auto path = spelled(inside);
    std::error_code nowhere;  // names that are too long, folders that may not be entered
    if (!std::filesystem::is_regular_file(path, nowhere)) return std::nullopt;
    return read_file(path, kMaxFileSize);
  }
  std::vector<std::string> names() const override {
    std::vector<std::string> result;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_))
      if (entry.is_regular_file()) result.push_back(entry.path().lexically_relative(folder_).generic_string());
    std::sort(result.begin(), result.end());
    return result;
  }

 private:
  /// The path as the disk spells it; each part of the name may differ in case. What is nowhere stays as it is.
  std::filesystem::path spelled(const std::string& inside) const {
    std::error_code nowhere;
    if (std::filesystem::exists(folder_ / inside, nowhere)) return folder_ / inside;
    std::filesystem::path path = folder_;
    for (const auto& part : std::filesystem::path(inside)) {
      std::filesystem::path next = path / part;
      if (!std::filesystem::exists(next, nowhere))
        for (const auto& entry : std::filesystem::directory_iterator(path, nowhere))
          if (lower_case(entry.path().filename().string()) == lower_case(part.string())) next = entry.path();
      path = next;
    }
    return path;
  }

  std::filesystem::path folder_;
};

std::string percent_decoded(const std::string& text) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    uint8_t byte = 0;
    const char* digits = text.data() + i + 1;
    if (text[i] == '%' && i + 2 < text.size() && std::from_chars(digits, digits + 2, byte, 16).ptr == digits + 2) {
      result += static_cast<char>(byte);
      i += 2;
    } else {
      result += text[i];
    }
  }
  return result;
}

/// Where textures lie, seen from the file that names them.
constexpr const char* kTextureFolders[] = {"",
                                           "textures/",
                                           "../textures/",
                                           "../materials/textures/",
                                           "materials/textures/",
                                           "texture/",
                                           "../texture/",
                                           "images/",
                                           "../images/",
                                           "maps/",
                                           "../maps/",
                                           "../"};

}  // namespace

std::shared_ptr<FileSource> open_folder(const std::filesystem::path& folder) {
  return std::make_shared<Folder>(folder);
}

std::string lower_case(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return c < 128 ? static_cast<char>(std::tolower(c)) : static_cast<char>(c); });
  return text;
}

std::optional<FoundFile> find_referenced(const FileSource& files, const std::string& from, const std::string& reference) {
  const auto at = [&](const std::string& name) -> std::optional<FoundFile> {
    const std::string inside = resolve_name(from, name);
    if (inside.empty()) return std::nullopt;
    auto bytes = files.read(inside);
    if (!bytes) return std::nullopt;
    return FoundFile{inside, std::move(*bytes)};
  };
  const std::string decoded = percent_decoded(reference);
  for (const std::string& name : {reference, decoded})
    if (auto found = at(name)) return found;
  for (const std::string& name : {reference, decoded}) {
    const size_t slash = name.find_last_of("/\\");
    const std::string last = slash == std::string::npos ? name : name.substr(slash + 1);
    if (last.empty()) continue;
    for (const char* folder : kTextureFolders)
      if (auto found = at(folder + last)) return found;
  }
  return std::nullopt;
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
