// How people write the sampler's settings where a number or a name does not say it all.
#include "core/error.h"
#include "diffusion/sampler.h"

namespace gsv3d {

Json parse_guidance(const std::string& text) {
  const size_t colon = text.find(':');
  std::string kind = text.substr(0, colon), numbers = colon == std::string::npos ? "" : text.substr(colon + 1);
  const bool named = kind == "triangle" || kind == "linear" || kind == "constant";
  if (!named && colon != std::string::npos)
    throw UsageError(fmt::format("{}: unknown kind \"{}\": use triangle, linear or constant", text, kind));
  Json changes = Json::object();
  if (named) changes["guider"] = kind;
  if (!named) numbers = text;
  if (named && colon == std::string::npos) return changes;
  const auto scale = [&](const std::string& part) {
    size_t used = 0;
    double value = 0;
    try {
      value = std::stod(part, &used);
    } catch (const std::exception&) {
      used = 0;
    }
    if (used == 0 || used != part.size()) throw UsageError(fmt::format("{}: \"{}\" is not a scale", text, part));
    return value;
  };
  const size_t second = numbers.find(':');
  if (second == std::string::npos) {
    changes["guidance"] = scale(numbers);
    return changes;
  }
  if (kind == "constant" || numbers.find(':', second + 1) != std::string::npos)
    throw UsageError(fmt::format("{}: too many numbers (constant:SCALE, triangle:MIN:MAX, linear:MIN:MAX)", text));
  const double low = scale(numbers.substr(0, second)), high = scale(numbers.substr(second + 1));
  if (low > high) throw UsageError(fmt::format("{}: the smallest scale comes first", text));
  changes["min_guidance"] = low, changes["guidance"] = high;
  return changes;
}

std::string guidance_range_problem(const Json& range) {
  const bool fits = range.is_array() && (range.empty() || (range.size() == 2 && range[0] >= 0 && range[0] < range[1]));
  return fits ? "" : "must be two noise levels LOW and HIGH, 0 <= LOW < HIGH, or nothing";
}

}  // namespace gsv3d
