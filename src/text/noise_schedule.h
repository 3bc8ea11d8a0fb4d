// Stable Diffusion's thousand noise levels, and which of them a short run visits. x_t = sqrt(a_t) x_0 + sqrt(1 - a_t) noise, a_t
// falling with t (DDPM, arXiv 2006.11239; "scaled linear" betas: arXiv 2112.10752).
#pragma once

#include <string>
#include <vector>

#include "core/settings.h"
#include "core/tensor.h"

namespace gsv3d {

/// How a network was trained: belongs to the weights.
struct NoiseScheduleConfig {
  int64_t train_steps = 1000;
  double beta_start = 0.00085, beta_end = 0.012;
  std::string prediction = "epsilon";  ///< what the network's output is: epsilon (the noise) or v_prediction (arXiv 2202.00512)
  bool zero_terminal_snr = false;      ///< the last level is noise alone (arXiv 2305.08891)
  template <class Visitor>
  void fields(Visitor& visit) {
    visit("train_steps", train_steps, Setting{.low = 1, .high = 1'000'000, .option = false});
    visit("beta_start", beta_start, Setting{.low = 1e-8, .high = 0.999, .option = false});
    visit("beta_end", beta_end, Setting{.low = 1e-8, .high = 0.999, .option = false});
    visit("prediction", prediction, Setting{.choices = {"epsilon", "v_prediction"}, .option = false});
    visit("zero_terminal_snr", zero_terminal_snr);
  }
  bool predicts_v() const { return prediction == "v_prediction"; }
};

/// a_t for t = 0 … train_steps - 1, [train_steps] float32 on the CPU; the last is 0 with zero_terminal_snr. Computed in float32,
/// as the public code does it.
Tensor alphas_cumprod(const NoiseScheduleConfig& config);

/// The timesteps of a run of `steps`, from noise to picture. spacing: leading (every so many-th from the low end, plus
/// steps_offset), trailing (the same from the high end), linspace (equal parts, ends included; not whole numbers).
std::vector<double> spaced_timesteps(int64_t train_steps, int64_t steps, const std::string& spacing, int64_t steps_offset);

}  // namespace gsv3d
