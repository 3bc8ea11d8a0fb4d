// open_zip: members of a zip archive through libzip.
#include <algorithm>
#include <map>
#include <mutex>

#include "core/error.h"
#include "objects/object_files.h"

#ifdef GSV3D_HAS_LIBZIP
#include <zip.h>
#endif

namespace gsv3d {

#ifdef GSV3D_HAS_LIBZIP
namespace {

constexpr uint64_t kMaxMemberSize = uint64_t{512} << 20;
constexpr int64_t kMaxMembers = 200'000;

class Zip : public FileSource {
 public:
  explicit Zip(const std::filesystem::path& path) : path_(path) {
    int code = 0;
    archive_ = zip_open(path.c_str(), ZIP_RDONLY, &code);
    if (archive_ == nullptr) {
      zip_error_t error;
      zip_error_init_with_code(&error, code);
      const std::string reason = zip_error_strerror(&error);
      zip_error_fini(&error);
      fail("{}: cannot be opened as a zip archive: {}", path.string(), reason);
    }
    const int64_t members = zip_get_num_entries(archive_, 0);
    for (int64_t i = 0; i < std::min(members, kMaxMembers); ++i) {
      const char* name = zip_get_name(archive_, static_cast<uint64_t>(i), ZIP_FL_ENC_GUESS);
      if (name == nullptr) continue;
      by_name_.emplace(name, i);
      by_lower_name_.emplace(lower_case(name), i);
    }
  }
  ~Zip() override { zip_discard(archive_); }
  Zip(const Zip&) = delete;
  Zip& operator=(const Zip&) = delete;

  std::optional<std::string> read(const std::string& name) const override {
    auto found = by_name_.find(name);
    if (found == by_name_.end()) {
      found = by_lower_name_.find(lower_case(name));
      if (found == by_lower_name_.end()) return std::nullopt;
    }
    const auto index = static_cast<uint64_t>(found->second);
    const std::lock_guard lock(mutex_);  // an archive has one place where it reads
    zip_stat_t stat;
    require(zip_stat_index(archive_, index, 0, &stat) == 0 && (stat.valid & ZIP_STAT_SIZE), "{}: {} has no size", path_.string(),
            name);
    require(stat.size <= kMaxMemberSize, "{}: {} would be {} bytes; the limit is {}", path_.string(), name, stat.size,
            kMaxMemberSize);
    zip_file_t* file = zip_fopen_index(archive_, index, 0);
    require(file != nullptr, "{}: cannot read {}: {}", path_.string(), name, zip_strerror(archive_));
    std::string content(stat.size, '\0');
    const int64_t got = zip_fread(file, content.data(), content.size());
    char beyond;
    const int64_t end = zip_fread(file, &beyond, 1);  // libzip compares the checksum when it reaches the end
    zip_fclose(file);
    require(got == static_cast<int64_t>(stat.size) && end == 0, "{}: {} is damaged", path_.string(), name);
    return content;
  }
  std::vector<std::string> names() const override {
    std::vector<std::string> result;
    for (const auto& [name, unused] : by_name_) result.push_back(name);
    return result;
  }

 private:
  std::filesystem::path path_;
  zip_t* archive_ = nullptr;
  mutable std::mutex mutex_;
  std::map<std::string, int64_t> by_name_, by_lower_name_;
};

}  // namespace

std::shared_ptr<FileSource> open_zip(const std::filesystem::path& path) {
  return std::make_shared<Zip>(path);
}

#else

std::shared_ptr<FileSource> open_zip(const std::filesystem::path& path) {
  fail("{}: this build cannot read zip archives (it lacks libzip: configure with GSV3D_WITH_OBJECT_FILES=ON)", path.string());
}

#endif

}  // namespace gsv3d
