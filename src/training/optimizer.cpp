#include "training/optimizer.h"

#include <c10/core/GradMode.h>

#include <cmath>

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
  require(!parameters_.empty(), "AdamW: no parameters");
  updates_ = at::zeros({}, parameters_.begin()->second.options().requires_grad(false));
}

/// Parameters with a gradient, without and with weight decay.
std::vector<AdamW::Group> AdamW::groups() const {
  std::vector<Group> groups(2);
  groups[1].weight_decay = options_.weight_decay;
  for (const auto& [name, parameter] : parameters_) {
    if (!parameter.grad().defined()) continue;
    Group& group = groups[parameter.dim() >= 2 ? 1 : 0];
    group.parameters.push_back(parameter);
    group.gradients.push_back(parameter.grad().contiguous());
    group.means.push_back(means_.at(name));
    group.squares.push_back(squares_.at(name));
    group.steps.push_back(updates_);
  }
  return groups;
}

AdamW::Outcome AdamW::step(double learning_rate, const Tensor& loss) {
  const c10::NoGradGuard no_grad;
  std::vector<Group> all = groups();
  std::vector<Tensor> gradients;
  for (const Group& group : all) gradients.insert(gradients.end(), group.gradients.begin(), group.gradients.end());
  const Tensor norm = gradients.empty() ? at::zeros_like(updates_) : at::stack(at::_foreach_norm(gradients, 2)).norm();
  const Tensor good = at::isfinite(norm).logical_and(at::isfinite(loss.detach())).to(at::kFloat);
  const Tensor bad = 1 - good;
  // The kernel divides gradients by this.
  const Tensor scale = options_.gradient_clip > 0 ? ((norm + 1e-6) / options_.gradient_clip).clamp_min(1) : at::ones_like(norm);
  updates_.add_(good);
  for (Group& group : all) {
    if (group.parameters.empty()) continue;
    at::_fused_adamw_(group.parameters, group.gradients, group.means, group.squares, {}, group.steps, learning_rate,
                      options_.beta1, options_.beta2, group.weight_decay, options_.eps, /*amsgrad=*/false, /*maximize=*/false,
                      /*grad_scale=*/scale, /*found_inf=*/bad);
  }
  return {norm, good};
}

void AdamW::zero_gradients() {
  for (auto& [name, parameter] : parameters_) parameter.mutable_grad() = Tensor();
}

int64_t AdamW::updates() const {
  return std::llround(updates_.item<double>());
}
void AdamW::set_updates(int64_t updates) {
  updates_.fill_(static_cast<double>(updates));
}

}  // namespace gsv3d
