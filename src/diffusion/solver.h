// Solvers of the ordinary differential equation that sampling follows, dx/dσ = (x - D(x; σ)) / σ, in the form of Karras et al.
// 2022 (EDM, arXiv 2206.00364). They know nothing of networks: D is any function.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/tensor.h"

namespace gsv3d {

enum class SolverMethod {
  euler,    ///< first order, one evaluation per step; SV3D's own
  heun,     ///< EDM's Algorithm 2 without churn: second order, two evaluations per step, one in the last
  dpmpp2m,  ///< DPM-Solver++(2M) (Lu et al. 2022, arXiv 2211.01095, Algorithm 2): second order, one evaluation per step
};

/// Their names, as configurations and the command line have them.
const std::vector<std::string>& solver_names();
/// Throws UsageError on an unknown name.
SolverMethod parse_solver(const std::string& name);

/// The estimate D(x; sigma) of the clean x. `sigma` is an element of the noise levels, without dimensions, above 0.
using Denoiser = std::function<Tensor(const Tensor& x, const Tensor& sigma)>;

/// Where the solution stands.
struct SolverState {
  Tensor x;
  Tensor previous;  ///< the step before's estimate, which dpmpp2m goes on from; undefined at the start and for other methods
};

/// One step from sigmas[index] to sigmas[index + 1]; replaces `state` and returns the estimate at the step's beginning. `sigmas`
/// descends, and only its last element may be 0: there every method ends on its first-order form.
Tensor solver_step(SolverMethod method, const Tensor& sigmas, int64_t index, const Denoiser& denoise, SolverState& state);

}  // namespace gsv3d
