// Files that appear whole or not at all: written under a temporary name beside the target, flushed, then renamed.
#pragma once

#include <cstdio>
#include <filesystem>
#include <span>
#include <string_view>

namespace gsv3d {

class AtomicFile {
 public:
  /// Opens `path`.PROCESS.part for writing; parent folders are created, leftovers removed. Throws Error when that is not
  /// possible.
  explicit AtomicFile(std::filesystem::path path);
  /// Removes the temporary file unless commit() was called.
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  /// Appends bytes. Throws Error when the disk is full.
  void write(const void* data, size_t size);
  void write(std::string_view text) { write(text.data(), text.size()); }

  /// Flushes to disk and renames to the final name. Throws Error when either fails.
  void commit();

  /// The temporary file, for libraries that write by name themselves.
  const std::filesystem::path& temporary_path() const { return temporary_; }

 private:
  std::filesystem::path path_, temporary_;
  std::FILE* file_ = nullptr;
};

/// Removes `path`.PROCESS.part, file or folder, where that process has ended without cleaning up (kill -9, power cut).
void remove_leftovers(const std::filesystem::path& path);

/// Writes a whole file atomically.
void write_file(const std::filesystem::path& path, std::string_view content);

/// Reads a whole file. Throws Error when it is missing, a folder, or larger than `limit` bytes.
std::string read_file(const std::filesystem::path& path, size_t limit = size_t{1} << 32);

}  // namespace gsv3d
