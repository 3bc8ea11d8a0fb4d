// The numbers that every table, file and comparison of an evaluation has, in one order.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "evaluation/protocol.h"
#include "evaluation/statistics.h"

namespace gsv3d {

struct ScoreColumn {
  std::string group;      ///< "orbit" and "random" views, "geometry", "sparse": of few points, "views": their consistency
  std::string name;       ///< as in evaluation.json
  std::string label;      ///< as in tables, without the group
  int digits = 3;         ///< behind the point
  bool higher_is_better;  ///< else lower
  bool on_demand;         ///< only scored when asked for: with users' weights, of few points, or of the generated views
  std::function<double(const ObjectScores&)> of;
};
const std::vector<ScoreColumn>& score_columns();

/// The column of every object that was scored, in order.
std::vector<double> column_values(const MethodScores& method, const ScoreColumn& column);

/// Of one column, over the objects that both methods have.
PairedDifference difference_to(const MethodScores& method, const MethodScores& reference, const ScoreColumn& column);

}  // namespace gsv3d
