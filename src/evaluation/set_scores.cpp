#include "evaluation/set_scores.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/cancel.h"
#include "core/error.h"
#include "core/progress.h"
#include "perception/set_distances.h"

namespace gsv3d {
namespace {

constexpr size_t most_groups = 20;  // each costs as much as the score itself

/// All but those of one group: objects are dealt out to the groups in turn.
Tensor without_group(const std::vector<Tensor>& objects, size_t group, size_t groups) {
  std::vector<Tensor> kept;
  for (size_t i = 0; i < objects.size(); ++i)
    if (i % groups != group) kept.push_back(objects[i]);
  return at::cat(kept);
}

}  // namespace

Interval jackknife_interval(double estimate, const std::vector<double>& without_group) {
  const auto groups = static_cast<double>(without_group.size());
  if (groups < 3) return {SetScores::not_scored, SetScores::not_scored};
  const double mean = std::accumulate(without_group.begin(), without_group.end(), 0.0) / groups;
  double squares = 0;
  for (const double value : without_group) squares += (value - mean) * (value - mean);
  const double half = 1.96 * std::sqrt((groups - 1) / groups * squares);
  return {estimate - half, estimate + half};
}

SetScores score_sets(const std::vector<Tensor>& predicted, const std::vector<Tensor>& truth) {
  require(predicted.size() == truth.size(), "FID and KID: {} objects against {}", predicted.size(), truth.size());
  if (predicted.empty()) return {};
  SetScores scores;
  const Tensor all = at::cat(predicted), all_true = at::cat(truth);
  scores.pictures = all.size(0);
  scores.fid = frechet_distance(all, all_true);
  scores.kid = kernel_distance(all, all_true);
  const size_t groups = std::min(predicted.size(), most_groups);
  if (groups < 3) return scores;
  std::vector<double> fids, kids;
  Progress progress("intervals of FID and KID", static_cast<int64_t>(groups));
  for (size_t group = 0; group < groups; ++group) {
    throw_if_cancelled();
    const Tensor some = without_group(predicted, group, groups), some_true = without_group(truth, group, groups);
    fids.push_back(frechet_distance(some, some_true));
    kids.push_back(kernel_distance(some, some_true));
    progress.update(static_cast<int64_t>(group) + 1);
  }
  scores.fid_interval = jackknife_interval(scores.fid, fids);
  scores.kid_interval = jackknife_interval(scores.kid, kids);
  return scores;
}

}  // namespace gsv3d
