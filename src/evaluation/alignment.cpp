#include "evaluation/alignment.h"

#include <ATen/Functions.h>

#include <cmath>

#include "core/error.h"
#include "evaluation/geometry.h"

namespace gsv3d {
namespace {

constexpr double coarse_step_degrees = 5, finest_step_degrees = 0.1;
constexpr int icp_rounds = 60;

std::array<double, 9> turn_about_up(double degrees) {
  const double angle = degrees * M_PI / 180, c = std::cos(angle), s = std::sin(angle);
  return {c, 0, s, 0, 1, 0, -s, 0, c};
}

struct Bounds {
  Tensor centre;  ///< [3]
  double side;    ///< the longest
};

Bounds bounds_of(const Tensor& points) {
  const Tensor low = std::get<0>(points.min(0)), high = std::get<0>(points.max(0));
  return {(low + high) / 2, (high - low).max().item<double>()};
}

/// The turn, and with `fit_box` the box brought onto the truth's.
Similarity turned(const Tensor& points, const Bounds& truth, double degrees, bool fit_box) {
  Similarity similarity;
  similarity.rotation = turn_about_up(degrees);
  if (!fit_box) return similarity;
  const Bounds own = bounds_of(moved_points(points, similarity));
  require(own.side > 0, "alignment: the prediction has no extent");
  similarity.scale = truth.side / own.side;
  const Tensor shift = (truth.centre - own.centre * similarity.scale).to(at::kDouble);
  for (int64_t axis = 0; axis < 3; ++axis) similarity.translation[static_cast<size_t>(axis)] = shift[axis].item<double>();
  return similarity;
}

double distance_both_ways(const Tensor& points, const Tensor& truth) {
  return nearest_distances(points, truth).mean().item<double>() + nearest_distances(truth, points).mean().item<double>();
}

Similarity best_turn(const Tensor& points, const Tensor& truth, bool fit_box) {
  const Bounds box = bounds_of(truth);
  const auto error = [&](double degrees) {
    return distance_both_ways(moved_points(points, turned(points, box, degrees, fit_box)), truth);
  };
  double best = 0, least = error(0);
  const auto attempt = [&](double degrees) {
    if (const double value = error(degrees); value < least) least = value, best = degrees;
  };
  for (double degrees = coarse_step_degrees; degrees < 360; degrees += coarse_step_degrees) attempt(degrees);
  for (double step = coarse_step_degrees / 2; step > finest_step_degrees / 2; step /= 2) {
    const double middle = best;
    attempt(middle - step), attempt(middle + step);
  }
  return turned(points, box, best, fit_box);
}

/// The similarity with the least squares between rows of `from` and of `to`, both [K, 3] double (Umeyama 1991).
Similarity umeyama(const Tensor& from, const Tensor& to) {
  const Tensor centre_from = from.mean(0), centre_to = to.mean(0), a = from - centre_from, b = to - centre_to;
  const auto [u, values, vh] = at::linalg_svd(at::mm(b.t(), a) / static_cast<double>(from.size(0)), /*full_matrices=*/true);
  const Tensor signs = at::ones({3}, at::kDouble);
  if (at::det(at::mm(u, vh)).item<double>() < 0) signs[2].fill_(-1);
  const Tensor rotation = at::mm(u * signs, vh);
  const double scale = (values * signs).sum().item<double>() / a.square().sum(1).mean().item<double>();
  const Tensor translation = centre_to - scale * at::mv(rotation, centre_from);
  Similarity result;
  result.scale = scale;
  for (int64_t i = 0; i < 9; ++i) result.rotation[static_cast<size_t>(i)] = rotation[i / 3][i % 3].item<double>();
  for (int64_t i = 0; i < 3; ++i) result.translation[static_cast<size_t>(i)] = translation[i].item<double>();
  return result;
}

/// Pairs of nearest points both ways, so that shrinking does not pay.
Similarity refined(const Tensor& points, const Tensor& truth, Similarity similarity) {
  const Tensor from = points.to(at::kDouble), to = truth.to(at::kDouble);
  for (int round = 0; round < icp_rounds; ++round) {
    const Tensor moved = moved_points(points, similarity);
    const Tensor forward = nearest_neighbours(moved, truth).indices, backward = nearest_neighbours(truth, moved).indices;
    similarity = umeyama(at::cat({from, from.index_select(0, backward)}), at::cat({to.index_select(0, forward), to}));
  }
  return similarity;
}

}  // namespace

Alignment alignment_from_name(const std::string& name) {
  if (name == "none") return Alignment::none;
  if (name == "up") return Alignment::up;
  if (name == "scale") return Alignment::scale;
  if (name == "icp") return Alignment::icp;
  throw UsageError("alignment \"" + name + "\": there are none, up, scale and icp");
}

Similarity alignment_to(const Tensor& points, const Tensor& truth, Alignment alignment) {
  require(points.size(0) > 0 && truth.size(0) > 0, "alignment: {} points onto {}", points.size(0), truth.size(0));
  if (alignment == Alignment::none) return {};
  const Tensor own = points.to(at::kFloat).contiguous(), target = truth.to(at::kFloat).contiguous();
  const Similarity similarity = best_turn(own, target, alignment != Alignment::up);
  return alignment == Alignment::icp ? refined(own, target, similarity) : similarity;
}

Tensor moved_points(const Tensor& points, const Similarity& similarity) {
  const Tensor rotation = at::tensor(at::ArrayRef<double>(similarity.rotation), at::kDouble).view({3, 3});
  const Tensor translation = at::tensor(at::ArrayRef<double>(similarity.translation), at::kDouble);
  return (at::mm(points.to(at::kDouble), rotation.t()) * similarity.scale + translation).to(at::kFloat);
}

}  // namespace gsv3d
