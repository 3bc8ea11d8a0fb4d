// POSIX tar (ustar): the little of it that WebDataset shards need.
// https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "core/atomic_file.h"

namespace gsv3d {

/// Appends one regular file with a fixed date and owner, so that equal contents make equal archives. Throws Error when the name
/// has more than 100 bytes.
void append_tar_member(AtomicFile& file, const std::string& name, std::string_view content);

/// The two empty blocks that end an archive.
void append_tar_end(AtomicFile& file);

class TarReader {
 public:
  explicit TarReader(std::filesystem::path path);

  struct Member {
    std::string name, content;
  };
  /// The next regular file; other kinds are skipped. False at the end. Throws Error on a wrong checksum, a truncated archive, or
  /// a member above `limit` bytes.
  bool next(Member& member, uint64_t limit);

 private:
  std::filesystem::path path_;
  std::ifstream stream_;
  uint64_t remaining_ = 0;  ///< bytes of the file that have not been read
};

}  // namespace gsv3d
