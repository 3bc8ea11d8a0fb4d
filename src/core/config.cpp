#include "core/config.h"

#include "core/atomic_file.h"

namespace gsv3d {

Json read_json_file(const std::filesystem::path& path) {
  const std::string text = read_file(path, size_t{64} << 20);
  try {
    return Json::parse(text, nullptr, true, true);
  } catch (const nlohmann::json::exception& error) {
    fail("{}: not valid JSON: {}", path.string(), error.what());
  }
}

void write_json_file(const std::filesystem::path& path, const Json& json) {
  write_file(path, json.dump(2) + "\n");
}

}  // namespace gsv3d
