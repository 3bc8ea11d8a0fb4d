// The path of the generated views' cameras around the object.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace gsv3d {

/// One camera per view, in the design's order: view 0 is the photo's, azimuths are relative to it and grow counter-clockwise seen
/// from above; elevations are absolute.
struct Orbit {
  std::vector<double> azimuths_degrees, elevations_degrees;
};

/// "sine" or "sine:AMPLITUDE" (degrees, 10 unless given): one turn at equal steps whose elevation swings once around
/// `elevation_degrees`, where view 0 is. Otherwise a JSON file {"azimuths_degrees": [...], "elevations_degrees": [...]}, each
/// with one number per view, azimuths relative to the first. Throws UsageError for a wrong text, Error naming the file and what
/// is wrong with it: another count, elevations outside -89 … 89.
Orbit parse_orbit(const std::string& text, int64_t views, double elevation_degrees);

}  // namespace gsv3d
