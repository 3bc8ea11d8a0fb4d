// Stage "decoder": GSV3D's stage 1. Latents of true views → Gaussian Splatting Decoder → renderings compared with true views:
// L = L_rgb + alpha_weight L_alpha + depth_weight L_depth + thickness_weight L_thickness + surface_weight L_surface +
// regularisers (training/gaussian_supervision.h). A decoder with a visual hull sees what it will see in generation: decoded
// views.
#pragma once

#include "training/clip_config.h"
#include "training/stage.h"
#include "training/stage_context.h"

namespace gsv3d {

struct DecoderStageConfig : ClipTrainerConfig {
  int64_t supervision_views = 4;  ///< per clip, out of all its orbit's views and random ones
  double alpha_weight = 0.5, depth_weight = 0.2;
  double thickness_weight = 0.3, l1_weight = 0, size_weight = 0.01, opacity_weight = 0.002;  ///< RenderingWeights
  /// Of supervise_surface(): every Gaussian against the true surface behind its own pixel. 0: rendering losses alone.
  double surface_weight = 0;
  double latent_noise =
      0.1;  ///< standard deviation of noise on the latents, uniform in [0, this] per clip: diffusion's are not perfect
  bool replace_photo_latent = true;  ///< view 0 keeps its exact latent, as in generation, where the photo's own is put there
  /// Share of the steps whose pictures are the true views instead of what the autoencoder makes of the latents: cheaper, and
  /// clean.
  double true_pictures_share = 0;
  /// Share of the clips whose latents the model folder's diffusion model makes from the photo, as at generation; the true views
  /// stay the target. Needs unet.safetensors and image_embedder.safetensors.
  double sampled_share = 0;
  DecoderStageConfig() { batch = 4, learning_rate = 5e-4; }
  std::vector<TrainedFile> trained_files() const {
    return {{"gaussian_decoder.safetensors", goes_on()}, {"dino.safetensors", goes_on()}};
  }
  template <class Visitor>
  void fields(Visitor& visit) {
    ClipTrainerConfig::fields(visit);
    visit("supervision_views", supervision_views, allowed::between(1, 1024)),
        visit("alpha_weight", alpha_weight, allowed::weight());
    visit("depth_weight", depth_weight, allowed::weight()), visit("surface_weight", surface_weight, allowed::weight());
    visit("latent_noise", latent_noise, allowed::between(0, 100)), visit("replace_photo_latent", replace_photo_latent);
    visit("thickness_weight", thickness_weight, allowed::weight()), visit("l1_weight", l1_weight, allowed::weight());
    visit("size_weight", size_weight, allowed::weight()), visit("opacity_weight", opacity_weight, allowed::weight());
    visit("true_pictures_share", true_pictures_share, allowed::share()), visit("sampled_share", sampled_share, allowed::share());
  }
};

/// Needs vae.safetensors. Trains and exports gaussian_decoder.safetensors and dino.safetensors.
std::unique_ptr<Stage> make_decoder_stage(StageContext context, const DecoderStageConfig& config);

}  // namespace gsv3d
