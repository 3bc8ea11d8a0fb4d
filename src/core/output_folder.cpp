#include "core/output_folder.h"

#include <unistd.h>

#include <system_error>

#include "core/atomic_file.h"
#include "core/error.h"
#include "core/folder_lock.h"

namespace gsv3d {
namespace {

/// Cut short: the longest names that a file system takes must stay possible.
std::string hidden_name(const std::string& name) {
  return "." + name.substr(0, 200);
}

}  // namespace

namespace fs = std::filesystem;

OutputFolder::OutputFolder(fs::path directory, const std::string& name)
    : directory_(std::move(directory)), path_(directory_ / name), staging_(directory_ / hidden_name(name)) {
  std::error_code error;
  require(!fs::exists(path_, error) || fs::is_directory(path_, error), "cannot write results to {}: it is not a folder",
          path_.string());
  made_directory_ = fs::create_directories(directory_, error);
  require(!error, "cannot create folder {}: {}", directory_.string(), error.message());
  remove_leftovers(staging_);
  staging_ += fmt::format(".{}.part", ::getpid());
  fs::create_directory(staging_, error);
  if (error) {
    const std::string reason = error.message();
    if (made_directory_) fs::remove(directory_, error);
    fail("cannot write to folder {}: {}", directory_.string(), reason);
  }
}

OutputFolder::~OutputFolder() {
  if (staging_.empty()) return;
  std::error_code ignored;
  fs::remove_all(staging_, ignored);
  if (made_directory_) fs::remove(directory_, ignored);  // only when empty
}

void OutputFolder::commit(const std::vector<std::string>& replaced) {
  // Two processes may end at once with results of one name: those of the second replace those of the first, all of them.
  const FolderLock alone = FolderLock::wait_for(directory_);
  std::error_code error;
  if (!fs::exists(path_, error)) {
    fs::rename(staging_, path_, error);
  } else {
    for (const std::string& name : replaced) {
      if (!fs::exists(staging_ / name, error)) fs::remove(path_ / name, error);
    }
    for (const auto& entry : fs::directory_iterator(staging_)) {
      fs::rename(entry.path(), path_ / entry.path().filename(), error);
      if (error) break;
    }
    if (!error) fs::remove_all(staging_, error);
  }
  require(!error, "cannot write {}: {}", path_.string(), error.message());
  staging_.clear();
}

}  // namespace gsv3d
