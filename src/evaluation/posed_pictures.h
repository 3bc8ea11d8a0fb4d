// Pictures of one object with their cameras, true or generated: what a visual hull is carved from and Gaussians are fitted to.
#pragma once

#include <functional>
#include <memory>

#include "evaluation/method.h"
#include "pipeline/pipeline.h"

namespace gsv3d {

struct PosedPictures {
  Tensor rgb;    ///< [N, 3, S, S] in 0-1 over white
  Tensor alpha;  ///< [N, 1, S, S] in 0-1
  Cameras cameras;
};
using PictureSource = std::function<PosedPictures(const EvaluationCase&)>;

/// The true orbit, the input among it. What is made of it has seen the truth of the orbit's views: no prediction.
PosedPictures true_orbit(const EvaluationCase& object);

/// The views that the model generates from the input view, without decoder. Where its autoencoder has no alpha, a pixel belongs
/// to the object when a channel is darker than white by more than 0.04. Throws Error when the views are not of the model's size.
PictureSource generated_pictures(std::shared_ptr<const Model> model, const GenerateOptions& options);

/// Their soft visual hull (decoder/visual_hull.h, 96 points a side), each point in the colours of the pictures that see it from
/// nearly the target's direction; with `surface` also its surface. Seen by cameras at a distance of about 2.
ViewSet visual_hull_views(const PosedPictures& pictures, const Cameras& targets, bool surface);
Method visual_hull_method(PictureSource source, std::string name, std::string description);

/// Gaussians fitted to them as gsv3d fit does (docs/fit.md), `steps` steps from the case's seed; some seconds per object.
Method fitted_views_method(PictureSource source, std::string name, std::string description, int64_t steps = 2000);

}  // namespace gsv3d
