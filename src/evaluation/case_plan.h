// Which objects an evaluation is about, known before any of them is rendered, and the objects themselves: from shards, or
// rendered here from object files.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "evaluation/evaluation_protocol.h"
#include "evaluation/method.h"

namespace gsv3d {

/// An object that has nothing to be scored.
struct FailedObject {
  std::string id, reason;
};

struct CaseSelection {
  std::filesystem::path dataset;     ///< shards, or object files (list_objects), which are rendered here
  std::filesystem::path objects;     ///< object files that geometry is scored on, by id; empty: those of `dataset` if it has any
  std::filesystem::path split_file;  ///< of the object files: list_objects()
  std::filesystem::path uids;        ///< only these objects, in this order: read_uids(); empty: all
  EvaluationProtocol protocol;
  int64_t limit = 0;       ///< at most so many objects, evenly spread; 0: all
  int64_t view_size = 64;  ///< of what is rendered here
  uint64_t seed = 1;       ///< of the choice of objects, with an object's id of its cameras, and with its place of its noise
  bool recolor = false;    ///< all views in other colours: recolored()
};

struct CasePlan {
  std::vector<std::string> ids;
  int64_t view_size = 0, orbit_views = 0, random_views = 0;  ///< scored views of each object, the input not among them
  bool rendered = false;                                     ///< here, from object files
  std::string split;                                         ///< of the objects, joined by "+"; "unknown"
};

/// Ids one a line (empty lines and what follows # left out), or a JSON array of strings, as Objaverse's lists are. Throws Error
/// when there are none.
std::vector<std::string> read_uids(const std::filesystem::path& path);

/// The objects of the selection's split, then of its uids (an id, or its last part; what `dataset` lacks stays and fails when it
/// is loaded), then `random_objects` of them by the seed and the id alone, in the data set's order, then `limit`. Of shards only
/// orbits at the protocol's elevation count (drawn elevations: within its limits), each object once. Throws Error when none is
/// left; UsageError when shards cannot give the input's elevation.
CasePlan plan_cases(const CaseSelection& selection);

/// "00012-maker_chair": the name, without ending, of what is kept of the object at this place of the plan.
std::string object_file_stem(size_t place, const std::string& id);

struct LoadedCases {
  std::vector<EvaluationCase> cases;   ///< in the order that was asked for, without ...
  std::vector<FailedObject> failures;  ///< ... those that could not be read or rendered
};

/// The objects of the plan at these places. What is rendered here is rendered as `gsv3d data render --seed` does, on all threads,
/// and kept in the folder `cache` (empty: not), from where it is read the next time.
LoadedCases load_planned(const CaseSelection& selection, const CasePlan& plan, const std::vector<size_t>& places,
                         const std::filesystem::path& cache = {});

/// All objects of the plan; failures are warnings. Throws Error when there is no other.
std::vector<EvaluationCase> load_cases(const CaseSelection& selection);

}  // namespace gsv3d
