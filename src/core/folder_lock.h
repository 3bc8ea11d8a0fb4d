// A folder that one process at a time writes to. The lock is on the folder itself, so no file of it is left behind, and it ends
// with the process, however that ends.
#pragma once

#include <filesystem>
#include <optional>

namespace gsv3d {

class FolderLock {
 public:
  /// Waits until no other process, and no other lock of this one, holds `folder`, which must exist. Where the file system knows
  /// no locks (some network folders) it holds nothing and does not wait.
  static FolderLock wait_for(const std::filesystem::path& folder);
  /// The same without waiting: nothing when another one holds it.
  static std::optional<FolderLock> take(const std::filesystem::path& folder);
  FolderLock(FolderLock&& other) noexcept;
  FolderLock& operator=(FolderLock&& other) noexcept;
  ~FolderLock();

 private:
  explicit FolderLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;  ///< -1: nothing
};

}  // namespace gsv3d
