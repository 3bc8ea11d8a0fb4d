#include "evaluation/protocol.h"

#include <chrono>
#include <cmath>
#include <limits>

#include "core/cancel.h"
#include "core/error.h"
#include "core/log.h"
#include "core/progress.h"
#include "evaluation/metrics.h"
#include "image/ssim.h"

namespace gsv3d {
namespace {

constexpr double nothing = std::numeric_limits<double>::quiet_NaN();
double over_views(const Tensor& per_view) {
  return at::nanmean(per_view).item<double>();
}

ViewSet slice(const ViewSet& views, int64_t begin, int64_t end) {
  return {views.rgb.slice(0, begin, end), views.alpha.slice(0, begin, end),
          views.depth.defined() ? views.depth.slice(0, begin, end) : Tensor()};
}

/// One method on one object, scored; `predicted` is left empty when it fails.
void score_method(const EvaluationCase& object, const Method& method, MethodScores& result, ViewSet& predicted) {
  const int64_t views = object.truth.rgba.size(0), orbit = object.truth.orbit_views;
  const ViewSet truth = true_views(object.truth, 1, views);
  const auto start = std::chrono::steady_clock::now();
  try {
    const ViewSet seen = method.predict(object, object.truth.cameras.slice(1, views));
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    ObjectScores scores{object.truth.id, score_views(slice(seen, 0, orbit - 1), slice(truth, 0, orbit - 1)),
                        score_views(slice(seen, orbit - 1, views - 1), slice(truth, orbit - 1, views - 1)), seconds};
    if (object.surface.defined() && seen.surface.defined()) scores.geometry = score_geometry(seen.surface, object.surface);
    result.objects.push_back(std::move(scores));
    predicted = seen;
  } catch (const Cancelled&) {
    throw;
  } catch (const Error& error) {
    spdlog::warn("{}, {}: {}", method.name, object.truth.id, error.what());
    result.failures.push_back({object.truth.id, error.what()});
  }
}

}  // namespace

GeometryScores ObjectScores::no_geometry() {
  return {nothing, nothing, nothing, nothing, nothing, nothing};
}

Scores score_views(const ViewSet& predicted, const ViewSet& truth) {
  if (truth.rgb.size(0) == 0) return {nothing, nothing, nothing, nothing, nothing};
  Scores scores;
  scores.psnr = over_views(psnr(predicted.rgb, truth.rgb).clamp_max(largest_psnr));
  const Tensor images = predicted.rgb.to(at::kDouble), true_images = truth.rgb.to(at::kDouble);
  scores.ssim_zero_pad = over_views(ssim(images, true_images, SsimBorder::zero_pad));
  scores.ssim_valid = over_views(ssim(images, true_images, SsimBorder::valid));
  scores.mask_iou = over_views(mask_iou(predicted.alpha, truth.alpha));
  scores.depth_error =
      predicted.depth.defined() ? over_views(depth_error(predicted.depth, predicted.alpha, truth.depth, truth.alpha)) : nothing;
  return scores;
}

std::vector<MethodScores> evaluate(const std::vector<EvaluationCase>& cases, const std::vector<Method>& methods,
                                   const PredictionCallback& on_prediction) {
  std::vector<MethodScores> results;
  for (const auto& method : methods) results.push_back({method.name, method.description, {}});
  Progress progress("evaluating", static_cast<int64_t>(cases.size() * methods.size()));
  int64_t done = 0;
  for (const auto& object : cases)
    for (size_t i = 0; i < methods.size(); ++i) {
      throw_if_cancelled();
      ViewSet predicted;
      score_method(object, methods[i], results[i], predicted);
      if (on_prediction) on_prediction(object, methods[i], predicted);
      progress.update(++done, object.truth.id);
    }
  for (const MethodScores& result : results)
    require(!result.objects.empty() || result.failures.empty(), "{}: failed on all {} objects; {}: {}", result.name,
            result.failures.size(), result.failures.front().id, result.failures.front().reason);
  return results;
}

}  // namespace gsv3d
