#include "image/recoloring.h"

namespace gsv3d {

Recoloring draw_recoloring(int64_t count, double probability, double min_gain, const at::Generator& generator,
                           at::Device device) {
  const Tensor numbers = at::rand({count, 7}, generator, at::TensorOptions().dtype(at::kFloat));
  const Tensor chosen = numbers.narrow(1, 6, 1) < probability;
  const Tensor permutation = numbers.narrow(1, 0, 3).argsort(int64_t{1});  // every order is as likely
  const Tensor gain = 1 - (1 - min_gain) * numbers.narrow(1, 3, 3);
  return {at::where(chosen, permutation, at::arange(3, at::kLong)).to(device, /*non_blocking=*/true),
          at::where(chosen, gain, at::ones({3})).to(device, /*non_blocking=*/true)};
}

Tensor recolored(const Tensor& rgba, const Recoloring& recoloring) {
  std::vector<int64_t> shape(static_cast<size_t>(rgba.dim()), 1);  // [B, 1, ..., 3, 1, 1]
  shape.front() = rgba.size(0), shape[shape.size() - 3] = 3;
  const Tensor rgb = rgba.narrow(-3, 0, 3);
  const Tensor changed = rgb.gather(rgba.dim() - 3, recoloring.source.view(shape).expand_as(rgb)) * recoloring.gain.view(shape);
  return at::cat({changed, rgba.narrow(-3, 3, rgba.size(-3) - 3)}, -3);
}

}  // namespace gsv3d
