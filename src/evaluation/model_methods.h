// The model as a method: the whole pipeline, and its Gaussian decoder alone on true latents.
#pragma once

#include <memory>
#include <optional>

#include "evaluation/method.h"
#include "pipeline/model_folder.h"
#include "splat/gaussians.h"

namespace gsv3d {

/// Input view → generated latents → Gaussians, rendered. The input is framed already and its elevation is told to the model.
/// Throws Error when the views are not of the model's size. steps: denoising steps, otherwise the model's.
Method pipeline_method(std::shared_ptr<const Model> model, std::string name, std::string description,
                       std::optional<int64_t> steps);

/// What the decoder makes of the latents of the true orbit views, not pruned. Throws Error when the orbit does not hold the
/// model's views at equal steps.
Gaussians gaussians_of_true_latents(const Model& model, const EvaluationCase& object);

/// The decoder on the latents of the true orbit views: what the pipeline would score if diffusion made no mistake.
Method true_latents_method(std::shared_ptr<const Model> model);

}  // namespace gsv3d
