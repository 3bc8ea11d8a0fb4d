#include "core/folder_lock.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "temporary_folder.h"

namespace gsv3d {
namespace {

TEST(FolderLock, OneAtATimeAndNoFileLeftBehind) {
  const testing::TemporaryFolder folder;
  std::optional<FolderLock> first = FolderLock::take(folder.path());
  ASSERT_TRUE(first.has_value());
  EXPECT_FALSE(FolderLock::take(folder.path()).has_value());
  std::atomic<bool> released = false;
  std::thread other([&] {
    const FolderLock second = FolderLock::wait_for(folder.path());
    EXPECT_TRUE(released);
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  released = true;
  first.reset();
  other.join();
  EXPECT_TRUE(FolderLock::take(folder.path()).has_value());
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(FolderLock, AFolderWithoutLocksIsNotWaitedFor) {
  EXPECT_TRUE(FolderLock::take("/nowhere").has_value());
  FolderLock::wait_for("/nowhere");
}

}  // namespace
}  // namespace gsv3d
