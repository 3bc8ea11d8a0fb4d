#include "diffusion/sampler.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"

namespace gsv3d {
namespace {

/// [N] → [N, 1, 1, 1]
Tensor per_image(const Tensor& values) {
  return values.reshape({-1, 1, 1, 1});
}

/// The photo's latent of each clip for each of its frames: [B, z, h, w] → [B·F, z, h, w].
Tensor concat_for_frames(const Conditioning& conditioning) {
  const Tensor& concat = conditioning.concat;
  return concat.unsqueeze(1).expand({-1, conditioning.frames, -1, -1, -1}).flatten(0, 1);
}

/// [B·F, ...] with one frame of each clip replaced by its row of `values` [B, ...].
Tensor with_frame(const Tensor& frames, int64_t frame, const Tensor& values) {
  Tensor result = frames.unflatten(0, {values.size(0), -1}).clone();
  result.select(1, frame).copy_(values);
  return result.flatten(0, 1);
}

/// Latents [B·F, z, h, w] with those that are known in their places: the photo's own where it is given, further photos'.
Tensor with_given_frames(const Tensor& frames, const Conditioning& conditioning) {
  const Tensor& photo = conditioning.photo_latent;
  Tensor result = photo.defined() ? with_frame(frames, conditioning.frames - 1, photo) : frames;
  for (const GivenFrame& given : conditioning.given_frames) result = with_frame(result, given.frame, given.latent);
  return result;
}

/// Noise levels [B·F] with those of frames that the network sees as they are.
Tensor with_given_sigmas(const Tensor& sigma, const Conditioning& conditioning) {
  const Tensor clean = at::full({conditioning.photo_latent.size(0)}, clean_sigma, sigma.options());
  Tensor result = with_frame(sigma, conditioning.frames - 1, clean);
  for (const GivenFrame& given : conditioning.given_frames) result = with_frame(result, given.frame, clean);
  return result;
}

Tensor combine(const Tensor& x, const Tensor& net_out, const Scaling& scaling) {
  return per_image(scaling.c_skip) * x + per_image(scaling.c_out) * net_out;
}

/// What the network says about x at these noise levels, float32, and its estimate. Where the photo's frame is given, given frames
/// are not noisy, whatever x and sigma say; their estimates are themselves.
GuidedResult evaluate(const VideoUNet& unet, const Tensor& noisy, const Tensor& sigma, const Conditioning& conditioning,
                      UNetMemory* memory = nullptr) {
  const bool clean = conditioning.photo_latent.defined();
  const Tensor x = clean ? with_given_frames(noisy, conditioning) : noisy;
  const Scaling scaling = v_scaling(clean ? with_given_sigmas(sigma, conditioning) : sigma);
  VideoUNet::Input input;
  input.memory = memory;
  input.x = at::cat({x * per_image(scaling.c_in), concat_for_frames(conditioning).to(x.scalar_type())}, 1);
  input.timesteps = scaling.c_noise;
  input.context = conditioning.crossattn;
  input.y = conditioning.vector;
  input.frames = conditioning.frames;
  const Tensor net_out = unet(input).to(at::kFloat);
  return {with_given_frames(combine(x, net_out, scaling), conditioning), net_out};
}

/// Whether rows, noise levels and conditioning fit each other.
void check(const Tensor& x, const Tensor& sigma, const Conditioning& conditioning) {
  require(x.dim() == 4 && sigma.dim() == 1 && sigma.size(0) == x.size(0),
          "denoise: x must be [N, z, h, w] with one sigma for each of {} images", x.dim() > 0 ? x.size(0) : 0);
  require(conditioning.concat.dim() == 4 && conditioning.concat.size(0) * conditioning.frames == x.size(0),
          "denoise: {} images, but conditioning for clips of {} frames", x.size(0), conditioning.frames);
}

/// The same for the guided network, which takes one clip.
void check_guided(const Tensor& x, const Tensor& sigma, const Conditioning& conditioning) {
  check(x, sigma, conditioning);
  require(conditioning.concat.size(0) == 1, "guided_denoise takes one clip, found {}", conditioning.concat.size(0));
}

/// [unconditional; conditional] as one conditioning of twice as many clips.
Conditioning both_halves(const Conditioning& conditioning) {
  const Conditioning none = conditioning.unconditional();
  Conditioning both;
  both.crossattn = at::cat({none.crossattn, conditioning.crossattn});
  both.concat = at::cat({none.concat, conditioning.concat});
  both.vector = at::cat({none.vector, conditioning.vector});
  if (conditioning.photo_latent.defined()) both.photo_latent = at::cat({none.photo_latent, conditioning.photo_latent});
  for (const GivenFrame& given : conditioning.given_frames)
    both.given_frames.push_back({given.frame, at::cat({given.latent, given.latent})});
  both.frames = conditioning.frames;
  return both;
}

/// The guided network of one run of the sampler: what its evaluations have in common is made once.
class GuidedNetwork {
 public:
  GuidedNetwork(const VideoUNet& unet, const Conditioning& conditioning, GuidanceBatch batch)
      : unet_(unet), batch_(batch), some_{conditioning, {}}, none_{conditioning.unconditional(), {}} {
    if (batch == GuidanceBatch::kJoint) both_.conditioning = both_halves(conditioning);
  }

  /// guided_denoise, once its arguments are checked.
  GuidedResult operator()(const Tensor& x, const Tensor& sigma, const Tensor& scales, DeepFeatures deep = DeepFeatures::compute) {
    const bool guided = scales.ne(1).any().item<bool>();
    // What a branch without work now keeps would be too old when its turn comes again.
    if (guided && batch_ == GuidanceBatch::kJoint) some_.memory.deep_features.reset();
    if (!guided) none_.memory.deep_features.reset(), both_.memory.deep_features.reset();
    for (Branch* branch : {&some_, &none_, &both_}) branch->memory.deep = deep;
    if (!guided) return ask(some_, x, sigma);
    if (batch_ == GuidanceBatch::kSplit) {
      const GuidedResult none = ask(none_, x, sigma), some = ask(some_, x, sigma);
      return {guided_estimate(at::cat({none.denoised, some.denoised}), scales), at::cat({none.net_out, some.net_out})};
    }
    const GuidedResult both = ask(both_, at::cat({x, x}), at::cat({sigma, sigma}));
    return {guided_estimate(both.denoised, scales), both.net_out};
  }

 private:
  struct Branch {
    Conditioning conditioning;
    UNetMemory memory;
  };

  GuidedResult ask(Branch& branch, const Tensor& x, const Tensor& sigma) const {
    return evaluate(unet_, x, sigma, branch.conditioning, &branch.memory);
  }
  Tensor guided_estimate(const Tensor& halves, const Tensor& scales) const {
    return with_given_frames(apply_guidance(halves, scales), some_.conditioning);
  }

  const VideoUNet& unet_;
  GuidanceBatch batch_;
  Branch some_, none_, both_;  // conditional, unconditional, and both in one batch in the other order
};

}  // namespace

Tensor edm_sigmas(int64_t steps, double sigma_min, double sigma_max, double rho) {
  require(steps > 0 && sigma_min > 0 && sigma_max >= sigma_min && rho > 0,
          "sampler: steps, sigma_min <= sigma_max and rho must be positive");
  const double low = std::pow(sigma_min, 1 / rho), high = std::pow(sigma_max, 1 / rho);
  const Tensor ramp = at::linspace(0, 1, steps, at::kFloat);
  return at::cat({at::pow(high + ramp * (low - high), rho), at::zeros({1}, at::kFloat)});
}

bool is_guided(const SamplerConfig& config, double sigma) {
  const auto& range = config.guidance_range;
  const std::string problem = guidance_range_problem(range);
  require(problem.empty(), "sampler: guidance_range = [{}] {}", fmt::join(range, ", "), problem);
  return range.empty() || (sigma > range[0] && sigma <= range[1]);
}

Scaling v_scaling(const Tensor& sigma) {
  const Tensor variance = sigma.square() + 1;
  return {variance.reciprocal(), -sigma * variance.rsqrt(), variance.rsqrt(), sigma.log() * 0.25};
}

Tensor guidance_scales(const std::string& guider, int64_t frames, double min_scale, double max_scale) {
  require(frames > 0, "guidance: frames must be positive");
  const Tensor ramp = at::linspace(0, 1, frames, at::kFloat);
  if (guider == "triangle") return 2 * (ramp - at::floor(ramp + 0.5)).abs() * (max_scale - min_scale) + min_scale;
  if (guider == "linear") return at::linspace(min_scale, max_scale, frames, at::kFloat);
  if (guider == "constant") return at::full({frames}, max_scale, at::kFloat);
  throw UsageError(fmt::format("unknown guider \"{}\": use triangle, linear or constant", guider));
}

Tensor apply_guidance(const Tensor& halves, const Tensor& scales) {
  const auto parts = halves.chunk(2);
  require(halves.size(0) == 2 * scales.size(0), "guidance: {} images for {} scales, expected twice as many", halves.size(0),
          scales.size(0));
  return parts[0] + per_image(scales.to(halves.device(), /*non_blocking=*/true)) * (parts[1] - parts[0]);
}

Tensor denoise(const VideoUNet& unet, const Tensor& x, const Tensor& sigma, const Conditioning& conditioning) {
  check(x, sigma, conditioning);
  return evaluate(unet, x, sigma, conditioning).denoised;
}

GuidedResult guided_denoise(const VideoUNet& unet, const Tensor& x, const Tensor& sigma, const Conditioning& conditioning,
                            const Tensor& scales, GuidanceBatch batch) {
  check_guided(x, sigma, conditioning);
  return GuidedNetwork(unet, conditioning, batch)(x, sigma, scales);
}

Tensor sample(const VideoUNet& unet, const SamplerConfig& config, const Tensor& noise, const Conditioning& conditioning,
              const std::function<void(const SamplerStep&)>& on_step, const SampleOptions& options) {
  require(options.first_step == config.steps || options.first_step % std::max<int64_t>(config.cache_steps, 1) == 0,
          "sampler: a run with cache_steps {} cannot go on at step {}", config.cache_steps, options.first_step);
  require(options.first_step >= 0 && options.first_step <= config.steps, "sampler: step {} of {}", options.first_step,
          config.steps);
  check(noise, at::ones({noise.size(0)}), conditioning);
  const Tensor sigmas = edm_sigmas(config.steps, config.sigma_min, config.sigma_max, config.rho);
  const int64_t clips = conditioning.concat.size(0);
  const Tensor scales = guidance_scales(config.guider, conditioning.frames, config.min_scale, config.max_scale).repeat({clips});
  const Tensor unguided = at::ones_like(scales);
  const SolverMethod method = parse_solver(config.method);
  GuidedNetwork network(unet, conditioning, options.batch);
  SolverState state = {options.first_step > 0 ? noise : noise * at::sqrt(sigmas[0].square() + 1), options.previous};
  const bool clean = conditioning.photo_latent.defined();
  if (clean) state.x = with_given_frames(state.x, conditioning);
  const int64_t period = std::max<int64_t>(config.cache_steps, 1);
  const int64_t end = options.end_step.value_or(config.steps);
  for (int64_t i = options.first_step; i < end; ++i) {
    const DeepFeatures deep = period == 1 ? DeepFeatures::compute : i % period == 0 ? DeepFeatures::keep : DeepFeatures::reuse;
    Tensor net_out;
    const auto denoiser = [&](const Tensor& x, const Tensor& sigma) {
      const Tensor& here = is_guided(config, sigma.item<double>()) ? scales : unguided;
      const GuidedResult result = network(x, sigma.expand({x.size(0)}).to(x.device(), /*non_blocking=*/true), here, deep);
      if (net_out.defined()) return result.denoised;
      net_out = result.net_out;
      const bool corrected = options.correct && std::count(config.loop_steps.begin(), config.loop_steps.end(), i) > 0;
      return corrected ? with_given_frames(options.correct(result.denoised), conditioning) : result.denoised;
    };
    const Tensor denoised = solver_step(method, sigmas, i, denoiser, state);
    if (clean) state.x = with_given_frames(state.x, conditioning);  // exact, whatever the solver rounds
    if (on_step)
      on_step({i, config.steps, net_out, denoised, state.x, state.previous, (i + 1) % period == 0 || i + 1 == config.steps});
  }
  return state.x;
}

}  // namespace gsv3d
