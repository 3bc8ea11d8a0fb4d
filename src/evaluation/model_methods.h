// The model as a method: the whole pipeline, and its Gaussian decoder alone on true latents.
#pragma once

#include <memory>

#include "evaluation/method.h"
#include "evaluation/protocol.h"
#include "pipeline/pipeline.h"

namespace gsv3d {

inline constexpr const char* true_latents_name = "decoder on true latents";
/// Which methods that row bounds.
inline constexpr const char* ceiling_note =
    "The row \"decoder on true latents\" is the ceiling of the unrefined pipeline only: refinement to the photo and the views "
    "can pass "
    "it.";

/// The input view, which is framed already, as generate() takes it.
PreparedPhoto prepared_input(const EvaluationCase& object);

/// generate() on the input view, which is framed already, with these options except seed and elevation, which are the object's;
/// rendered, with the generated views. Throws Error when the views are not of the model's size.
Method pipeline_method(std::shared_ptr<const Model> model, std::string name, std::string description,
                       const GenerateOptions& options);

/// Whether the Gaussians depend on the photo alone, so that no views need to be generated.
bool sees_photo_alone(const Model& model);

/// What the networks alone make of the input: generate() without refinement, palette and the photo's own pixels, or the decoder
/// by itself where it sees_photo_alone(), which needs no UNet and has no generated views.
Method unrefined_method(std::shared_ptr<const Model> model, std::string name, std::string description,
                        const GenerateOptions& options);

/// What the decoder makes of the latents of the true orbit views, not pruned. Throws Error when the orbit does not hold the
/// model's views at equal steps.
Gaussians gaussians_of_true_latents(const Model& model, const EvaluationCase& object);

/// The decoder on the latents of the true orbit views: what the unrefined pipeline would score if diffusion made no mistake. Its
/// "generated" views are the true ones, so that their scores of consistency are what views of one object reach.
Method true_latents_method(std::shared_ptr<const Model> model);

/// The autoencoder alone: all orbit views, the input's too when it is one of them, encoded and decoded. Needs the part vae.
/// Throws Error when the views are not of the model's size.
AutoencoderScores score_autoencoder(const Model& model, const EvaluationCase& object);

}  // namespace gsv3d
