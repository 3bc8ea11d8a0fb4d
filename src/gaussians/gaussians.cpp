#include "gaussians/gaussians.h"

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

Gaussians Gaussians::slice(int64_t begin, int64_t end) const {
  return each(*this, [&](const Tensor& tensor) { return tensor.slice(0, begin, end); });
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

void require_finite(const Gaussians& g, const std::string& where) {
  const std::pair<const char*, const Tensor*> parts[] = {
      {"position", &g.means}, {"rotation", &g.quats}, {"scale", &g.scales}, {"opacity", &g.opacities}, {"colour", &g.sh}};
  for (const auto& [name, tensor] : parts) {
    const Tensor finite = at::isfinite(tensor->detach());
    if (finite.all().item<bool>()) continue;
    const Tensor rows = finite.flatten(1 < finite.dim() ? 1 : 0).view({g.count(), -1}).all(1);
    fail("{}: the {} of Gaussian {} is not a finite number", where, name, rows.logical_not().nonzero()[0].item<int64_t>());
  }
}

Gaussians prune(const Gaussians& gaussians, double min_opacity) {
  return gaussians.select(gaussians.opacities >= min_opacity);
}

}  // namespace gsv3d
