// Which objects are worth rendering, and what became of each: the limits that a user sets, and the report of a whole set.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "dataset/views.h"
#include "objects/object.h"

namespace gsv3d {

enum class ObjectOutcome {
  rendered,
  broken,      ///< cannot be read, or its data contradict themselves
  empty,       ///< nothing to see: no surface, no extent, wholly transparent
  flat,        ///< ObjectLimits::least_thickness
  thin,        ///< ObjectLimits::least_coverage
  huge,        ///< ObjectLimits::most_triangles, most_megabytes
  untextured,  ///< ObjectLimits::textured_only
  slow,        ///< ObjectLimits::most_seconds
};
constexpr std::array<std::string_view, 8> kObjectOutcomes = {"rendered", "broken", "empty",      "flat",
                                                             "thin",     "huge",   "untextured", "slow"};
inline std::string_view outcome_name(ObjectOutcome outcome) {
  return kObjectOutcomes.at(static_cast<size_t>(outcome));
}

/// Zero and false turn a limit off.
struct ObjectLimits {
  int64_t most_triangles = 0;
  double most_megabytes = 0;   ///< 10⁶ bytes that the object takes while it is rendered (rendering_bytes)
  double most_seconds = 0;     ///< wall clock, reading included; the one limit that is not a property of the object
  double least_thickness = 0;  ///< shortest side of the bounding box / longest side: 0 for a card, 1 for a cube
  double least_coverage = 0;   ///< mean share of a view's pixels that the object covers
  bool textured_only = false;  ///< a texture or colours of vertices are needed
};

/// An object that a limit leaves out.
class ObjectRefused : public Error {
 public:
  ObjectRefused(ObjectOutcome outcome, const std::string& reason) : Error(reason), outcome(outcome) {}
  ObjectOutcome outcome;
};

/// Estimate of the memory that an object and its renderer take: vertices, triangles and textures twice (the renderer has its
/// own), textures with their smaller versions, and 100 bytes of search tree per triangle (Embree's own figure for its default).
double rendering_bytes(const Object& object);

/// Throws ObjectRefused when the object exceeds a limit that is known before anything is rendered.
void check_limits(const Object& object, const ObjectLimits& limits);

/// Throws ObjectRefused when the object covers too little of its views.
void check_coverage(const ObjectViews& views, const ObjectLimits& limits);

/// What became of one object. `reason` is empty for those that were rendered; `warnings` are what its reader could not honour
/// (a missing texture, say).
struct ObjectRecord {
  std::string id;
  ObjectOutcome outcome = ObjectOutcome::rendered;
  std::string reason;
  std::vector<std::string> warnings;
};

/// "3 broken, 1 flat" of those that were not rendered; empty when all were.
std::string outcome_text(const std::vector<ObjectRecord>& records);

/// CSV: id, outcome, reason, warnings. Without times: the same objects and limits give the same bytes.
std::string outcome_table(const std::vector<ObjectRecord>& records);

}  // namespace gsv3d
