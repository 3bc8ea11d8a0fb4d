#ifdef GSV3D_HAS_LIBZIP
#include "service/zip_archive.h"

#include <zip.h>

#include <set>

#include "core/atomic_file.h"
#include "core/error.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;

constexpr time_t no_time = 315'532'800;  // 1980, where ZIP's times begin

class Archive {
 public:
  explicit Archive(const fs::path& path)
      : where_(path.string()), archive_(zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, nullptr)) {
    require(archive_ != nullptr, "cannot write {}", where_);
  }
  ~Archive() {
    if (archive_) zip_discard(archive_);
  }
  Archive(const Archive&) = delete;
  Archive& operator=(const Archive&) = delete;

  void add(const fs::path& file) {
    zip_source_t* source = zip_source_file(archive_, file.c_str(), 0, -1);
    const int64_t index = source ? zip_file_add(archive_, file.filename().c_str(), source, ZIP_FL_ENC_UTF_8) : -1;
    if (index < 0 && source) zip_source_free(source);
    const bool is_packed = file.extension() == ".png";
    check(index >= 0 && zip_file_set_mtime(archive_, index, no_time, 0) == 0 &&
          zip_set_file_compression(archive_, index, is_packed ? ZIP_CM_STORE : ZIP_CM_DEFLATE, 0) == 0);
  }
  void close() {
    check(zip_close(archive_) == 0);
    archive_ = nullptr;
  }

 private:
  void check(bool done) const { require(done, "cannot write {}: {}", where_, zip_strerror(archive_)); }

  std::string where_;
  zip_t* archive_;
};

}  // namespace

void write_zip_archive(const fs::path& path, const fs::path& folder) {
  std::set<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) files.insert(entry.path());
  AtomicFile file(path);
  Archive archive(file.temporary_path());
  for (const fs::path& part : files) archive.add(part);
  archive.close();
  file.commit();
}

}  // namespace gsv3d
#endif
