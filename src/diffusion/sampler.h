// EDM sampling as SV3D runs it: v-scaling with EDM noise conditioning, Euler steps, per-frame classifier-free guidance
// (sgm/modules/diffusionmodules: discretizer.py EDMDiscretization, denoiser_scaling.py VScalingWithEDMcNoise, sampling.py
// EulerEDMSampler, guiders.py). Other steps than Euler's: solver.h.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/settings.h"
#include "core/tensor.h"
#include "diffusion/conditioning.h"
#include "diffusion/solver.h"
#include "diffusion/video_unet.h"

namespace gsv3d {

/// "2.5", "triangle", "constant:2", "linear:1:3" → guider, min_guidance and guidance, as far as the text says them. Throws
/// UsageError.
Json parse_guidance(const std::string& text);

/// What is wrong with the noise levels that are guided, empty for nothing.
std::string guidance_range_problem(const Json& range);

struct SamplerConfig {
  double sigma_min = 0.002, sigma_max = 700, rho = 7;
  int64_t steps = 50;
  std::string method = "euler";     ///< euler | heun | dpmpp2m
  std::string guider = "triangle";  ///< triangle | linear | constant
  double min_scale = 1, max_scale = 2.5;
  std::vector<double> guidance_range;  ///< two noise levels, see is_guided; empty: guided everywhere
  int64_t cache_steps = 0;  ///< the UNet's deep part is computed in every so many-th step (unet_memory.h); 0 and 1: in each
  /// The photo's own frame is not generated: the network sees its exact latent in the last frame, at noise level clean_sigma, in
  /// training and here. Belongs to the weights; not SV3D's.
  bool clean_photo_frame = false;
  std::vector<int64_t> loop_steps;  ///< indices of steps whose estimate goes through SampleOptions::correct, where there is one
  /// All there is to say of a setting, for config.json, the command line, library users and result.json: core/settings.h.
  template <class Visitor>
  void fields(Visitor& visit) {
    visit("sigma_min", sigma_min, Setting{.help = "lowest noise level", .low = 1e-6, .high = 1e6, .option = false});
    visit("sigma_max", sigma_max, Setting{.help = "highest noise level", .low = 1e-6, .high = 1e6, .option = false});
    visit("rho", rho, Setting{.help = "how far levels lean to the low end", .low = 0.1, .high = 100, .option = false});
    visit("steps", steps, Setting{.help = "denoising steps", .low = 1, .high = 10'000});
    visit("method", method,
          Setting{.help = "kind of step: euler (SV3D's own), heun (evaluates the network twice per step) or dpmpp2m "
                          "(DPM-Solver++(2M)), both for fewer steps",
                  .choices = solver_names(),
                  .name = "sampler"});
    visit("guider", guider,
          Setting{
              .help = "course of the guidance around the orbit", .choices = {"triangle", "linear", "constant"}, .option = false});
    visit("min_scale", min_scale,
          Setting{.help = "smallest scale of the guidance", .low = 0, .high = 20, .name = "min_guidance", .option = false});
    visit("max_scale", max_scale,
          Setting{.help = "guidance over the views: its largest scale, or triangle:MIN:MAX, linear:MIN:MAX, constant:SCALE",
                  .low = 0,
                  .high = 20,
                  .name = "guidance",
                  .parse = parse_guidance});
    visit("guidance_range", guidance_range,
          Setting{.help = "LOW:HIGH, the noise levels that are guided; elsewhere only half of the network's work is done",
                  .problem = guidance_range_problem});
    visit("cache_steps", cache_steps,
          Setting{.help = "compute the network's deep part in every N-th step only, and reuse it in between: faster, less exact; "
                          "0: off",
                  .low = 0,
                  .high = 1000});
    visit("clean_photo_frame", clean_photo_frame,
          Setting{.help = "the photo's own frame is given, not generated: as the weights were trained", .option = false});
    visit("loop_steps", loop_steps,
          Setting{.help = "N:N:..., steps (from 0) whose views are replaced by renders of their Gaussians before going on; none",
                  .low = 0,
                  .high = 10'000});
  }
};

/// The noise level that the network is told of a frame that has no noise: EDM's smallest.
inline constexpr double clean_sigma = 0.002;

/// Karras' noise levels (arXiv 2206.00364, eq. 5), descending, with a zero appended: [steps + 1] float32.
Tensor edm_sigmas(int64_t steps, double sigma_min, double sigma_max, double rho);

/// Whether noise level sigma gets guidance: it does in (low, high] (Kynkäänniemi et al. 2024, arXiv 2404.07724). Elsewhere the
/// conditional half of the network runs alone.
bool is_guided(const SamplerConfig& config, double sigma);

/// Preconditioning of the v-prediction network at noise level sigma [N]: denoised = c_skip x + c_out F(c_in x; c_noise).
struct Scaling {
  Tensor c_skip, c_out, c_in, c_noise;
};
Scaling v_scaling(const Tensor& sigma);

/// Guidance scale per frame [F]. Throws UsageError on an unknown name.
Tensor guidance_scales(const std::string& guider, int64_t frames, double min_scale, double max_scale);

/// One network evaluation without guidance: x [B·F, z, h, w], sigma [B·F] → denoised [B·F, z, h, w] (float32). A given
/// photo's frame (Conditioning::photo_latent) is not noisy whatever x and sigma say.
/// `context_drop`-style masks for training are applied to the conditioning by the caller.
Tensor denoise(const VideoUNet& unet, const Tensor& x, const Tensor& sigma, const Conditioning& conditioning);

/// Classifier-free guidance: [2F, ...] as [unconditional; conditional] and scales [F] → u + scale (c - u), [F, ...]. Throws Error
/// when counts do not fit.
Tensor apply_guidance(const Tensor& halves, const Tensor& scales);

/// Whether the unconditional and the conditional half go through the network together (faster where there is room) or one after
/// the other (half of the activations' memory); the numbers are the same but for rounding.
enum class GuidanceBatch { kJoint, kSplit };

/// Both halves, order [unconditional; conditional], combined per frame. B must be 1. When every scale is 1 the
/// unconditional half would be multiplied by zero, so it is not computed. `scales` may stay on the CPU, which spares the GPU a
/// wait per step.
struct GuidedResult {
  Tensor denoised;  ///< [F, z, h, w]
  Tensor net_out;   ///< raw network output [2F, z, h, w]; [F, z, h, w] when every scale is 1
};
GuidedResult guided_denoise(const VideoUNet& unet, const Tensor& x, const Tensor& sigma, const Conditioning& conditioning,
                            const Tensor& scales, GuidanceBatch batch = GuidanceBatch::kJoint);

/// What happened in one step, for previews and tests.
struct SamplerStep {
  int64_t index, total;
  Tensor net_out, denoised;  ///< of the step's first network evaluation (GuidedResult), corrected where it was
  Tensor x_next;
  Tensor previous;  ///< what a run that goes on after this step needs besides x_next (SolverState::previous); may be undefined
  bool can_go_on = true;  ///< false where the next step needs the UNet's kept features, too: a run cannot go on after this one
};

struct SampleOptions {
  GuidanceBatch batch = GuidanceBatch::kJoint;
  int64_t first_step = 0;  ///< of a run that goes on; its noise is then that step's x (SamplerStep::x_next of the one before)
  Tensor previous;         ///< and SamplerStep::previous of the one before
  /// A better estimate of the clean latents from the network's, [B·F, z, h, w]; the step goes on from it. Asked at the beginning
  /// of SamplerConfig::loop_steps.
  std::function<Tensor(const Tensor& denoised)> correct;
  std::optional<int64_t> end_step;  ///< the run ends before this step, with noisy latents; none: after the last
};

/// Runs the sampler from unit normal noise [F, z, h, w] to the final latents (diffusion variable: already multiplied by
/// scale_factor). Of many clips at once: noise [B·F, z, h, w] → the same, clip-major. on_step is called after every step; it may
/// throw (Cancelled) to stop.
Tensor sample(const VideoUNet& unet, const SamplerConfig& config, const Tensor& noise, const Conditioning& conditioning,
              const std::function<void(const SamplerStep&)>& on_step = {}, const SampleOptions& options = {});

}  // namespace gsv3d
