#include "diffusion/solver.h"

#include <algorithm>

#include "core/error.h"

namespace gsv3d {
namespace {

bool is_last(const Tensor& next) {
  return next.item<double>() == 0;
}

/// The trapezoidal rule, its far end looked up with an Euler step.
Tensor heun_step(const SolverState& state, const Tensor& denoised, const Tensor& sigma, const Tensor& next,
                 const Denoiser& denoise) {
  const Tensor slope = (state.x - denoised) / sigma;
  const Tensor euler = state.x + slope * (next - sigma);
  if (is_last(next)) return euler;
  const Tensor far_slope = (euler - denoise(euler, next)) / next;
  return state.x + (slope + far_slope) * ((next - sigma) / 2);
}

/// With λ = -ln σ the equation's linear part is solved exactly, and D is continued linearly in λ from the last two estimates.
Tensor dpmpp2m_step(const SolverState& state, const Tensor& denoised, const Tensor& sigmas, int64_t index) {
  const Tensor sigma = sigmas[index], next = sigmas[index + 1];
  const Tensor kept = next / sigma;  // exp(-h)
  if (index == 0 || is_last(next)) return kept * state.x + (1 - kept) * denoised;
  const double h = at::log(sigma / next).item<double>(), last_h = at::log(sigmas[index - 1] / sigma).item<double>();
  const double share = h / last_h / 2;
  return kept * state.x + (1 - kept) * ((1 + share) * denoised - share * state.previous);
}

}  // namespace

const std::vector<std::string>& solver_names() {
  static const std::vector<std::string> names = {"euler", "heun", "dpmpp2m"};
  return names;
}

SolverMethod parse_solver(const std::string& name) {
  const auto& names = solver_names();
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) throw UsageError(fmt::format("unknown sampler \"{}\": use {}", name, fmt::join(names, ", ")));
  return static_cast<SolverMethod>(found - names.begin());
}

Tensor solver_step(SolverMethod method, const Tensor& sigmas, int64_t index, const Denoiser& denoise, SolverState& state) {
  const Tensor sigma = sigmas[index], next = sigmas[index + 1];
  const bool multistep = method == SolverMethod::dpmpp2m;
  require(!multistep || index == 0 || state.previous.defined(), "sampler: step {} lacks the estimate of the one before", index);
  const Tensor denoised = denoise(state.x, sigma);
  switch (method) {
    case SolverMethod::euler:
      state.x = state.x + (state.x - denoised) / sigma * (next - sigma);
      break;
    case SolverMethod::heun:
      state.x = heun_step(state, denoised, sigma, next, denoise);
      break;
    case SolverMethod::dpmpp2m:
      state.x = dpmpp2m_step(state, denoised, sigmas, index);
      break;
  }
  if (multistep) state.previous = denoised;
  return denoised;
}

}  // namespace gsv3d
