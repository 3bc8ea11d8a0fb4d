#include "further_photo_options.h"

#include <fmt/format.h>

#include <charconv>

#include "core/error.h"
#include "error_line.h"

namespace gsv3d {
namespace {

/// All of the text as a finite number, or nothing.
std::optional<double> number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return {};
  return value;
}

}  // namespace

FurtherPhotoOption parse_further_photo(const std::string& text) {
  const size_t colon = text.find(':'), comma = text.find(',');
  const std::string direction = text.substr(0, colon);
  if (direction == "auto")
    throw UsageError(
        "--view auto: where a photo was taken from is not estimated; say its azimuth, for example --view 90:side.jpg");
  const bool has_elevation = comma < colon;
  const auto azimuth = number(std::string_view(direction).substr(0, comma));
  const auto elevation = has_elevation ? number(std::string_view(direction).substr(comma + 1)) : std::nullopt;
  if (colon == std::string::npos || colon + 1 == text.size() || !azimuth || (has_elevation && !elevation))
    throw UsageError(
        fmt::format("--view {}: expected AZIMUTH:FILE or AZIMUTH,ELEVATION:FILE, for example 90:side.jpg", one_line(text)));
  return {*azimuth, elevation, text.substr(colon + 1)};
}

void FurtherPhotoOptions::add_to(CLI::App& command) {
  command
      .add_option("--view", given,
                  "another photo of the same object, AZIMUTH:FILE or AZIMUTH,ELEVATION:FILE: how far its camera went around the "
                  "object, in degrees, counter-clockwise seen from above (90: it shows the object's own left side); repeatable")
      ->take_all()
      ->allow_extra_args(false);
}

std::vector<FurtherPhotoOption> FurtherPhotoOptions::photos() const {
  std::vector<FurtherPhotoOption> photos;
  for (const std::string& text : given) photos.push_back(parse_further_photo(text));
  return photos;
}

}  // namespace gsv3d
