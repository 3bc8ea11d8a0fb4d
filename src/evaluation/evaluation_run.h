// An evaluation from its choice of objects to the report, in memory or in a folder that several processes and runs share.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/job_place.h"
#include "evaluation/case_plan.h"
#include "evaluation/html_report.h"
#include "evaluation/protocol.h"

namespace gsv3d {

struct EvaluationJob {
  CaseSelection selection;
  EvaluationSettings settings;  ///< of the model and predictions; what the selection decides is filled in
  std::string needs_weights;    ///< ReportContent::needs_weights
  std::filesystem::path model;  ///< its folder; empty: none
  EvaluationExtras extras;
  std::filesystem::path out;  ///< empty: everything stays in memory, in one piece of work
  Shard shard;                ///< of `out`: object k of the plan belongs to shard k modulo count
  /// Called once with the cases that this process scores, if it has any work; no case when none could be read.
  std::function<std::vector<Method>(const std::vector<EvaluationCase>&)> methods;
  /// The file that an object's scores depend on; its change makes them void. Empty, or an empty path: none.
  std::function<std::filesystem::path(const std::string& id)> prediction_file;
};

struct EvaluationOutcome {
  std::optional<ReportContent> content;  ///< empty: other shards' objects are missing
  int64_t objects = 0, missing = 0;
};

/// Scores what its shard has not been scored yet, and what failed before; then, when nothing is missing in the folder, writes the
/// report there. One scoring on a test split goes on the model's record each time that a report is made of one that there was
/// none of. Throws Error when nothing at all could be scored, or `out` holds another evaluation.
EvaluationOutcome run_evaluation(const EvaluationJob& job);

/// Makes the report of a folder from the parts that are there; those that are missing are listed as not scored.
EvaluationOutcome merge_evaluation(const std::filesystem::path& out);

}  // namespace gsv3d
