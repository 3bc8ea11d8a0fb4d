#include "evaluation/evaluation_protocol.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "core/error.h"

namespace gsv3d {

std::string EvaluationProtocol::cameras() const {
  const std::string elevation = orbit_elevation_degrees ? fmt::format("at an elevation of {} degrees", *orbit_elevation_degrees)
                                                        : fmt::format("at an elevation drawn per object from {} to {} degrees",
                                                                      min_elevation_degrees, max_elevation_degrees);
  const std::string input = input_elevation_degrees ? fmt::format("input a view of its own at azimuth 0 and elevation {} degrees",
                                                                  *input_elevation_degrees)
                                                    : "input its first view";
  return fmt::format("{}: an orbit of {} views {}, {}, {} random views", name, orbit_views, elevation, input, random_views);
}

const std::vector<std::string>& protocol_names() {
  static const std::vector<std::string> names = {"gso", "objaverse", "val", "test"};
  return names;
}

EvaluationProtocol protocol_from_name(const std::string& name) {
  const std::vector<std::string>& names = protocol_names();
  if (std::find(names.begin(), names.end(), name) == names.end())
    throw UsageError(fmt::format("no protocol \"{}\"; there are {}", name, fmt::join(names, ", ")));
  EvaluationProtocol protocol;
  protocol.name = name;
  if (name == "val" || name == "test") {
    protocol.split = name;
    return protocol;
  }
  protocol.orbit_elevation_degrees.reset();
  protocol.random_views = 0;
  protocol.points = 4096;
  protocol.random_objects = name == "gso" ? 100 : 0;
  return protocol;
}

}  // namespace gsv3d
