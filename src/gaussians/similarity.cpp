#include "gaussians/similarity.h"

#include <cmath>

#include "core/error.h"
#include "gaussians/rotations.h"
#include "gaussians/spherical_harmonics.h"

namespace gsv3d {
namespace {

Tensor matrix_of(const std::array<double, 9>& rotation) {
  return at::tensor(at::ArrayRef<double>(rotation)).view({3, 3});
}

void require_rotation(const Similarity& similarity) {
  const Tensor r = matrix_of(similarity.rotation);
  const bool orthogonal = at::allclose(at::mm(r, r.t()), at::eye(3, at::kDouble), 0, 1e-4);
  require(orthogonal && at::det(r).item<double>() > 0, "transform: not a rotation matrix");
  require(similarity.scale > 0 && std::isfinite(similarity.scale), "transform: a scale of {} is not positive", similarity.scale);
}

/// Values [N, 2l+1] of the basis functions of one degree at directions [N, 3].
Tensor basis_of_degree(int64_t degree, const Tensor& directions) {
  const Tensor d = directions.to(at::kFloat).contiguous();
  const int first = static_cast<int>(degree * degree), count = static_cast<int>((degree + 1) * (degree + 1));
  const Tensor values = at::empty({d.size(0), count}, at::kFloat);
  for (int64_t i = 0; i < d.size(0); ++i) {
    const float* p = d.const_data_ptr<float>() + 3 * i;
    splat_math::sh_basis(p[0], p[1], p[2], count, values.mutable_data_ptr<float>() + i * count);
  }
  return values.slice(1, first).to(at::kDouble);
}

/// Directions spread over the sphere: a Fibonacci lattice [N, 3].
Tensor spread_directions(int64_t count) {
  const Tensor index = at::arange(count, at::kDouble), z = 1 - (2 * index + 1) / static_cast<double>(count);
  const Tensor radius = (1 - z * z).sqrt(), angle = index * (M_PI * (3 - std::sqrt(5.0)));
  return at::stack({radius * angle.cos(), radius * angle.sin(), z}, 1);
}

}  // namespace

Tensor sh_rotation(int64_t degree, const std::array<double, 9>& rotation) {
  // The functions of one degree turn into each other exactly, so that any 2l+1 directions would determine the matrix; with many,
  // the least-squares solution also averages rounding away.
  const Tensor directions = spread_directions(64);
  const Tensor turned = at::mm(directions, matrix_of(rotation).t());
  return at::mm(at::linalg_pinv(basis_of_degree(degree, turned)), basis_of_degree(degree, directions));
}

Gaussians transform(const Gaussians& gaussians, const Similarity& similarity) {
  require_rotation(similarity);
  const auto options = gaussians.means.options().requires_grad(false);
  const Tensor rotation = matrix_of(similarity.rotation).to(options);
  const Tensor translation = at::tensor(at::ArrayRef<double>(similarity.translation)).to(options);
  Gaussians moved = gaussians;
  moved.means = at::mm(gaussians.means, rotation.t()) * similarity.scale + translation;
  const Tensor turn = left_products(quaternions_from_matrices(matrix_of(similarity.rotation).unsqueeze(0)))[0];
  moved.quats = at::mm(gaussians.quats, turn.t().to(options));
  moved.scales = gaussians.scales * similarity.scale;
  std::vector<Tensor> bands = {gaussians.sh.slice(1, 0, 1)};
  for (int64_t degree = 1; degree <= gaussians.sh_degree(); ++degree) {
    const Tensor band = gaussians.sh.slice(1, degree * degree, (degree + 1) * (degree + 1));
    bands.push_back(at::matmul(sh_rotation(degree, similarity.rotation).to(options), band));
  }
  moved.sh = bands.size() == 1 ? gaussians.sh : at::cat(bands, 1);
  return moved;
}

Tensor mapped_colours(const Tensor& sh, const std::function<Tensor(const Tensor&)>& map) {
  constexpr int64_t kRowsAtOnce = 1 << 14;
  if (sh.size(1) == 1) return rgb_to_sh(map(sh_to_rgb(sh).clamp_min(0)));
  const Tensor directions = spread_directions(64);
  std::vector<Tensor> bands;
  for (int64_t degree = 0; (degree + 1) * (degree + 1) <= sh.size(1); ++degree)
    bands.push_back(basis_of_degree(degree, directions));
  const Tensor basis = at::cat(bands, 1);  // [64, K]
  const Tensor forth = basis.to(at::kFloat), back = at::linalg_pinv(basis).to(at::kFloat);
  std::vector<Tensor> mapped = {sh.slice(0, 0, 0)};
  for (const Tensor& rows : sh.split(kRowsAtOnce))
    mapped.push_back(at::matmul(back, map((at::matmul(forth, rows) + 0.5).clamp_min(0)) - 0.5));
  return at::cat(mapped);
}

}  // namespace gsv3d
