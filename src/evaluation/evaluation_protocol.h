// Named protocols: which views of which objects are scored. Published numbers of one model differ by many decibels because nobody
// says this.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace gsv3d {

struct EvaluationProtocol {
  std::string name = "own";                            ///< "own": none of the named ones
  std::optional<double> orbit_elevation_degrees = 10;  ///< empty: drawn per object, uniformly between the two limits
  double min_elevation_degrees = -5, max_elevation_degrees = 30;
  /// Of the input view, at azimuth 0; empty: it is the orbit's first view, which is then not scored.
  std::optional<double> input_elevation_degrees;
  int64_t orbit_views = 21, random_views = 8;
  int64_t random_objects = 0;  ///< so many of the objects, drawn by the seed; 0: all
  int64_t points = 0;          ///< on surfaces, for scores of geometry beside those of 100,000; 0: none
  std::string split;           ///< the only one that is scored; empty: all

  /// "gso: an orbit of 21 views at an elevation drawn per object from -5 to 30 degrees, input its first view, 0 random views".
  std::string cameras() const;
};

/// "gso", "objaverse" (SV3D's elevations and the paper's 4,096 points; of GSO 100 objects), "val" and "test" (these splits, an
/// orbit at 10 degrees and 8 random views).
EvaluationProtocol protocol_from_name(const std::string& name);
const std::vector<std::string>& protocol_names();

}  // namespace gsv3d
