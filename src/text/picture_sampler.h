// From noise to a picture's latents with a network of Stable Diffusion's kind: Euler and Euler ancestral steps over noise levels
// sigma = sqrt((1 - a) / a) (k-diffusion, arXiv 2206.00364), DDIM (arXiv 2010.02502) and LCM (arXiv 2310.04378). Turbo models
// (arXiv 2311.17042) are Euler with trailing timesteps and as few as one step. The samplers know nothing of networks.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/settings.h"
#include "core/tensor.h"
#include "text/noise_schedule.h"

namespace gsv3d {

struct PictureSamplerConfig {
  std::string method = "euler";
  int64_t steps = 30;
  std::string spacing = "leading";
  int64_t steps_offset = 1;
  double guidance = 7.5;
  double eta = 0;  ///< DDIM's noise; 0: none
  template <class Visitor>
  void fields(Visitor& visit) {
    visit("method", method,
          Setting{.help = "kind of step of the picture: euler, euler_ancestral, ddim, or lcm for latent consistency models",
                  .choices = {"euler", "euler_ancestral", "ddim", "lcm"},
                  .name = "picture-sampler"});
    visit("steps", steps, Setting{.help = "denoising steps of the picture", .low = 1, .high = 1000, .name = "picture-steps"});
    visit("spacing", spacing,
          Setting{.help = "which noise levels a run visits: leading, trailing (turbo models) or linspace",
                  .choices = {"leading", "trailing", "linspace"},
                  .name = "picture-spacing"});
    visit("steps_offset", steps_offset, Setting{.low = 0, .high = 999, .option = false});
    visit("guidance", guidance,
          Setting{.help = "how strongly the picture follows the text; 1: no guidance, half the work",
                  .low = 0,
                  .high = 100,
                  .name = "picture-guidance"});
    visit("eta", eta, Setting{.help = "noise that ddim adds again, 0 to 1", .low = 0, .high = 1, .name = "picture-eta"});
  }
};

/// The network's output for its input, scaled as the sampler's method asks, at a timestep.
using PictureNetwork = std::function<Tensor(const Tensor& x, double timestep)>;

/// What happened in one step, for progress and tests.
struct PictureStep {
  int64_t index, total;
  Tensor network_input, network_output, x_next;
};

/// A run's course, decided before it begins.
class PictureSampler {
 public:
  /// Throws UsageError for more steps than the schedule has levels.
  PictureSampler(const NoiseScheduleConfig& schedule, const PictureSamplerConfig& config);
  ~PictureSampler();

  const std::vector<double>& timesteps() const;
  /// Of the Euler methods: one per timestep, and 0.
  const std::vector<double>& sigmas() const;
  /// What unit normal noise is multiplied by at the beginning.
  double initial_noise() const;
  /// The index of the step at which a run begins that keeps `1 - strength` of a given picture; strength in (0, 1].
  int64_t first_step(double strength) const;
  /// Latents [B, z, h, w] with the noise of a step.
  Tensor with_noise(const Tensor& latents, const Tensor& noise, int64_t step) const;
  /// Runs from `x` (at the noise of first_step: initial_noise() times noise, or with_noise) to the latents. `noise` gives unit
  /// normal noise of x's shape to the methods that add some.
  Tensor run(Tensor x, const PictureNetwork& network, const std::function<Tensor(int64_t step)>& noise,
             const std::function<void(const PictureStep&)>& on_step = {}, int64_t first_step = 0) const;

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace gsv3d
