#include "models/lora_scales.h"

#include <cmath>
#include <cstdlib>
#include <regex>

#include "core/config.h"
#include "core/error.h"
#include "core/safetensors.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;

/// PEFT's rule (get_pattern_key): the expression is the layer's whole name or what follows one of its dots.
template <class Number>
const Number* matching(const std::map<std::string, Number>& patterns, const std::string& layer, const std::string& where) {
  for (const auto& [pattern, number] : patterns) {
    try {
      if (std::regex_match(layer, std::regex("(.*\\.)?(" + pattern + ")"))) return &number;
    } catch (const std::regex_error&) {
      fail("{}: \"{}\" is not a regular expression", where, pattern);
    }
  }
  return nullptr;
}

template <class Number>
std::map<std::string, Number> pattern_numbers(const Json& json, const char* key, const std::string& where) {
  std::map<std::string, Number> numbers;
  if (const auto found = json.find(key); found != json.end() && !found->is_null())
    config_detail::read(*found, numbers, where + "." + key);
  return numbers;
}

/// What PEFT's LoraConfig says, in a file or in a header.
LoraScales peft_scales(const Json& json, const std::string& where) {
  require(json.is_object(), "{}: expected an object, found {}", where, json.type_name());
  require(!json.value("use_dora", false), "{}: describes a DoRA: only plain LoRA is supported", where);
  LoraScales scales;
  scales.where = where;
  if (const auto found = json.find("lora_alpha"); found != json.end() && found->is_number()) scales.alpha = found->get<double>();
  if (const auto found = json.find("r"); found != json.end() && found->is_number_integer()) scales.rank = found->get<int64_t>();
  scales.alphas = pattern_numbers<double>(json, "alpha_pattern", where);
  scales.ranks = pattern_numbers<int64_t>(json, "rank_pattern", where);
  scales.root = json.value("use_rslora", false);
  return scales;
}

/// diffusers puts the name of the adapted model before every key.
Json of_unet(const Json& packed) {
  constexpr std::string_view prefix = "unet.";
  Json plain = Json::object();
  for (const auto& [key, value] : packed.items()) plain[key.starts_with(prefix) ? key.substr(prefix.size()) : key] = value;
  return plain;
}

LoraScales header_scales(const fs::path& path) {
  const auto metadata = SafetensorsFile(path).metadata();
  const std::string where = path.string() + ": header";
  if (const auto found = metadata.find("lora_adapter_metadata"); found != metadata.end())
    return peft_scales(of_unet(parse_json(found->second, where)), where);
  LoraScales scales;
  scales.where = where;
  if (const auto found = metadata.find("ss_network_alpha"); found != metadata.end()) {
    char* end = nullptr;
    const double alpha = std::strtod(found->second.c_str(), &end);
    if (end != found->second.c_str() && *end == '\0') scales.alpha = alpha;  // it may also say "Dynamic"
  }
  return scales;
}

}  // namespace

double LoraScales::of(const std::string& layer, int64_t tensor_rank, std::optional<double> own_alpha) const {
  const auto size = static_cast<double>(tensor_rank);
  if (own_alpha) return *own_alpha / size;
  const int64_t* told = matching(ranks, layer, where);
  const int64_t expected = told ? *told : rank.value_or(tensor_rank);
  require(expected == tensor_rank, "{}: says rank {} for layer \"{}\", whose tensors have rank {}", where, expected, layer,
          tensor_rank);
  const double* own = matching(alphas, layer, where);
  return (own ? *own : alpha.value_or(size)) / (root ? std::sqrt(size) : size);
}

LoraScales read_lora_scales(const fs::path& path) {
  const fs::path config = (fs::is_directory(path) ? path : path.parent_path()) / "adapter_config.json";
  if (fs::exists(config)) return peft_scales(read_json_file(config), config.string());
  return fs::is_directory(path) ? LoraScales() : header_scales(path);
}

}  // namespace gsv3d
