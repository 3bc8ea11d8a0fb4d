#include "core/config.h"

#include "core/atomic_file.h"

namespace gsv3d {
namespace {

constexpr int kMaxDepth = 64;

}  // namespace

std::string config_detail::excerpt(const Json& json) {
  constexpr size_t longest = 60;
  std::string text = json_text(json);
  if (text.size() > longest) text.replace(longest, std::string::npos, "...");
  return text;
}

Json parse_json(std::string_view text, const std::string& where) {
  // Printing and copying JSON is recursive: without a limit, a file of brackets would exhaust the stack.
  const auto check_depth = [&](int depth, auto, auto&) -> bool {
    require(depth <= kMaxDepth, "{}: nested more than {} deep", where, kMaxDepth);
    return true;
  };
  try {
    return Json::parse(text, check_depth, true, true);
  } catch (const nlohmann::json::exception& error) {
    fail("{}: not valid JSON: {}", where, error.what());
  }
}

std::string json_text(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

Json read_json_file(const std::filesystem::path& path) {
  return parse_json(read_file(path, size_t{64} << 20), path.string());
}

void write_json_file(const std::filesystem::path& path, const Json& json) {
  write_file(path, json_text(json, 2) + "\n");
}

}  // namespace gsv3d
