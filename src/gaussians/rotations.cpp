#include "gaussians/rotations.h"

namespace gsv3d {

Tensor quaternions_from_matrices(const Tensor& rotations) {
  const auto m = [&](int64_t row, int64_t column) { return rotations.select(1, row).select(1, column); };
  const Tensor a = m(2, 1) - m(1, 2), b = m(0, 2) - m(2, 0), c = m(1, 0) - m(0, 1);
  const Tensor d = m(1, 0) + m(0, 1), e = m(0, 2) + m(2, 0), f = m(1, 2) + m(2, 1);
  // 4 q qᵀ: every row is the quaternion times one of its own components; the row of the largest component is the accurate one.
  const Tensor products = at::stack({1 + m(0, 0) + m(1, 1) + m(2, 2), a, b, c,  //
                                     a, 1 + m(0, 0) - m(1, 1) - m(2, 2), d, e,  //
                                     b, d, 1 - m(0, 0) + m(1, 1) - m(2, 2), f,  //
                                     c, e, f, 1 - m(0, 0) - m(1, 1) + m(2, 2)},
                                    1)
                              .view({-1, 4, 4});
  const Tensor largest = products.diagonal(0, 1, 2).argmax(1).view({-1, 1, 1}).expand({-1, 1, 4});
  const Tensor row = products.gather(1, largest).squeeze(1);
  return row / at::linalg_vector_norm(row, 2, {1}, /*keepdim=*/true);
}

Tensor left_products(const Tensor& p) {
  const auto parts = p.unbind(1);
  const Tensor &w = parts[0], &x = parts[1], &y = parts[2], &z = parts[3];
  return at::stack({w, -x, -y, -z, x, w, -z, y, y, z, w, -x, z, -y, x, w}, 1).view({-1, 4, 4});
}

}  // namespace gsv3d
