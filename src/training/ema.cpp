#include "training/ema.h"

#include <c10/core/GradMode.h>

#include <algorithm>

namespace gsv3d {

Ema::Ema(const NamedTensors& parameters, double decay) : parameters_(parameters), decay_(decay) {
  for (const auto& [name, parameter] : parameters_) {
    values_[name] = parameter.detach().clone();
    parameter_list_.push_back(parameter);
    value_list_.push_back(values_[name]);
    if (!exchanged_.defined() || exchanged_.numel() < parameter.numel()) exchanged_ = at::empty_like(values_[name]).flatten();
  }
}

void Ema::update(int64_t step) {
  const c10::NoGradGuard no_grad;
  const double s = static_cast<double>(step);
  const double decay = std::min(decay_, (1 + s) / (10 + s));
  at::_foreach_lerp_(value_list_, parameter_list_, 1 - decay);
}

void Ema::exchange() {
  const c10::NoGradGuard no_grad;
  for (size_t i = 0; i < parameter_list_.size(); ++i) {
    const Tensor kept = exchanged_.narrow(0, 0, parameter_list_[i].numel()).view_as(parameter_list_[i]);
    kept.copy_(parameter_list_[i]);
    parameter_list_[i].copy_(value_list_[i]);
    value_list_[i].copy_(kept);
  }
}

Ema::Swap::Swap(Ema& ema) : ema_(ema) {
  ema_.exchange();
}
Ema::Swap::~Swap() {
  ema_.exchange();
}

}  // namespace gsv3d
