#include "text/picture_sampler.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"

namespace gsv3d {
namespace {

/// The highest sigma of Euler's methods: a level of noise alone would be infinite (diffusers sets its a to 2^-24).
constexpr double least_alpha = 1.0 / (1 << 24);

/// Linear between the table's entries.
double interpolated(const std::vector<double>& table, double position) {
  const size_t below = static_cast<size_t>(std::clamp(std::floor(position), 0.0, static_cast<double>(table.size() - 1)));
  const size_t above = std::min(below + 1, table.size() - 1);
  return table[below] + (table[above] - table[below]) * (position - static_cast<double>(below));
}

}  // namespace

struct PictureSampler::Implementation {
  NoiseScheduleConfig schedule;
  PictureSamplerConfig config;
  std::vector<double> alphas;  // a_t
  std::vector<double> timesteps, sigmas;

  bool over_sigmas() const { return config.method == "euler" || config.method == "euler_ancestral"; }
  double alpha(double timestep) const { return alphas[static_cast<size_t>(timestep)]; }
  /// a of the step after `index`. After the last it is that of level 0, not 1 (set_alpha_to_one is false for Stable Diffusion).
  double next_alpha(int64_t index) const {
    const double previous = timesteps[static_cast<size_t>(index)] - static_cast<double>(schedule.train_steps / config.steps);
    return previous >= 0 ? alpha(previous) : alphas.front();
  }

  Tensor euler(const Tensor& x, const Tensor& output, int64_t index, const std::function<Tensor(int64_t)>& noise) const;
  Tensor ddim(const Tensor& x, const Tensor& output, int64_t index, const std::function<Tensor(int64_t)>& noise) const;
  Tensor consistency(const Tensor& x, const Tensor& output, int64_t index, const std::function<Tensor(int64_t)>& noise) const;
  Tensor clean(const Tensor& x, const Tensor& output, double a) const {
    return schedule.predicts_v() ? std::sqrt(a) * x - std::sqrt(1 - a) * output : (x - std::sqrt(1 - a) * output) / std::sqrt(a);
  }
};

PictureSampler::PictureSampler(const NoiseScheduleConfig& schedule, const PictureSamplerConfig& config)
    : implementation_(std::make_unique<Implementation>()) {
  Implementation& self = *implementation_;
  self.schedule = schedule, self.config = config;
  const Tensor alphas = alphas_cumprod(schedule).to(at::kDouble);
  self.alphas.assign(alphas.const_data_ptr<double>(), alphas.const_data_ptr<double>() + alphas.numel());
  self.timesteps = spaced_timesteps(schedule.train_steps, config.steps, config.spacing, config.steps_offset);
  if (!self.over_sigmas()) {
    for (double& timestep : self.timesteps) timestep = std::nearbyint(timestep);
    require(self.alpha(self.timesteps.front()) > 0 || schedule.predicts_v(),
            "sampler {}: at a level of noise alone only v_prediction says what the picture is", config.method);
    return;
  }
  std::vector<double> table = self.alphas;
  if (schedule.zero_terminal_snr) table.back() = least_alpha;
  for (double& value : table) value = std::sqrt((1 - value) / value);
  for (const double timestep : self.timesteps) self.sigmas.push_back(interpolated(table, timestep));
  self.sigmas.push_back(0);
}
PictureSampler::~PictureSampler() = default;

const std::vector<double>& PictureSampler::timesteps() const {
  return implementation_->timesteps;
}
const std::vector<double>& PictureSampler::sigmas() const {
  return implementation_->sigmas;
}

double PictureSampler::initial_noise() const {
  const Implementation& self = *implementation_;
  if (!self.over_sigmas()) return 1;
  const double most = self.sigmas.front();
  return self.config.spacing == "leading" ? std::sqrt(most * most + 1) : most;
}

int64_t PictureSampler::first_step(double strength) const {
  const int64_t steps = implementation_->config.steps;
  const auto kept = static_cast<int64_t>(std::lround(strength * static_cast<double>(steps)));
  return steps - std::clamp<int64_t>(kept, 1, steps);
}

Tensor PictureSampler::with_noise(const Tensor& latents, const Tensor& noise, int64_t step) const {
  const Implementation& self = *implementation_;
  const auto index = static_cast<size_t>(step);
  if (self.over_sigmas()) return latents + self.sigmas[index] * noise;
  const double a = self.alpha(self.timesteps[index]);
  return std::sqrt(a) * latents + std::sqrt(1 - a) * noise;
}

Tensor PictureSampler::Implementation::euler(const Tensor& x, const Tensor& output, int64_t index,
                                             const std::function<Tensor(int64_t)>& noise) const {
  const double sigma = sigmas[static_cast<size_t>(index)], next = sigmas[static_cast<size_t>(index) + 1];
  const double square = sigma * sigma + 1;
  const Tensor clean = schedule.predicts_v() ? x / square - output * (sigma / std::sqrt(square)) : x - sigma * output;
  const Tensor slope = (x - clean) / sigma;
  if (config.method == "euler") return x + slope * (next - sigma);
  const double up = std::sqrt(next * next * (sigma * sigma - next * next) / (sigma * sigma));
  const double down = std::sqrt(next * next - up * up);
  const Tensor moved = x + slope * (down - sigma);
  return up > 0 ? moved + noise(index) * up : moved;
}

Tensor PictureSampler::Implementation::ddim(const Tensor& x, const Tensor& output, int64_t index,
                                            const std::function<Tensor(int64_t)>& noise) const {
  const double a = alpha(timesteps[static_cast<size_t>(index)]), next = next_alpha(index);
  const Tensor x0 = clean(x, output, a);
  const Tensor direction = schedule.predicts_v() ? std::sqrt(a) * output + std::sqrt(1 - a) * x : output;
  const double deviation = config.eta * std::sqrt((1 - next) / (1 - a) * (1 - a / next));
  const Tensor moved = std::sqrt(next) * x0 + std::sqrt(std::max(1 - next - deviation * deviation, 0.0)) * direction;
  return deviation > 0 ? moved + noise(index) * deviation : moved;
}

/// A consistency model's estimate of the clean latents is the network's, blended with x towards level 0, where both are the same;
/// the next level's noise is put on it.
Tensor PictureSampler::Implementation::consistency(const Tensor& x, const Tensor& output, int64_t index,
                                                   const std::function<Tensor(int64_t)>& noise) const {
  constexpr double data_deviation = 0.5, timestep_scaling = 10;
  const double timestep = timesteps[static_cast<size_t>(index)], scaled = timestep * timestep_scaling;
  const double norm = scaled * scaled + data_deviation * data_deviation;
  const double skip = data_deviation * data_deviation / norm, out = scaled / std::sqrt(norm);
  const Tensor estimate = skip * x + out * clean(x, output, alpha(timestep));
  if (index + 1 == config.steps) return estimate;
  const double next = alpha(timesteps[static_cast<size_t>(index) + 1]);
  return std::sqrt(next) * estimate + std::sqrt(1 - next) * noise(index);
}

Tensor PictureSampler::run(Tensor x, const PictureNetwork& network, const std::function<Tensor(int64_t step)>& noise,
                           const std::function<void(const PictureStep&)>& on_step, int64_t first_step) const {
  const Implementation& self = *implementation_;
  for (int64_t i = first_step; i < self.config.steps; ++i) {
    Tensor input = x;
    if (self.over_sigmas()) {
      const double sigma = self.sigmas[static_cast<size_t>(i)];
      input = x / std::sqrt(sigma * sigma + 1);
    }
    const Tensor output = network(input, self.timesteps[static_cast<size_t>(i)]);
    if (self.over_sigmas())
      x = self.euler(x, output, i, noise);
    else
      x = self.config.method == "ddim" ? self.ddim(x, output, i, noise) : self.consistency(x, output, i, noise);
    if (on_step) on_step({i, self.config.steps, input, output, x});
  }
  return x;
}

}  // namespace gsv3d
