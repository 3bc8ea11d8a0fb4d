#include "evaluation/model_methods.h"

#include <c10/core/GradMode.h>

#include "core/error.h"
#include "evaluation/gaussian_views.h"
#include "evaluation/metrics.h"
#include "pipeline/pipeline.h"

namespace gsv3d {
namespace {

void check_size(const Model& model, const EvaluationCase& object) {
  require(object.input_rgb.size(3) == model.config.image_size, "{}: views of {} pixels, but the model \"{}\" works on {}",
          object.truth.id, object.input_rgb.size(3), model.config.name, model.config.image_size);
}

/// Pictures [V, 4, S, S] of the true orbit views.
Tensor true_pictures(const EvaluationCase& object) {
  const ViewSet views = true_views(object.truth, object.orbit_begin(), object.truth.orbit_views);
  return at::cat({views.rgb, views.alpha}, 1);
}

/// The Gaussians that an export would hold, seen from the target cameras; and from those of the pictures [N, 3 or 4, S, S] that
/// they were made of.
ViewSet render(const Model& model, const Gaussians& gaussians, const EvaluationCase& object, const Cameras& targets,
               const Tensor& pictures, const Cameras& cameras) {
  GaussianViewOptions options;
  options.device = model.device;
  const ViewSet again = views_of_gaussians(gaussians, cameras.to(at::kCPU), object.truth.id, options);
  options.surface = object.surface.defined();
  ViewSet seen = views_of_gaussians(gaussians, targets, object.truth.id, options);
  seen.generated = {pictures.narrow(1, 0, 3).cpu(),
                    pictures.size(1) == 4 ? pictures.narrow(1, 3, 1).cpu() : Tensor(),
                    cameras.to(at::kCPU),
                    again.rgb,
                    again.alpha,
                    again.depth};
  return seen;
}

/// Those of them that stand where the model's views do, [N, 4, S, S].
Tensor true_model_views(const Model& model, const EvaluationCase& object) {
  check_size(model, object);
  const int64_t frames = model.config.frames, orbit = object.truth.orbit_views - object.orbit_begin();
  require(orbit % frames == 0, "{}: an orbit of {} views does not hold the model's {} at equal steps", object.truth.id, orbit,
          frames);
  return true_pictures(object).slice(0, 0, orbit, orbit / frames);
}

/// Pictures [V, 4, S, S] → what the autoencoder makes of their colour, [V, 3, S, S] in 0-1 over white.
Tensor reconstructed(const Model& model, const Tensor& pictures) {
  constexpr int64_t views_at_a_time = 4;  // bounds the memory
  std::vector<Tensor> results;
  for (const Tensor& part : pictures.split(views_at_a_time)) {
    const Tensor latents = scaled_latents(model.config.vae, encode_photo(model, part));
    results.push_back(decode_views(model, latents).narrow(1, 0, 3).cpu());
  }
  return at::cat(results);
}

}  // namespace

PreparedPhoto prepared_input(const EvaluationCase& object) {
  const Tensor alpha = object.input_rgba.narrow(0, 3, 1).unsqueeze(0);
  const Image cutout = to_image(object.input_rgba);
  return {cutout, cutout, at::cat({object.input_rgb, alpha}, 1)};
}

Gaussians gaussians_of_true_latents(const Model& model, const EvaluationCase& object) {
  const c10::NoGradGuard no_grad;
  const Tensor latents = scaled_latents(model.config.vae, encode_photo(model, true_model_views(model, object)));
  return decode_gaussians(model, latents, prepared_input(object).picture, object.truth.elevation_degrees);
}

Method pipeline_method(std::shared_ptr<const Model> model, std::string name, std::string description,
                       const GenerateOptions& options) {
  const auto predict = [model, options](const EvaluationCase& object, const Cameras& targets) {
    const c10::NoGradGuard no_grad;
    check_size(*model, object);
    GenerateOptions own = options;
    own.seed = object.seed;
    own.elevation_degrees = object.elevation_degrees();
    const Result result = generate(*model, prepared_input(object), own);
    const Tensor pictures = result.alphas.defined() ? at::cat({result.views, result.alphas}, 1) : result.views;
    return render(*model, *result.gaussians, object, targets, pictures, result.cameras);
  };
  return {std::move(name), std::move(description), predict};
}

bool sees_photo_alone(const Model& model) {
  return model.config.gaussian_decoder.triplane.has_value();
}

Method unrefined_method(std::shared_ptr<const Model> model, std::string name, std::string description,
                        const GenerateOptions& options) {
  GenerateOptions plain = options;
  plain.refine = false, plain.photo_palette = false, plain.photo_surface = false;
  if (!sees_photo_alone(*model)) return pipeline_method(std::move(model), std::move(name), std::move(description), plain);
  const auto predict = [model](const EvaluationCase& object, const Cameras& targets) {
    const c10::NoGradGuard no_grad;
    check_size(*model, object);
    const ModelConfig& config = model->config;
    const int64_t side = config.image_size / config.vae.downsampling();
    const Gaussians gaussians = decode_gaussians(*model, at::zeros({config.frames, config.vae.z_channels, side, side}),
                                                 prepared_input(object).picture, object.elevation_degrees());
    GaussianViewOptions seen;
    seen.device = model->device;
    seen.surface = object.surface.defined();
    return views_of_gaussians(gaussians, targets, object.truth.id, seen);
  };
  return {std::move(name), std::move(description), predict};
}

Method true_latents_method(std::shared_ptr<const Model> model) {
  const auto predict = [model](const EvaluationCase& object, const Cameras& targets) {
    const c10::NoGradGuard no_grad;
    return render(*model, gaussians_of_true_latents(*model, object), object, targets, true_model_views(*model, object),
                  model_cameras(model->config, object.truth.elevation_degrees));
  };
  return {true_latents_name, "Gaussian decoder on the encoded true orbit views: the unrefined pipeline's ceiling, no prediction",
          predict};
}

AutoencoderScores score_autoencoder(const Model& model, const EvaluationCase& object) {
  const c10::NoGradGuard no_grad;
  const auto over_views = [](const Tensor& decibels) { return at::nanmean(decibels.clamp_max(largest_psnr)).item<double>(); };
  check_size(model, object);
  const Tensor truth = true_pictures(object), rgb = truth.narrow(1, 0, 3), seen = reconstructed(model, truth);
  return {object.truth.id, over_views(psnr(seen, rgb)), over_views(object_psnr(seen, rgb, truth.narrow(1, 3, 1)))};
}

}  // namespace gsv3d
