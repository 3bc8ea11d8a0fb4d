// POSIX tar (ustar): the little of it that WebDataset shards need.
// https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
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
  /// Only `bytes` of the file from `offset` on, which is where a header begins. Throws Error when the file is shorter.
  TarReader(std::filesystem::path path, uint64_t offset, uint64_t bytes);

  struct Member {
    std::string name, content;
    uint64_t bytes = 0;  ///< of the content, also where it is passed over
  };
  /// The next regular file; other kinds are skipped. False at the end. Throws Error on a wrong checksum, a truncated archive, or
  /// a member above `limit` bytes. Members that `wanted` does not want are passed over: their content is left empty.
  bool next(Member& member, uint64_t limit, const std::function<bool(const std::string& name)>& wanted = {});
  /// Where in the file the next header begins.
  uint64_t position() const { return end_ - remaining_; }

 private:
  std::filesystem::path path_;
  std::ifstream stream_;
  uint64_t end_ = 0, remaining_ = 0;  ///< end of what is read of the file, and bytes of it that have not been read
};

}  // namespace gsv3d
