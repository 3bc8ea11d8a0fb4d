#include "evaluation/protocol.h"

#include <chrono>
#include <cmath>
#include <limits>

#include "core/cancel.h"
#include "core/error.h"
#include "core/log.h"
#include "core/progress.h"
#include "evaluation/metrics.h"
#include "evaluation/perceptual_networks.h"
#include "image/ssim.h"
#include "perception/set_distances.h"

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

/// Scores the methods' predictions of one object after the other.
class Scorer {
 public:
  Scorer(const EvaluationExtras& extras, size_t methods) : networks_(extras.networks), predicted_(methods), true_(methods) {
    if (extras.consistency) consistency_.emplace(*extras.consistency);
  }

  void set_object(const EvaluationCase& object) {
    object_ = &object;
    truth_ = true_views(object.truth, 1, object.truth.rgba.size(0));
    if (networks_) truth_features_ = networks_->features(truth_.rgb);
  }

  /// `method` by its index.
  ObjectScores score(size_t method, const ViewSet& seen, double seconds) {
    const int64_t all = object_->truth.rgba.size(0) - 1, orbit = object_->truth.orbit_views - 1;
    const PictureFeatures features = networks_ ? networks_->features(seen.rgb) : PictureFeatures();
    ObjectScores scores{object_->truth.id, score_range(seen, features, 0, orbit), score_range(seen, features, orbit, all),
                        seconds};
    if (object_->surface.defined() && seen.surface.defined()) scores.geometry = score_geometry(seen.surface, object_->surface);
    if (consistency_ && seen.generated) scores.views = consistency_->score(*seen.generated);
    if (features.inception.defined()) {
      predicted_[method].push_back(features.inception.slice(0, 0, orbit));
      true_[method].push_back(truth_features_.inception.slice(0, 0, orbit));
    }
    return scores;
  }

  /// Over all objects that were scored.
  SetScores score_set(size_t method) const {
    if (predicted_[method].empty()) return {};
    const Tensor predicted = at::cat(predicted_[method]), truth = at::cat(true_[method]);
    return {frechet_distance(predicted, truth), kernel_distance(predicted, truth), predicted.size(0)};
  }

 private:
  Scores score_range(const ViewSet& seen, const PictureFeatures& features, int64_t begin, int64_t end) const {
    const ViewSet predicted = slice(seen, begin, end), truth = slice(truth_, begin, end);
    Scores scores = score_views(predicted, truth);
    if (networks_)
      networks_->add_scores(scores, predicted.rgb, features.slice(begin, end), truth.rgb, truth_features_.slice(begin, end));
    return scores;
  }

  std::shared_ptr<const PerceptualNetworks> networks_;
  std::optional<ConsistencyScorer> consistency_;
  const EvaluationCase* object_ = nullptr;
  ViewSet truth_;
  PictureFeatures truth_features_;
  std::vector<std::vector<Tensor>> predicted_, true_;  // Inception's features, by method
};

/// One method on one object, scored; `predicted` is left empty when it fails.
void score_method(const EvaluationCase& object, const Method& method, size_t index, Scorer& scorer, MethodScores& result,
                  ViewSet& predicted) {
  const auto start = std::chrono::steady_clock::now();
  try {
    const ViewSet seen = method.predict(object, object.truth.cameras.slice(1, object.truth.rgba.size(0)));
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    result.objects.push_back(scorer.score(index, seen, seconds));
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
  Scores scores{nothing, nothing, nothing, nothing, nothing};
  if (truth.rgb.size(0) == 0) return scores;
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
                                   const PredictionCallback& on_prediction, const EvaluationExtras& extras) {
  std::vector<MethodScores> results;
  for (const auto& method : methods) results.push_back({method.name, method.description, {}});
  Progress progress("evaluating", static_cast<int64_t>(cases.size() * methods.size()));
  int64_t done = 0;
  Scorer scorer(extras, methods.size());
  for (const auto& object : cases) {
    scorer.set_object(object);
    for (size_t i = 0; i < methods.size(); ++i) {
      throw_if_cancelled();
      ViewSet predicted;
      score_method(object, methods[i], i, scorer, results[i], predicted);
      if (on_prediction) on_prediction(object, methods[i], predicted);
      progress.update(++done, object.truth.id);
    }
  }
  for (const MethodScores& result : results)
    require(!result.objects.empty() || result.failures.empty(), "{}: failed on all {} objects; {}: {}", result.name,
            result.failures.size(), result.failures.front().id, result.failures.front().reason);
  for (size_t i = 0; i < results.size(); ++i) results[i].set = scorer.score_set(i);
  return results;
}

}  // namespace gsv3d
