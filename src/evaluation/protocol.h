// The evaluation: every method predicts every object's other views from one, and is scored against the truth. Described in
// docs/evaluation.md.
#pragma once

#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/config.h"
#include "evaluation/case_plan.h"
#include "evaluation/consistency.h"
#include "evaluation/method.h"
#include "evaluation/set_scores.h"
#include "evaluation/statistics.h"

namespace gsv3d {

class PerceptualNetworks;

/// Means over a set of views.
struct Scores {
  double psnr = 0;           ///< dB, mean of the views' PSNRs, each at most 100
  double ssim_zero_pad = 0;  ///< see metrics.h
  double ssim_valid = 0;
  double mask_iou = 0;
  double depth_error = 0;  ///< world units; mean over the views where it exists, not a number without any
  /// Not a number without the network's weights: perceptual_networks.h.
  double lpips_alex = not_scored, lpips_vgg = not_scored;
  double clip_similarity = not_scored, dino_similarity = not_scored;  ///< cosine of the predicted and the true view's embedding
  double clip_iqa = not_scored;                                       ///< of the predicted view alone
  template <class Visitor>
  void fields(Visitor& visit) {
    visit("psnr", psnr), visit("ssim_zero_pad", ssim_zero_pad), visit("ssim_valid", ssim_valid), visit("mask_iou", mask_iou);
    visit("depth_error", depth_error), visit("lpips_alex", lpips_alex), visit("lpips_vgg", lpips_vgg);
    visit("clip_similarity", clip_similarity), visit("dino_similarity", dino_similarity), visit("clip_iqa", clip_iqa);
  }
  static constexpr double not_scored = std::numeric_limits<double>::quiet_NaN();
};

/// Scores of one prediction. Throws Error when shapes differ.
Scores score_views(const ViewSet& predicted, const ViewSet& truth);

struct ObjectScores {
  std::string id;
  Scores orbit;   ///< the orbit without the input view
  Scores random;  ///< the views off the orbit; all not a number without any
  double seconds = 0;
  double elevation_degrees = not_known;                 ///< of the orbit
  GeometryScores geometry = no_geometry();              ///< not a number without a true and a predicted surface
  GeometryScores sparse = no_geometry();                ///< of EvaluationExtras::points points, when asked for
  ConsistencyScores views = ConsistencyScores::none();  ///< of the generated views, when asked for

  static GeometryScores no_geometry();
  static constexpr double not_known = std::numeric_limits<double>::quiet_NaN();
};

struct MethodScores {
  std::string name, description;
  std::vector<ObjectScores> objects;  ///< in the cases' order, without those that failed
  std::vector<FailedObject> failures = {};
  SetScores set = {};
};

/// How well the autoencoder keeps the true orbit views of one object; means over the views.
struct AutoencoderScores {
  std::string id;
  double psnr = 0;             ///< dB over the frame, each view at most 100
  double foreground_psnr = 0;  ///< dB over the object's pixels: object_psnr in metrics.h
};

/// Called after each object and method with the prediction for views 1 … V-1, its rgb undefined where the method failed.
using PredictionCallback = std::function<void(const EvaluationCase&, const Method&, const ViewSet& predicted)>;

/// One method on one object: scores, or why there are none.
struct MethodPart {
  std::string name, description;
  std::optional<ObjectScores> scores = {};
  std::string failure = {};
  Tensor features = {};  ///< [orbit views, D] of the predicted ones by Inception; undefined without its weights
};

/// Everything that an evaluation has to say about one object: the unit of sharing work and of going on after a break.
struct ObjectPart {
  std::string id;
  std::vector<MethodPart> methods;
  std::optional<AutoencoderScores> autoencoder = {};
  Tensor true_features = {};  ///< as MethodPart::features, of the true views

  bool failed() const;  ///< whether a method has no scores
};

/// What is scored beyond pictures, depth and surface; empty: not.
struct EvaluationExtras {
  std::optional<ConsistencyOptions> consistency;
  std::shared_ptr<const PerceptualNetworks> networks;
  std::function<AutoencoderScores(const EvaluationCase&)> autoencoder;
  int64_t points = 0;  ///< of ObjectScores::sparse
};

/// Runs all methods on all objects; what fails is warned of, and a reason stands in the object's part. on_part gets each object's
/// part when it is complete. Shows progress, stops at Ctrl-C (Cancelled).
void evaluate_objects(const std::vector<EvaluationCase>& cases, const std::vector<Method>& methods,
                      const PredictionCallback& on_prediction, const EvaluationExtras& extras,
                      const std::function<void(ObjectPart)>& on_part);

/// The methods' scores over the objects, in the parts' order, with FID and KID where there are features. Throws the first's
/// Error for a method that failed on every object, and when parts have different methods.
std::vector<MethodScores> merge_parts(const std::vector<ObjectPart>& parts);

/// evaluate_objects() and merge_parts().
std::vector<MethodScores> evaluate(const std::vector<EvaluationCase>& cases, const std::vector<Method>& methods,
                                   const PredictionCallback& on_prediction = {}, const EvaluationExtras& extras = {});

}  // namespace gsv3d
