// Stage "distill": GSV3D's stage 2, geometric distillation. A LoRA on the diffusion UNet learns to make latents whose Gaussians
// are right in 3D: L = L_2D + lambda_3d · weight(sigma) · L_3D on the one-step estimate of the clean latents.
#pragma once

#include "training/clip_config.h"
#include "training/stage.h"
#include "training/stage_context.h"

namespace gsv3d {

struct DistillStageConfig : ClipTrainerConfig {
  int64_t lora_rank = 16;
  double lora_alpha = 16;
  /// Endings of layer names; empty: every linear layer. Not attn2.to_q and to_k: they see a single photo token, and then learn
  /// nothing (UNetAttention::add_cross_attention).
  std::vector<std::string> lora_targets = {"attn1.to_q", "attn1.to_k", "to_v", "to_out.0"};
  double p_mean = 0.7, p_std = 1.6;             ///< of ln sigma, as in the base model's training
  double sampler_share = 0, first_share = 0.5;  ///< NoiseLevels: clips at the sampler's own noise levels
  double on_policy = 0;  ///< of those, the share that starts from what the sampler really has there with the current weights
  double max_loss_weight = 0;      ///< upper bound of L_2D's weight (sigma² + 1) / sigma²; 0: none
  double condition_dropout = 0.1;  ///< such clips count in L_2D only: without a photo there is no right object
  double lambda_3d = 1;
  /// lambda_3d is then the ratio of L_3D's gradient to L_2D's, both as norms at the estimate of the clean latents, where the two
  /// losses part; measured in every step.
  bool balance_gradients = false;
  /// L_3D of a clip counts min(1, snr_gain · SNR), SNR = 1 / sigma²: at high noise the one-step estimate is a blurred mean over
  /// all plausible objects, whose Gaussians say nothing of the object.
  double snr_gain = 1;
  double min_weight_3d = 0.02;  ///< clips that would count less are not rendered: saves time
  int64_t supervision_views = 4;
  double alpha_weight = 0.5, depth_weight = 0.2;
  bool train_decoder = false;  ///< let the Gaussian decoder follow
  double surface_weight = 0;   ///< as in the decoder stage, inside L_3D; for train_decoder
  DistillStageConfig() { batch = 4, learning_rate = 1e-4, weight_decay = 0; }
  std::vector<TrainedFile> trained_files() const {
    std::vector<TrainedFile> files = {{"distilled_lora.safetensors", goes_on()}};
    if (train_decoder) files.push_back({"gaussian_decoder.safetensors", true});
    return files;
  }
  template <class Visitor>
  void fields(Visitor& visit) {
    ClipTrainerConfig::fields(visit);
    visit("lora_rank", lora_rank, allowed::between(1, 4096)), visit("lora_alpha", lora_alpha, allowed::between(0, 1e6));
    visit("lora_targets", lora_targets), visit("p_mean", p_mean, allowed::between(-20, 20)),
        visit("p_std", p_std, allowed::between(0, 20));
    visit("sampler_share", sampler_share, allowed::share()), visit("first_share", first_share, allowed::share());
    visit("on_policy", on_policy, allowed::share()), visit("max_loss_weight", max_loss_weight, allowed::at_least(0));
    visit("condition_dropout", condition_dropout, allowed::share()), visit("lambda_3d", lambda_3d, allowed::weight());
    visit("balance_gradients", balance_gradients), visit("snr_gain", snr_gain, allowed::at_least(0));
    visit("min_weight_3d", min_weight_3d, allowed::at_least(0)),
        visit("supervision_views", supervision_views, allowed::between(1, 1024));
    visit("alpha_weight", alpha_weight, allowed::weight()), visit("depth_weight", depth_weight, allowed::weight());
    visit("train_decoder", train_decoder), visit("surface_weight", surface_weight, allowed::weight());
  }
};

/// Needs vae, unet, image_embedder, gaussian_decoder and dino. Trains and exports distilled_lora.safetensors (PEFT names), sets
/// lora_* in config.json; with train_decoder also gaussian_decoder.safetensors.
std::unique_ptr<Stage> make_distill_stage(StageContext context, const DistillStageConfig& config);

}  // namespace gsv3d
