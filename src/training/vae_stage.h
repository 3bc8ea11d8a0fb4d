// Stage "vae": the KL autoencoder. Loss: L1 + MSE on [-1, 1] pictures, foreground pixels counting more, + a small KL term (arXiv
// 2112.10752 without its LPIPS and adversarial parts, which need further networks).
#pragma once

#include <optional>

#include "training/stage.h"
#include "training/stage_context.h"

namespace gsv3d {

struct VaeStageConfig : TrainerConfig {
  double l1_weight = 1, mse_weight = 1;
  double kl_weight = 1e-6;       ///< on the mean over latent values
  double foreground_weight = 2;  ///< a pixel counts 1 + foreground_weight · alpha + saturation_weight · (max - min of its RGB)
  double saturation_weight = 4;  ///< most objects are grey: without this, colours are what a young autoencoder leaves out
  double alpha_weight = 1;       ///< L1 + MSE of the alpha channel, all pixels alike, where the autoencoder has one
  double edge_weight = 0;        ///< L1 of the colours' differences between neighbouring pixels: sharp detail
  double recolor_probability = 0.6;  ///< share of views with permuted channels and a gain in [min_tint, 1] for each
  double min_tint = 0.15;
  std::optional<bool> per_channel;  ///< export a shift and scale for each channel of the latents; default: with alpha, yes
  VaeStageConfig() { batch = 32; }
  std::vector<TrainedFile> trained_files() const { return {{"vae.safetensors", goes_on()}}; }
  template <class Visitor>
  void fields(Visitor& visit) {
    TrainerConfig::fields(visit);
    visit("l1_weight", l1_weight, allowed::weight()), visit("mse_weight", mse_weight, allowed::weight());
    visit("kl_weight", kl_weight, allowed::weight()), visit("foreground_weight", foreground_weight, allowed::weight());
    visit("saturation_weight", saturation_weight, allowed::weight()), visit("alpha_weight", alpha_weight, allowed::weight());
    visit("edge_weight", edge_weight, allowed::weight()), visit("recolor_probability", recolor_probability, allowed::share());
    visit("min_tint", min_tint, allowed::share()), visit("per_channel", per_channel);
  }
};

/// Trains encoder and decoder on all views, recoloured; exports vae.safetensors and, into config.json, what makes latents of such
/// views unit normal: vae.latent_shift and latent_scale (mean and 1 / standard deviation of each channel) when per_channel says
/// so or the model has them already, else vae.scale_factor (1 / standard deviation of them all).
std::unique_ptr<Stage> make_vae_stage(StageContext context, const VaeStageConfig& config);

}  // namespace gsv3d
