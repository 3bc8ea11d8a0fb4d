#include "evaluation/protocol.h"

#include <algorithm>
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
  explicit Scorer(const EvaluationExtras& extras) : extras_(extras) {
    if (extras.consistency) consistency_.emplace(*extras.consistency);
  }

  void set_object(const EvaluationCase& object) {
    object_ = &object;
    truth_ = true_views(object.truth, 1, object.truth.rgba.size(0));
    if (extras_.networks) truth_features_ = extras_.networks->features(truth_.rgb);
  }

  /// Of the true orbit views by Inception.
  Tensor true_features() const { return orbit_features(truth_features_); }

  void score(const ViewSet& seen, double seconds, MethodPart& part) {
    const int64_t all = object_->truth.rgba.size(0) - 1, orbit = object_->truth.orbit_views - 1;
    const PictureFeatures features = extras_.networks ? extras_.networks->features(seen.rgb) : PictureFeatures();
    ObjectScores scores{object_->truth.id, score_range(seen, features, 0, orbit), score_range(seen, features, orbit, all),
                        seconds, object_->truth.elevation_degrees};
    if (object_->surface.defined() && seen.surface.defined()) {
      scores.geometry = score_geometry(seen.surface, object_->surface);
      if (extras_.points > 0) scores.sparse = score_points(seen.surface, object_->surface, extras_.points);
    }
    if (consistency_ && seen.generated) scores.views = consistency_->score(*seen.generated);
    part.features = orbit_features(features);
    part.scores = std::move(scores);
  }

 private:
  Scores score_range(const ViewSet& seen, const PictureFeatures& features, int64_t begin, int64_t end) const {
    const ViewSet predicted = slice(seen, begin, end), truth = slice(truth_, begin, end);
    Scores scores = score_views(predicted, truth);
    if (extras_.networks)
      extras_.networks->add_scores(scores, predicted.rgb, features.slice(begin, end), truth.rgb,
                                   truth_features_.slice(begin, end));
    return scores;
  }

  Tensor orbit_features(const PictureFeatures& features) const {
    return features.inception.defined() ? features.inception.slice(0, 0, object_->truth.orbit_views - 1) : Tensor();
  }

  const EvaluationExtras& extras_;
  std::optional<ConsistencyScorer> consistency_;
  const EvaluationCase* object_ = nullptr;
  ViewSet truth_;
  PictureFeatures truth_features_;
};

/// One method on one object, scored; `predicted` is left empty when it fails.
MethodPart score_method(const EvaluationCase& object, const Method& method, Scorer& scorer, ViewSet& predicted) {
  MethodPart part{method.name, method.description};
  const auto start = std::chrono::steady_clock::now();
  try {
    const ViewSet seen = method.predict(object, object.truth.cameras.slice(1, object.truth.rgba.size(0)));
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    scorer.score(seen, seconds, part);
    predicted = seen;
  } catch (const Cancelled&) {
    throw;
  } catch (const Error& error) {
    spdlog::warn("{}, {}: {}", method.name, object.truth.id, error.what());
    part.failure = error.what();
  }
  return part;
}

}  // namespace

bool ObjectPart::failed() const {
  return std::any_of(methods.begin(), methods.end(), [](const MethodPart& part) { return !part.scores; });
}

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

void evaluate_objects(const std::vector<EvaluationCase>& cases, const std::vector<Method>& methods,
                      const PredictionCallback& on_prediction, const EvaluationExtras& extras,
                      const std::function<void(ObjectPart)>& on_part) {
  Progress progress("evaluating", static_cast<int64_t>(cases.size() * methods.size()));
  int64_t done = 0;
  Scorer scorer(extras);
  for (const auto& object : cases) {
    throw_if_cancelled();
    scorer.set_object(object);
    ObjectPart part{object.truth.id, {}};
    if (extras.autoencoder) part.autoencoder = extras.autoencoder(object);
    part.true_features = scorer.true_features();
    for (const Method& method : methods) {
      throw_if_cancelled();
      ViewSet predicted;
      part.methods.push_back(score_method(object, method, scorer, predicted));
      if (on_prediction) on_prediction(object, method, predicted);
      progress.update(++done, object.truth.id);
    }
    on_part(std::move(part));
  }
}

std::vector<MethodScores> merge_parts(const std::vector<ObjectPart>& parts) {
  std::vector<MethodScores> results;
  if (parts.empty()) return results;
  for (size_t i = 0; i < parts.front().methods.size(); ++i) {
    MethodScores result{parts.front().methods[i].name, parts.front().methods[i].description, {}};
    std::vector<Tensor> predicted, truth;
    for (const ObjectPart& part : parts) {
      require(part.methods.size() == parts.front().methods.size() && part.methods[i].name == result.name,
              "{}: was evaluated with other methods than {}", part.id, parts.front().id);
      const MethodPart& own = part.methods[i];
      if (!own.scores) {
        result.failures.push_back({part.id, own.failure});
        continue;
      }
      result.objects.push_back(*own.scores);
      if (own.features.defined()) predicted.push_back(own.features), truth.push_back(part.true_features);
    }
    if (result.objects.empty() && !result.failures.empty())
      fail("{}: failed on all {} objects; {}: {}", result.name, result.failures.size(), result.failures.front().id,
           result.failures.front().reason);
    result.set = score_sets(predicted, truth);
    results.push_back(std::move(result));
  }
  return results;
}

std::vector<MethodScores> evaluate(const std::vector<EvaluationCase>& cases, const std::vector<Method>& methods,
                                   const PredictionCallback& on_prediction, const EvaluationExtras& extras) {
  std::vector<ObjectPart> parts;
  evaluate_objects(cases, methods, on_prediction, extras, [&](ObjectPart part) { parts.push_back(std::move(part)); });
  return merge_parts(parts);
}

}  // namespace gsv3d
