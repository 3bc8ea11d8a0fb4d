#include "service/job_files.h"

#include "core/atomic_file.h"
#include "core/error.h"
#include "exports/outputs.h"

namespace gsv3d {

namespace fs = std::filesystem;

JobFiles::JobFiles(fs::path data) : data_(std::move(data)) {
  for (const char* name : {"inputs", "results"}) {
    std::error_code error;
    fs::create_directories(data_ / name, error);
    require(!error, "cannot create folder {}: {}", (data_ / name).string(), error.message());
  }
  // Users' photos: not for the other accounts of the machine.
  std::error_code ignored;
  fs::permissions(data_, fs::perms::owner_all, ignored);
}

bool JobFiles::is_empty() const {
  return fs::is_empty(data_ / "inputs") && fs::is_empty(results_folder()) && !fs::exists(database()) && !fs::exists(owner_file());
}

fs::path JobFiles::photo(const std::string& id, size_t index) const {
  return data_ / "inputs" / id / std::to_string(index);
}

fs::path JobFiles::thumbnail(const std::string& id) const {
  return data_ / "inputs" / id / "thumbnail.png";
}

void JobFiles::write_photos(const std::string& id, const std::vector<std::string>& photos) const {
  try {
    for (size_t i = 0; i < photos.size(); ++i) write_file(photo(id, i), photos[i]);
  } catch (const Error&) {
    remove_photos(id);
    throw;
  }
}

std::vector<std::string> JobFiles::results(const std::string& id) const {
  std::vector<std::string> names;
  std::error_code error;
  for (const std::string& name : output_file_names()) {
    if (fs::is_regular_file(result(id, name), error)) names.push_back(name);
  }
  return names;
}

fs::path JobFiles::result(const std::string& id, const std::string& name) const {
  return results_folder() / id / name;
}

int64_t JobFiles::result_bytes(const std::string& id) const {
  int64_t bytes = 0;
  for (const std::string& name : results(id)) bytes += static_cast<int64_t>(fs::file_size(result(id, name)));
  return bytes;
}

bool JobFiles::has_results(const std::string& id) const {
  std::error_code error;
  return fs::exists(result(id, "result.json"), error);
}

void JobFiles::remove_photos(const std::string& id) const {
  std::error_code ignored;
  fs::remove_all(data_ / "inputs" / id, ignored);
}

void JobFiles::remove(const std::string& id) const {
  remove_photos(id);
  std::error_code ignored;
  fs::remove_all(results_folder() / id, ignored);
}

void JobFiles::sweep(const std::function<bool(const std::string&)>& is_job, std::chrono::hours least_age) const {
  std::vector<fs::path> orphans;
  const auto limit = fs::file_time_type::clock::now() - least_age;
  for (const fs::path& folder : {data_ / "inputs", results_folder()}) {
    for (const auto& entry : fs::directory_iterator(folder)) {
      std::error_code gone;
      const auto changed = entry.last_write_time(gone);
      if (!gone && changed <= limit && !is_job(entry.path().filename().string())) orphans.push_back(entry.path());
    }
  }
  std::error_code ignored;
  for (const fs::path& orphan : orphans) fs::remove_all(orphan, ignored);
}

std::string media_type(const std::string& file_name) {
  const std::string extension = fs::path(file_name).extension().string();
  if (extension == ".glb") return "model/gltf-binary";
  if (extension == ".html") return "text/html; charset=utf-8";
  if (extension == ".mp4") return "video/mp4";
  if (extension == ".png") return "image/png";
  if (extension == ".json") return "application/json";
  if (extension == ".stl") return "model/stl";
  if (extension == ".zip") return "application/zip";
  return "application/octet-stream";
}

}  // namespace gsv3d
