#include "training/optimizer.h"

#include <c10/core/GradMode.h>

#include <array>

#include "core/error.h"

namespace gsv3d {

AdamW::AdamW(const NamedTensors& parameters, const AdamWOptions& options) : parameters_(parameters), options_(options) {
  for (const auto& [name, parameter] : parameters_) {
    // The fused kernel walks raw memory, so parameter, gradient and moments must share one layout.
    require(parameter.is_contiguous() && parameter.scalar_type() == at::kFloat,
            "AdamW: parameter \"{}\" is not contiguous float32", name);
    means_[name] = at::zeros_like(parameter).requires_grad_(false);
    squares_[name] = at::zeros_like(parameter).requires_grad_(false);
  }
}

std::vector<Tensor> AdamW::gradients() const {
  std::vector<Tensor> all;
  for (const auto& [name, parameter] : parameters_) {
    if (parameter.grad().defined()) all.push_back(parameter.grad());
  }
  return all;
}

double AdamW::clip_gradients(double max_norm) {
  const c10::NoGradGuard no_grad;
  const std::vector<Tensor> all = gradients();
  if (all.empty()) return 0;
  const double norm = at::stack(at::_foreach_norm(all, 2)).norm().item<double>();
  if (max_norm > 0 && norm > max_norm) at::_foreach_mul_(all, max_norm / (norm + 1e-6));
  return norm;
}

void AdamW::step(double learning_rate) {
  const c10::NoGradGuard no_grad;
  struct Group {
    std::vector<Tensor> parameters, gradients, means, squares, steps;
  };
  std::array<Group, 2> groups;  // without and with weight decay
  ++updates_;
  for (const auto& [name, parameter] : parameters_) {
    if (!parameter.grad().defined()) continue;
    Group& group = groups[parameter.dim() >= 2 ? 1 : 0];
    group.parameters.push_back(parameter);
    group.gradients.push_back(parameter.grad().contiguous());
    group.means.push_back(means_.at(name));
    group.squares.push_back(squares_.at(name));
  }
  for (size_t i = 0; i < groups.size(); ++i) {
    Group& group = groups[i];
    if (group.parameters.empty()) continue;
    group.steps.assign(group.parameters.size(),
                       at::full({}, static_cast<double>(updates_), group.parameters[0].options().requires_grad(false)));
    at::_fused_adamw_(group.parameters, group.gradients, group.means, group.squares, {}, group.steps, learning_rate,
                      options_.beta1, options_.beta2, i == 1 ? options_.weight_decay : 0.0, options_.eps, /*amsgrad=*/false,
                      /*maximize=*/false);
  }
}

void AdamW::zero_gradients() {
  for (auto& [name, parameter] : parameters_) parameter.mutable_grad() = Tensor();
}

}  // namespace gsv3d
