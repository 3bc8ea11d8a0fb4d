// Where the photos and results of jobs lie. Names are made from jobs' ids and fixed lists alone.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace gsv3d {

class JobFiles {
 public:
  /// DATA/inputs/ID/0, 1, … and DATA/results/ID/object.ply, …. Throws Error when the folders cannot be made.
  explicit JobFiles(std::filesystem::path data);

  std::filesystem::path database() const { return data_ / "jobs.sqlite"; }
  std::filesystem::path results_folder() const { return data_ / "results"; }
  /// Says which database the folder belongs to, where several processes share both.
  std::filesystem::path owner_file() const { return data_ / "database"; }
  /// No job has left anything here.
  bool is_empty() const;
  std::filesystem::path photo(const std::string& id, size_t index) const;
  /// A small PNG of the first photo, for lists; jobs of older versions have none.
  std::filesystem::path thumbnail(const std::string& id) const;
  /// All of them or, when it throws, none.
  void write_photos(const std::string& id, const std::vector<std::string>& photos) const;
  /// The results that there are, by output_file_names(); none before a job has succeeded.
  std::vector<std::string> results(const std::string& id) const;
  std::filesystem::path result(const std::string& id, const std::string& name) const;
  int64_t result_bytes(const std::string& id) const;
  /// A job's results are there as a whole: they were moved into place, whether or not its end was written down.
  bool has_results(const std::string& id) const;
  void remove_photos(const std::string& id) const;
  void remove(const std::string& id) const;
  /// Removes what no job owns and nobody has changed for so long: what programs were writing when they ended.
  void sweep(const std::function<bool(const std::string& id)>& is_job, std::chrono::hours least_age) const;

 private:
  std::filesystem::path data_;
};

/// "model/gltf-binary" for object.glb, and so on; of other formats of the object, too.
std::string media_type(const std::string& file_name);

}  // namespace gsv3d
