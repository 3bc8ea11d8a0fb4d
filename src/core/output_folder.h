// A folder of results that appears whole: files are written into a hidden folder beside it and moved into place at the end.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace gsv3d {

class OutputFolder {
 public:
  /// Results for DIRECTORY/NAME. Makes the staging folder at once, so that a place that cannot be written is found before any
  /// work. Throws Error.
  OutputFolder(std::filesystem::path directory, const std::string& name);
  /// Without commit(): removes everything that was written, and DIRECTORY too when it did not exist before and is empty.
  ~OutputFolder();
  OutputFolder(const OutputFolder&) = delete;
  OutputFolder& operator=(const OutputFolder&) = delete;

  /// Where to write now.
  const std::filesystem::path& staging() const { return staging_; }
  /// Where the files are after commit().
  const std::filesystem::path& path() const { return path_; }

  /// Moves every file into place, each by one rename, while no other process does so in DIRECTORY. `replaced` names files of an
  /// earlier run that must not stay beside the new ones.
  void commit(const std::vector<std::string>& replaced = {});

 private:
  std::filesystem::path directory_, path_, staging_;
  bool made_directory_ = false;
};

}  // namespace gsv3d
