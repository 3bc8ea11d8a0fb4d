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
#include "evaluation/consistency.h"
#include "evaluation/method.h"
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
  GeometryScores geometry = no_geometry();              ///< not a number without a true and a predicted surface
  ConsistencyScores views = ConsistencyScores::none();  ///< of the generated views, when asked for

  static GeometryScores no_geometry();
};

/// An object that a method has nothing to score for.
struct FailedObject {
  std::string id, reason;
};

/// Of all predicted orbit views of a method against all true ones of the same objects; not a number without Inception's weights.
struct SetScores {
  double fid = Scores::not_scored, kid = Scores::not_scored;
  int64_t pictures = 0;
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

/// The objects to be evaluated: shards, or a folder of object files that are rendered here (`seed` decides their random cameras).
/// Only orbits at this elevation, each object once, at most `limit` (0: all) evenly spread. Throws Error when none is left.
struct CaseSelection {
  std::filesystem::path dataset;
  std::filesystem::path objects;     ///< object files that geometry is scored on, by id; empty: those of a folder of object files
  std::filesystem::path split_file;  ///< of `objects`: list_objects()
  double elevation_degrees = 10;
  int64_t limit = 0, view_size = 64;
  uint64_t seed = 1;
  bool recolor = false;  ///< all views in other colours: recolored()
};
std::vector<EvaluationCase> load_cases(const CaseSelection& selection);

/// Called after each object and method with the prediction for views 1 … V-1, its rgb undefined where the method failed.
using PredictionCallback = std::function<void(const EvaluationCase&, const Method&, const ViewSet& predicted)>;

/// What is scored beyond pictures, depth and surface; empty: not.
struct EvaluationExtras {
  std::optional<ConsistencyOptions> consistency;
  std::shared_ptr<const PerceptualNetworks> networks;
};

/// Runs all methods on all objects. What fails is warned of and listed; a method that fails on every object throws the first's
/// Error. Shows progress, stops at Ctrl-C (Cancelled).
std::vector<MethodScores> evaluate(const std::vector<EvaluationCase>& cases, const std::vector<Method>& methods,
                                   const PredictionCallback& on_prediction = {}, const EvaluationExtras& extras = {});

}  // namespace gsv3d
