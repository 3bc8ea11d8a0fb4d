#include "fitting/densification.h"

#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>

namespace gsv3d {
namespace {

constexpr int64_t most_copies = 51;  ///< of the reference code: binomials beyond it overflow float32
constexpr double smallest_opacity = 0.005;

/// Draws `count` of the Gaussians by opacity with replacement and gives each drawn one the values of its share; → the drawn
/// indices.
Tensor draw_and_share(FitParameters& parameters, Tensor opacities, int64_t count, const at::Generator& generator) {
  const Gaussians all = parameters.gaussians().detach();
  const Tensor drawn = at::multinomial(opacities.cpu(), count, /*replacement=*/true, generator).to(all.means.device());
  const Tensor times = at::bincount(drawn, {}, all.count());
  const Tensor chosen = times.nonzero().squeeze(1);
  Gaussians shared = all.select(chosen);
  const SplitValues values = split_values(shared.opacities, shared.scales, times.index_select(0, chosen) + 1);
  shared.opacities = values.opacities.clamp(smallest_opacity, 1 - 1e-4);
  shared.scales = values.scales;
  parameters.replace(chosen, shared);
  return drawn;
}

}  // namespace

SplitValues split_values(const Tensor& opacities, const Tensor& scales, const Tensor& copies) {
  const Tensor o = opacities.to(at::kCPU, at::kDouble).contiguous();
  const Tensor n = copies.to(at::kCPU, at::kLong).clamp(1, most_copies).contiguous();
  Tensor shared = at::empty_like(o), factor = at::empty_like(o);
  const double* opacity = o.const_data_ptr<double>();
  const int64_t* count = n.const_data_ptr<int64_t>();
  for (int64_t g = 0; g < o.numel(); ++g) {
    const double part = 1 - std::pow(1 - opacity[g], 1.0 / static_cast<double>(count[g]));
    double sum = 0;
    for (int64_t i = 1; i <= count[g]; ++i) {
      double binomial = 1, power = part;
      for (int64_t k = 0; k < i; ++k) {
        sum += (k % 2 ? -1 : 1) * binomial * power / std::sqrt(static_cast<double>(k + 1));
        binomial *= static_cast<double>(i - 1 - k) / static_cast<double>(k + 1);
        power *= part;
      }
    }
    shared.mutable_data_ptr<double>()[g] = part;
    factor.mutable_data_ptr<double>()[g] = opacity[g] / sum;
  }
  return {shared.to(opacities.options()), scales * factor.to(scales.options()).unsqueeze(1)};
}

int64_t relocate_dead(FitParameters& parameters, double dead_opacity, const at::Generator& generator) {
  const c10::NoGradGuard no_grad;
  const Tensor opacities = parameters.gaussians().opacities;
  const Tensor dead = opacities.le(dead_opacity), indices = dead.nonzero().squeeze(1);
  if (indices.numel() == 0 || indices.numel() == parameters.count()) return 0;
  const Tensor drawn = draw_and_share(parameters, at::where(dead, 0.0, opacities), indices.numel(), generator);
  parameters.replace(indices, parameters.gaussians().select(drawn));
  return indices.numel();
}

int64_t add_gaussians(FitParameters& parameters, double growth, int64_t limit, const at::Generator& generator) {
  const c10::NoGradGuard no_grad;
  const int64_t target = std::min(limit, static_cast<int64_t>(growth * static_cast<double>(parameters.count())));
  const int64_t missing = target - parameters.count();
  if (missing <= 0) return 0;
  const Tensor drawn = draw_and_share(parameters, parameters.gaussians().opacities, missing, generator);
  parameters.append(parameters.gaussians().select(drawn));
  return missing;
}

void explore(FitParameters& parameters, double size, const at::Generator& generator) {
  const c10::NoGradGuard no_grad;
  const Gaussians g = parameters.gaussians();
  // A steep switch: 1 for opacities well below 0.005, 0 above.
  const Tensor transparent = at::sigmoid(-100 * (g.opacities - 0.005)).unsqueeze(1);
  const Tensor noise = randn(g.means.sizes(), generator).to(g.means.device()) * transparent * size;
  // Σ noise = R S² Rᵀ noise with the rotation of the quaternion, as v + 2 w (u × v) + 2 u × (u × v).
  const Tensor q = g.quats / at::linalg_vector_norm(g.quats, 2, {1}, /*keepdim=*/true).clamp_min(1e-12);
  const Tensor w = q.slice(1, 0, 1), u = q.slice(1, 1, 4);
  const auto rotate = [&](const Tensor& v, double sign) {
    const Tensor turn = at::cross(u, v, 1);
    return v + 2 * (sign * w * turn + at::cross(u, turn, 1));
  };
  parameters.move(rotate(g.scales.square() * rotate(noise, -1), 1));
}

}  // namespace gsv3d
