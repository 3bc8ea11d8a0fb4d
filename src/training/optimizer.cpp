#include "training/optimizer.h"

#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"

namespace gsv3d {

namespace {

/// Each parameter, the largest first, goes to the process that has least so far: by names and sizes alone, so the same
/// everywhere.
std::map<std::string, int64_t> shared_out(const NamedTensors& parameters, int64_t processes) {
  std::vector<std::pair<int64_t, std::string>> by_size;
  for (const auto& [name, parameter] : parameters) by_size.emplace_back(-parameter.numel(), name);
  std::sort(by_size.begin(), by_size.end());
  std::vector<int64_t> load(static_cast<size_t>(processes));
  std::map<std::string, int64_t> owners;
  for (const auto& [size, name] : by_size) {
    const auto least = std::min_element(load.begin(), load.end());
    owners[name] = least - load.begin();
    *least -= size;
  }
  return owners;
}

}  // namespace

AdamW::AdamW(const NamedTensors& parameters, const AdamWOptions& options, std::shared_ptr<ProcessGroup> sharing)
    : parameters_(parameters), options_(options) {
  if (sharing && sharing->size() > 1) {
    owners_ = shared_out(parameters_, sharing->size());
    sharing_ = std::move(sharing);
  }
  for (const auto& [name, parameter] : parameters_) {
    // The fused kernel walks raw memory, so parameter, gradient and moments must share one layout.
    require(parameter.is_contiguous() && parameter.scalar_type() == at::kFloat,
            "AdamW: parameter \"{}\" is not contiguous float32", name);
    if (!owns(name)) continue;
    means_[name] = at::zeros_like(parameter).requires_grad_(false);
    squares_[name] = at::zeros_like(parameter).requires_grad_(false);
  }
  require(!parameters_.empty(), "AdamW: no parameters");
  updates_ = at::zeros({}, parameters_.begin()->second.options().requires_grad(false));
}

/// This process's parameters with a gradient, without and with weight decay.
std::vector<AdamW::Group> AdamW::groups() const {
  std::vector<Group> groups(2);
  groups[1].weight_decay = options_.weight_decay;
  for (const auto& [name, parameter] : parameters_) {
    if (!parameter.grad().defined() || !owns(name)) continue;
    Group& group = groups[parameter.dim() >= 2 ? 1 : 0];
    group.parameters.push_back(parameter);
    group.gradients.push_back(parameter.grad().contiguous());
    group.means.push_back(means_.at(name));
    group.squares.push_back(squares_.at(name));
    group.steps.push_back(updates_);
  }
  return groups;
}

/// Of all gradients, whoever owns them: vectors first, as they always were summed.
Tensor AdamW::gradient_norm() const {
  std::vector<Tensor> gradients, matrices;
  for (const auto& [name, parameter] : parameters_) {
    if (!parameter.grad().defined()) continue;
    (parameter.dim() >= 2 ? matrices : gradients).push_back(parameter.grad().contiguous());
  }
  gradients.insert(gradients.end(), matrices.begin(), matrices.end());
  return gradients.empty() ? at::zeros_like(updates_) : at::stack(at::_foreach_norm(gradients, 2)).norm();
}

/// Every parameter from its owner.
void AdamW::exchange_parameters() const {
  std::vector<std::vector<Tensor>> by_owner(static_cast<size_t>(sharing_->size()));
  for (const auto& [name, parameter] : parameters_) by_owner[static_cast<size_t>(owners_.at(name))].push_back(parameter.detach());
  for (size_t i = 0; i < by_owner.size(); ++i) {
    if (by_owner[i].empty()) continue;
    std::vector<Tensor> flat;
    for (const Tensor& parameter : by_owner[i]) flat.push_back(parameter.flatten());
    const Tensor joined = at::cat(flat);  // one message for all
    sharing_->broadcast({joined}, static_cast<int64_t>(i));
    if (static_cast<int64_t>(i) == sharing_->rank()) continue;
    int64_t first = 0;
    for (const Tensor& parameter : by_owner[i]) {
      parameter.copy_(joined.narrow(0, first, parameter.numel()).view_as(parameter));
      first += parameter.numel();
    }
  }
}

AdamW::Moments AdamW::gathered() const {
  if (!sharing_) return {means_, squares_};
  Moments all;
  for (const auto& [name, parameter] : parameters_) {
    for (const auto& [own, into] : {std::pair{&means_, &all.means}, std::pair{&squares_, &all.squares}}) {
      Tensor moment = owns(name) ? own->at(name) : at::empty_like(parameter).requires_grad_(false);
      if (owners_.at(name) != 0) sharing_->broadcast({moment}, owners_.at(name));
      if (sharing_->is_first()) into->emplace(name, moment.cpu());
    }
  }
  return all;
}

void AdamW::scatter(const Moments& moments, const std::string& where) {
  for (const auto& [name, parameter] : parameters_) {
    for (const auto& [all, own] : {std::pair{&moments.means, &means_}, std::pair{&moments.squares, &squares_}}) {
      Tensor moment = at::empty_like(parameter).requires_grad_(false);
      if (!sharing_ || sharing_->is_first()) {
        const auto found = all->find(name);
        require(found != all->end() && found->second.sizes() == parameter.sizes(),
                "{}: has no moments of \"{}\", or of another shape", where, name);
        moment.copy_(found->second);
      }
      if (sharing_) sharing_->broadcast({moment});
      if (owns(name)) own->at(name).copy_(moment);
    }
  }
}

AdamW::Outcome AdamW::step(double learning_rate, const Tensor& loss) {
  const c10::NoGradGuard no_grad;
  std::vector<Group> all = groups();
  const Tensor norm = gradient_norm();
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
  if (sharing_) exchange_parameters();
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
