// Stage "diffusion": the base multi-view diffusion model, SV3D's network trained as SV3D was: EDM noise levels, v-prediction, one
// photo as condition (arXiv 2403.12008; sgm/modules/diffusionmodules/loss.py).
#pragma once

#include "training/clip_config.h"
#include "training/stage.h"
#include "training/stage_context.h"

namespace gsv3d {

struct DiffusionStageConfig : ClipTrainerConfig {
  double p_mean = 0.7, p_std = 1.6;             ///< of the normal distribution of ln sigma, one draw per clip
  double sampler_share = 0, first_share = 0.5;  ///< NoiseLevels: clips at the sampler's own noise levels
  double max_loss_weight = 0;                   ///< upper bound of the loss's weight (sigma² + 1) / sigma²; 0: none
  double condition_dropout = 0.1;               ///< share of clips that learn without photo, for classifier-free guidance
  bool freeze_image_embedder = false;           ///< use MODEL/image_embedder.safetensors as it is instead of training it along
  int64_t preview_steps = 12;                   ///< sampling steps of the preview; 0: as many as the sampler takes
  std::vector<TrainedFile> trained_files() const {
    std::vector<TrainedFile> files = {{"unet.safetensors", goes_on()}};
    if (!freeze_image_embedder) files.push_back({"image_embedder.safetensors", goes_on()});
    return files;
  }
  template <class Visitor>
  void fields(Visitor& visit) {
    ClipTrainerConfig::fields(visit);
    visit("p_mean", p_mean, allowed::between(-20, 20)), visit("p_std", p_std, allowed::between(0, 20));
    visit("condition_dropout", condition_dropout, allowed::share()), visit("sampler_share", sampler_share, allowed::share());
    visit("first_share", first_share, allowed::share()), visit("max_loss_weight", max_loss_weight, allowed::at_least(0));
    visit("freeze_image_embedder", freeze_image_embedder), visit("preview_steps", preview_steps, allowed::between(0, 10'000));
  }
};

/// Needs vae.safetensors. Trains and exports unet.safetensors, and image_embedder.safetensors unless frozen.
std::unique_ptr<Stage> make_diffusion_stage(StageContext context, const DiffusionStageConfig& config);

}  // namespace gsv3d
