#include "camera/orbit.h"

#include <cmath>
#include <numbers>

#include "core/config.h"
#include "core/error.h"

namespace gsv3d {
namespace {

constexpr double max_elevation = 89;

struct OrbitFile {
  std::vector<double> azimuths_degrees, elevations_degrees;
  template <class Visitor>
  void fields(Visitor& visit) {
    visit("azimuths_degrees", azimuths_degrees), visit("elevations_degrees", elevations_degrees);
  }
};

Orbit sine_orbit(int64_t views, double elevation, double amplitude) {
  Orbit orbit;
  for (int64_t i = 0; i < views; ++i) {
    const double turn = static_cast<double>(i) / static_cast<double>(views);
    orbit.azimuths_degrees.push_back(360 * turn);
    orbit.elevations_degrees.push_back(elevation + amplitude * std::sin(2 * std::numbers::pi * turn));
  }
  return orbit;
}

Orbit read_orbit(const std::string& path, int64_t views) {
  const auto file = config_from_json<OrbitFile>(read_json_file(path), path);
  const auto count = static_cast<size_t>(views);
  require(file.azimuths_degrees.size() == count && file.elevations_degrees.size() == count,
          "{}: {} azimuths_degrees and {} elevations_degrees for {} views: give one of each per view", path,
          file.azimuths_degrees.size(), file.elevations_degrees.size(), views);
  Orbit orbit{file.azimuths_degrees, file.elevations_degrees};
  for (double& azimuth : orbit.azimuths_degrees) {
    require(std::isfinite(azimuth), "{}: an azimuth is not a number", path);
    azimuth -= file.azimuths_degrees.front();
  }
  return orbit;
}

}  // namespace

Orbit parse_orbit(const std::string& text, int64_t views, double elevation_degrees) {
  constexpr std::string_view sine = "sine";
  Orbit orbit;
  if (text.starts_with(sine) && (text.size() == sine.size() || text[sine.size()] == ':')) {
    double amplitude = 10;
    if (text.size() > sine.size()) {
      char* end = nullptr;
      const std::string number = text.substr(sine.size() + 1);
      amplitude = std::strtod(number.c_str(), &end);
      if (number.empty() || *end != '\0' || !std::isfinite(amplitude))
        throw UsageError(fmt::format("orbit \"{}\": the amplitude of sine:AMPLITUDE must be a number of degrees", text));
    }
    orbit = sine_orbit(views, elevation_degrees, amplitude);
  } else {
    orbit = read_orbit(text, views);
  }
  for (const double elevation : orbit.elevations_degrees)
    require(std::abs(elevation) <= max_elevation, "orbit {}: elevation {:.6g} is outside -{} … {} degrees", text, elevation,
            max_elevation, max_elevation);
  return orbit;
}

}  // namespace gsv3d
