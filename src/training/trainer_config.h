// The settings that every training stage shares; each stage's config adds its own keys in the same JSON object.
#pragma once

#include <cstdint>
#include <string>

namespace gsv3d {

struct TrainerConfig {
  int64_t steps = 10000;
  int64_t batch = 8;                  ///< items per step: images (vae) or clips of N views
  double learning_rate = 1e-3;        ///< peak; cosine down to final_learning_rate · peak after a linear warm-up
  double final_learning_rate = 0.02;  ///< share of the peak at the end
  int64_t warmup_steps = 100;
  double weight_decay = 0.01;  ///< decoupled (AdamW), on matrices and kernels only, not on biases, norms and tables of one axis
  double beta1 = 0.9, beta2 = 0.99, eps = 1e-8;
  double gradient_clip = 1;  ///< global L2 norm; 0: off
  double ema_decay = 0.999;  ///< reached by a warm-up: min(ema_decay, (1 + s) / (10 + s))
  double checkpoint_minutes = 3, preview_minutes = 9;
  int64_t log_steps = 50;                  ///< a metrics row holds the means over this many steps
  std::string initial_weights = "random";  ///< random | model_folder: start from the weights that the model folder already has
  template <class Visitor>
  void fields(Visitor& visit) {
    visit("steps", steps), visit("batch", batch), visit("learning_rate", learning_rate);
    visit("final_learning_rate", final_learning_rate), visit("warmup_steps", warmup_steps), visit("weight_decay", weight_decay);
    visit("beta1", beta1), visit("beta2", beta2), visit("eps", eps), visit("gradient_clip", gradient_clip);
    visit("ema_decay", ema_decay), visit("checkpoint_minutes", checkpoint_minutes), visit("preview_minutes", preview_minutes);
    visit("log_steps", log_steps), visit("initial_weights", initial_weights);
  }
};

/// Throws Error naming the key when a value makes no sense (no steps, negative rates, ...).
void check_trainer_config(const TrainerConfig& config, const std::string& where);

/// Learning rate of a step: cosine over `fraction` (0-1, the share of the training that is done) after a linear warm-up over
/// steps.
double scheduled_learning_rate(const TrainerConfig& config, int64_t step, double fraction);

}  // namespace gsv3d
