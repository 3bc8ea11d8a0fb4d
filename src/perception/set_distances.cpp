#include "perception/set_distances.h"

#include <cmath>

#include "core/error.h"

namespace gsv3d {
namespace {

void check(const Tensor& features, const Tensor& truth, const char* what) {
  require(
      features.dim() == 2 && truth.dim() == 2 && features.size(1) == truth.size(1) && features.size(0) > 1 && truth.size(0) > 1,
      "{}: features [{}] and [{}] are not two sets of at least two vectors of one length", what,
      fmt::join(features.sizes(), ", "), fmt::join(truth.sizes(), ", "));
}

/// A with Aᵀ A = the covariance of the rows of x [N, D]; at most D rows.
Tensor covariance_root(const Tensor& x) {
  const Tensor centred = (x - x.mean(0, /*keepdim=*/true)) / std::sqrt(static_cast<double>(x.size(0) - 1));
  return centred.size(0) > centred.size(1) ? std::get<1>(at::linalg_qr(centred, "r")) : centred;
}

/// Sum of (xᵢᵀ yⱼ / D + 1)³ over all pairs, in parts, which bounds the memory.
double kernel_sum(const Tensor& x, const Tensor& y) {
  constexpr int64_t rows_at_a_time = 1024;
  double sum = 0;
  for (const Tensor& part : x.split(rows_at_a_time))
    sum += (at::matmul(part, y.t()) / static_cast<double>(x.size(1)) + 1).pow(3).sum().item<double>();
  return sum;
}

double kernel_sum_of_self(const Tensor& x) {
  return (x.square().sum(1) / static_cast<double>(x.size(1)) + 1).pow(3).sum().item<double>();
}

}  // namespace

double frechet_distance(const Tensor& features, const Tensor& truth) {
  check(features, truth, "FID");
  const Tensor x = features.to(at::kCPU, at::kDouble), y = truth.to(at::kCPU, at::kDouble);
  const Tensor a = covariance_root(x), b = covariance_root(y);
  // The eigenvalues of C1 C2 are the squared singular values of A Bᵀ.
  const double cross = at::linalg_svdvals(at::matmul(a, b.t())).sum().item<double>();
  const double means = (x.mean(0) - y.mean(0)).square().sum().item<double>();
  return means + a.square().sum().item<double>() + b.square().sum().item<double>() - 2 * cross;
}

double kernel_distance(const Tensor& features, const Tensor& truth) {
  check(features, truth, "KID");
  const Tensor x = features.to(at::kCPU, at::kDouble), y = truth.to(at::kCPU, at::kDouble);
  const auto n = static_cast<double>(x.size(0)), m = static_cast<double>(y.size(0));
  return (kernel_sum(x, x) - kernel_sum_of_self(x)) / (n * (n - 1)) + (kernel_sum(y, y) - kernel_sum_of_self(y)) / (m * (m - 1)) -
         2 * kernel_sum(x, y) / (n * m);
}

}  // namespace gsv3d
