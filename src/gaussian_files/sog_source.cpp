#include "gaussian_files/sog_source.h"

#ifdef GSV3D_HAS_LIBZIP
#include <zip.h>
#endif

#include "core/atomic_file.h"
#include "core/error.h"

namespace gsv3d {
namespace {

constexpr uint64_t kLargestMember = uint64_t{1} << 30;

#ifdef GSV3D_HAS_LIBZIP
class Archive : public SogSource {
 public:
  Archive(std::string_view bytes, const std::string& where) : where_(where), size_(bytes.size()) {
    zip_source_t* source = zip_source_buffer_create(bytes.data(), bytes.size(), 0, nullptr);
    require(source != nullptr, "{}: not enough memory", where);
    archive_ = zip_open_from_source(source, ZIP_RDONLY, nullptr);
    if (!archive_) zip_source_free(source);
    require(archive_ != nullptr, "{}: damaged: not a zip archive", where);
  }
  ~Archive() override { zip_discard(archive_); }
  Archive(const Archive&) = delete;
  Archive& operator=(const Archive&) = delete;

  size_t size() const override { return size_; }
  std::string read(const std::string& name) const override {
    zip_stat_t stat;
    require(zip_stat(archive_, name.c_str(), ZIP_FL_NODIR, &stat) == 0 && (stat.valid & ZIP_STAT_SIZE),
            "{}: damaged: it lacks {}", where_, name);
    require(stat.size <= kLargestMember && stat.size <= 1024 * size_, "{}: damaged: {} would be {} bytes", where_, name,
            stat.size);
    const std::unique_ptr<zip_file_t, int (*)(zip_file_t*)> file(zip_fopen(archive_, name.c_str(), ZIP_FL_NODIR), &zip_fclose);
    require(file != nullptr, "{}: damaged: {} cannot be read", where_, name);
    std::string content(stat.size, '\0');
    char beyond;
    require(zip_fread(file.get(), content.data(), content.size()) == static_cast<int64_t>(stat.size) &&
                zip_fread(file.get(), &beyond, 1) == 0,
            "{}: {} is damaged", where_, name);
    return content;
  }

 private:
  const std::string& where_;
  size_t size_;
  zip_t* archive_ = nullptr;
};
#endif

class Folder : public SogSource {
 public:
  Folder(std::filesystem::path folder, const std::string& where) : where_(where), folder_(std::move(folder)) {
    for (const auto& entry : std::filesystem::directory_iterator(folder_))
      if (entry.is_regular_file() && entry.path().extension() == ".webp") size_ += entry.file_size();
  }

  size_t size() const override { return size_; }
  std::string read(const std::string& name) const override {
    const std::filesystem::path path(name);
    require(path.filename() == path && name != "." && name != "..", "{}: \"{}\" is no file beside it", where_, name);
    return read_file(folder_ / path, kLargestMember);
  }

 private:
  const std::string& where_;
  std::filesystem::path folder_;
  size_t size_ = 0;
};

}  // namespace

std::unique_ptr<SogSource> open_sog_archive(std::string_view bytes, const std::string& where) {
#ifdef GSV3D_HAS_LIBZIP
  return std::make_unique<Archive>(bytes, where);
#else
  fail("{}: this build cannot read zip archives of {} bytes (it lacks libzip)", where, bytes.size());
#endif
}

std::unique_ptr<SogSource> open_sog_folder(const std::filesystem::path& folder, const std::string& where) {
  return std::make_unique<Folder>(folder, where);
}

}  // namespace gsv3d
