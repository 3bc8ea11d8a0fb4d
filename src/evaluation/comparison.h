// Two or more evaluations that were run already, compared score by score: pairs of the same object in the same run (seed).
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/config.h"

namespace gsv3d {

/// What was evaluated under one name, once per run; run i of one variant is paired with run i of the others.
struct EvaluatedVariant {
  std::string name;
  std::vector<Json> runs;  ///< evaluation_json() each
};

/// "A.json", "A1.json,A2.json" or "NAME=A1.json,A2.json"; without a name the first file's. Throws Error naming a file that is not
/// an evaluation.
EvaluatedVariant read_variant(const std::string& text);

/// With fewer objects there is no finding: the percentile bootstrap's 95 % interval of so few holds the mean much less often than
/// that (Hesterberg 2014, arXiv 1411.5279).
inline constexpr size_t fewest_compared_objects = 10;

/// A Markdown table: for every variant but the first and every score that both have, both means over objects and runs, their
/// difference ± standard error with its 95 % bootstrap interval over all pairs (object, run), the mean difference of each run,
/// and whether that is "better", "worse" or "within noise": the interval contains 0, or runs disagree about the sign. That
/// finding is withheld, with the reason, of a single run and of fewer than fewest_compared_objects. Pairs count as independent.
/// `method` names the row that is compared; empty: the first of each file. Throws Error when there are less than two variants,
/// when they have unequal numbers of runs, when a file has no such method, when no object is common, or when the evaluations were
/// made under other conditions (size, cameras, elevation, colours, alignment).
std::string comparison_table(const std::vector<EvaluatedVariant>& variants, const std::string& method = {});

}  // namespace gsv3d
