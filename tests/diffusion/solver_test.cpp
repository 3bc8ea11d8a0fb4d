// The solvers on data whose equation has a known solution: x ~ N(m, s²) for each number apart. There the best denoiser is
// D(x; σ) = m + s² / (s² + σ²) (x - m), and x - m grows as sqrt(s² + σ²).
#include "diffusion/solver.h"

#include <cmath>

#include "core/error.h"
#include "diffusion/sampler.h"
#include "goldens.h"

namespace gsv3d {
namespace {

struct GaussianData {
  Tensor mean = at::tensor({0.0, -1.0, 0.4, 3.0}, at::kDouble), deviation = at::tensor({0.3, 0.5, 1.0, 2.0}, at::kDouble);

  Tensor denoised(const Tensor& x, const Tensor& sigma) const {
    const Tensor variance = deviation.square();
    return mean + variance / (variance + sigma.to(at::kDouble).square()) * (x - mean);
  }
  Tensor solution(const Tensor& start, double from, double to) const {
    const Tensor variance = deviation.square();
    return mean + (start - mean) * at::sqrt((variance + to * to) / (variance + from * from));
  }
};

struct Solved {
  double error;         ///< largest, in deviations
  int64_t evaluations;  ///< of the denoiser
};

/// From noise level 80 down to the last level, 0, or to the one before it, 0.002: the step to 0 is of first order for every
/// method and would hide their order.
Solved solve(SolverMethod method, int64_t steps, bool to_zero) {
  const GaussianData data;
  const Tensor sigmas = edm_sigmas(steps, 0.002, 80, 7);
  const double from = sigmas[0].item<double>(), to = sigmas[to_zero ? steps : steps - 1].item<double>();
  const Tensor start = at::full({4}, 1.3 * from, at::kDouble);
  SolverState state = {start, {}};
  int64_t evaluations = 0;
  const auto denoise = [&](const Tensor& x, const Tensor& sigma) {
    ++evaluations;
    return data.denoised(x, sigma);
  };
  for (int64_t i = 0; i < (to_zero ? steps : steps - 1); ++i) solver_step(method, sigmas, i, denoise, state);
  const Tensor error = (state.x - data.solution(start, from, to)) / data.deviation;
  return {error.abs().max().item<double>(), evaluations};
}

double order(SolverMethod method, int64_t steps) {
  return std::log2(solve(method, steps, false).error / solve(method, 2 * steps, false).error);
}

TEST(Solver, OrdersOfConvergence) {
  // The measured order approaches the nominal one from above as the steps shrink.
  EXPECT_NEAR(order(SolverMethod::euler, 40), 1, 0.05);
  EXPECT_NEAR(order(SolverMethod::euler, 160), 1, 0.02);
  EXPECT_NEAR(order(SolverMethod::heun, 40), 2, 0.15);
  EXPECT_NEAR(order(SolverMethod::heun, 160), 2, 0.05);
  EXPECT_NEAR(order(SolverMethod::dpmpp2m, 40), 2, 0.2);
  EXPECT_NEAR(order(SolverMethod::dpmpp2m, 160), 2, 0.06);
}

TEST(Solver, EvaluationsPerRun) {
  EXPECT_EQ(solve(SolverMethod::euler, 7, true).evaluations, 7);
  EXPECT_EQ(solve(SolverMethod::heun, 7, true).evaluations, 13);
  EXPECT_EQ(solve(SolverMethod::dpmpp2m, 7, true).evaluations, 7);
}

/// With as many evaluations each. Heun's few large steps at high noise cost it its lead below some 30 evaluations.
TEST(Solver, SecondOrderBeatsEulerAtEqualCost) {
  const double euler = solve(SolverMethod::euler, 41, true).error;
  EXPECT_LT(solve(SolverMethod::heun, 21, true).error, 0.7 * euler);
  EXPECT_LT(solve(SolverMethod::dpmpp2m, 41, true).error, 0.2 * euler);
  for (const int64_t steps : {9, 15, 21})
    EXPECT_LT(solve(SolverMethod::dpmpp2m, steps, true).error, 0.6 * solve(SolverMethod::euler, steps, true).error) << steps;
}

TEST(Solver, EveryMethodEndsOnTheEstimate) {
  const Tensor sigmas = at::tensor({0.5f, 0.1f, 0.0f});
  const GaussianData data;
  const auto denoise = [&](const Tensor& x, const Tensor& sigma) { return data.denoised(x, sigma); };
  for (const SolverMethod method : {SolverMethod::euler, SolverMethod::heun, SolverMethod::dpmpp2m}) {
    SolverState state = {at::full({4}, 0.7, at::kDouble), {}};
    solver_step(method, sigmas, 0, denoise, state);
    const Tensor denoised = solver_step(method, sigmas, 1, denoise, state);
    testing::expect_close(state.x, denoised, 1e-7, "last step");
  }
}

/// The published update written out with numbers: σ = 8, 4, 1, so the steps in -ln σ are ln 2 and ln 4.
TEST(Solver, SecondStepOfDpmpp2mByHand) {
  const Tensor sigmas = at::tensor({8.0f, 4.0f, 1.0f});
  SolverState state = {at::full({1}, 10.0, at::kDouble), {}};
  const auto estimate = [](double value) { return [value](const Tensor& x, const Tensor&) { return at::full_like(x, value); }; };
  solver_step(SolverMethod::dpmpp2m, sigmas, 0, estimate(2), state);
  EXPECT_NEAR(state.x.item<double>(), 10 / 2. + 2 / 2., 1e-6);
  solver_step(SolverMethod::dpmpp2m, sigmas, 1, estimate(3), state);
  // r = ln 2 / ln 4 = 1/2: D = (1 + 1/(2r)) 3 - 1/(2r) 2 = 4, and x = 6/4 + (1 - 1/4) 4.
  EXPECT_NEAR(state.x.item<double>(), 4.5, 1e-6);
}

TEST(Solver, ErrorsAreNamed) {
  EXPECT_THROW(parse_solver("rk4"), UsageError);
  EXPECT_EQ(parse_solver("dpmpp2m"), SolverMethod::dpmpp2m);
  SolverState lost = {at::zeros({1}), {}};
  EXPECT_THROW(
      solver_step(
          SolverMethod::dpmpp2m, at::tensor({2.0f, 1.0f, 0.0f}), 1, [](const Tensor& x, const Tensor&) { return x; }, lost),
      Error);
}

}  // namespace
}  // namespace gsv3d
