// Stage "vae": the KL autoencoder. Loss: L1 + MSE on [-1, 1] images, foreground pixels counting more, + a small KL term (arXiv
// 2112.10752 without its LPIPS and adversarial parts, which need further networks).
#pragma once

#include "training/stage.h"
#include "training/stage_context.h"

namespace gsv3d {

struct VaeStageConfig : TrainerConfig {
  double l1_weight = 1, mse_weight = 1;
  double kl_weight = 1e-6;        ///< on the mean over latent values
  double foreground_weight = 2;   ///< a pixel counts 1 + foreground_weight · alpha + saturation_weight · (max - min of its RGB)
  double saturation_weight = 4;   ///< most objects are grey: without this, colours are what a young autoencoder leaves out
  double tint_probability = 0.5;  ///< share of views whose object's colour is multiplied by a random one in [min_tint, 1]³
  double min_tint = 0.15;
  VaeStageConfig() { batch = 32; }
  template <class Visitor>
  void fields(Visitor& visit) {
    TrainerConfig::fields(visit);
    visit("l1_weight", l1_weight), visit("mse_weight", mse_weight), visit("kl_weight", kl_weight);
    visit("foreground_weight", foreground_weight), visit("saturation_weight", saturation_weight);
    visit("tint_probability", tint_probability), visit("min_tint", min_tint);
  }
};

/// Trains encoder and decoder on all views; exports vae.safetensors and config.json's vae.scale_factor (1 / standard deviation of
/// the latents).
std::unique_ptr<Stage> make_vae_stage(StageContext context, const VaeStageConfig& config);

}  // namespace gsv3d
