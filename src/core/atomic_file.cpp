#include "core/atomic_file.h"

#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <string>
#include <system_error>

#include "core/error.h"

namespace gsv3d {

namespace fs = std::filesystem;

AtomicFile::AtomicFile(fs::path path) : path_(std::move(path)), temporary_(path_) {
  // The process id keeps two runs that write the same target apart.
  temporary_ += fmt::format(".{}.part", ::getpid());
  std::error_code error;
  if (path_.has_parent_path()) fs::create_directories(path_.parent_path(), error);
  require(!error, "cannot create folder {}: {}", path_.parent_path().string(), error.message());
  require(!fs::is_directory(path_, error), "cannot write {}: it is a folder", path_.string());
  remove_leftovers(path_);
  file_ = std::fopen(temporary_.c_str(), "wb");
  require(file_ != nullptr, "cannot write {}: {}", path_.string(), std::strerror(errno));
}

AtomicFile::~AtomicFile() {
  if (!file_) return;
  std::fclose(file_);
  std::error_code ignored;
  fs::remove(temporary_, ignored);
}

void AtomicFile::write(const void* data, size_t size) {
  if (size && std::fwrite(data, 1, size, file_) != size) fail("cannot write {}: {}", path_.string(), std::strerror(errno));
}

void AtomicFile::commit() {
  const bool flushed = std::fflush(file_) == 0 && ::fsync(::fileno(file_)) == 0;
  require(flushed, "cannot write {}: {}", path_.string(), std::strerror(errno));
  const bool closed = std::fclose(file_) == 0;
  file_ = nullptr;
  std::error_code error;
  if (closed) fs::rename(temporary_, path_, error);
  if (!closed || error) {
    std::error_code ignored;
    fs::remove(temporary_, ignored);
    fail("cannot write {}: {}", path_.string(), closed ? error.message() : std::strerror(errno));
  }
}

void remove_leftovers(const fs::path& path) {
  const std::string prefix = path.filename().string() + ".", suffix = ".part";
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(path.has_parent_path() ? path.parent_path() : ".", error)) {
    const std::string name = entry.path().filename().string();
    if (name.size() <= prefix.size() + suffix.size() || !name.starts_with(prefix) || !name.ends_with(suffix)) continue;
    const char *begin = name.data() + prefix.size(), *end = name.data() + name.size() - suffix.size();
    pid_t process = 0;
    const auto number = std::from_chars(begin, end, process);
    if (number.ec != std::errc() || number.ptr != end || process <= 0) continue;
    if (::kill(process, 0) != 0 && errno == ESRCH) fs::remove_all(entry.path(), error);
  }
}

void write_file(const fs::path& path, std::string_view content) {
  AtomicFile file(path);
  file.write(content);
  file.commit();
}

std::string read_file(const fs::path& path, size_t limit) {
  std::error_code error;
  require(fs::exists(path, error), "{}: no such file", path.string());
  require(fs::is_regular_file(path, error), "{}: not a regular file", path.string());
  const auto size = fs::file_size(path, error);
  require(!error, "{}: {}", path.string(), error.message());
  require(size <= limit, "{}: {} bytes is more than the limit of {}", path.string(), size, limit);
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), &std::fclose);
  require(file != nullptr, "cannot read {}: {}", path.string(), std::strerror(errno));
  std::string content(size, '\0');
  require(std::fread(content.data(), 1, size, file.get()) == size, "cannot read {}: it ended early", path.string());
  return content;
}

}  // namespace gsv3d
