#include "splat/gaussians.h"

#include "core/error.h"

namespace gsv3d {
namespace {

constexpr double kShConstant = 0.28209479177387814;  // Y₀₀

template <class Change>
Gaussians each(const Gaussians& g, const Change& change) {
  return {change(g.means), change(g.quats), change(g.scales), change(g.opacities), change(g.sh)};
}

}  // namespace

int64_t Gaussians::sh_degree() const {
  const int64_t coefficients = sh.size(1);
  for (int64_t degree = 0; degree <= 3; ++degree)
    if (coefficients == (degree + 1) * (degree + 1)) return degree;
  fail("spherical harmonics with {} coefficients: 1, 4, 9 or 16 are possible", coefficients);
}

Gaussians Gaussians::select(const Tensor& indices_or_mask) const {
  const Tensor indices = indices_or_mask.scalar_type() == at::kBool ? indices_or_mask.nonzero().squeeze(1) : indices_or_mask;
  return each(*this, [&](const Tensor& tensor) { return tensor.index_select(0, indices.to(tensor.device())); });
}

Gaussians Gaussians::to(at::Device device) const {
  return each(*this, [&](const Tensor& tensor) { return tensor.to(device); });
}

Gaussians Gaussians::detach() const {
  return each(*this, [](const Tensor& tensor) { return tensor.detach(); });
}

Tensor rgb_to_sh(const Tensor& rgb) {
  return ((rgb - 0.5) / kShConstant).unsqueeze(1);
}

Tensor sh_to_rgb(const Tensor& sh) {
  return sh.select(1, 0) * kShConstant + 0.5;
}

Gaussians prune(const Gaussians& gaussians, double min_opacity) {
  return gaussians.select(gaussians.opacities >= min_opacity);
}

}  // namespace gsv3d
