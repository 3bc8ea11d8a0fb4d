#include "fitting/parameters.h"

#include <c10/core/GradMode.h>

namespace gsv3d {
namespace {

/// Opacities of exactly 0 or 1 have no logit and no gradient.
constexpr double opacity_margin = 1e-4, smallest_scale = 1e-8;

std::array<Tensor, 6> raw_values(const Gaussians& g) {
  const Tensor opacities = g.opacities.clamp(opacity_margin, 1 - opacity_margin);
  return {g.means,
          g.scales.clamp_min(smallest_scale).log(),
          g.quats,
          at::logit(opacities),
          g.sh.to(at::kFloat).slice(1, 0, 1),
          g.sh.to(at::kFloat).slice(1, 1)};
}

}  // namespace

FitParameters::FitParameters(const Gaussians& gaussians) {
  const c10::NoGradGuard no_grad;
  const auto values = raw_values(gaussians.detach());
  for (size_t i = 0; i < kinds; ++i) {
    leaves_[i] = values[i].clone(at::MemoryFormat::Contiguous).requires_grad_(true);
    first_moments_[i] = at::zeros_like(values[i], at::MemoryFormat::Contiguous);
    second_moments_[i] = at::zeros_like(values[i], at::MemoryFormat::Contiguous);
  }
}

Gaussians FitParameters::gaussians() const {
  const Tensor sh = leaves_[5].size(1) > 0 ? at::cat({leaves_[4], leaves_[5]}, 1) : leaves_[4];
  return {leaves_[0], leaves_[2], leaves_[1].exp(), leaves_[3].sigmoid(), sh};
}

void FitParameters::step(const FitRates& rates) {
  const c10::NoGradGuard no_grad;
  const std::array<double, kinds> by_kind = {rates.means,          rates.log_scales, rates.quats,
                                             rates.opacity_logits, rates.base_color, rates.other_color};
  ++updates_;
  for (size_t i = 0; i < kinds; ++i) {
    if (!leaves_[i].grad().defined() || leaves_[i].numel() == 0) continue;
    const Tensor updates = at::full({}, static_cast<double>(updates_), first_moments_[i].options());
    at::_fused_adam_({leaves_[i]}, {leaves_[i].grad().contiguous()}, {first_moments_[i]}, {second_moments_[i]}, {}, {updates},
                     by_kind[i], /*beta1=*/0.9, /*beta2=*/0.999, /*weight_decay=*/0, /*eps=*/1e-15, /*amsgrad=*/false,
                     /*maximize=*/false);
    leaves_[i].mutable_grad() = Tensor();
  }
}

void FitParameters::replace(const Tensor& to, const Gaussians& values) {
  const c10::NoGradGuard no_grad;
  const auto raw = raw_values(values);
  for (size_t i = 0; i < kinds; ++i) {
    leaves_[i].index_copy_(0, to, raw[i]);
    first_moments_[i].index_fill_(0, to, 0);
    second_moments_[i].index_fill_(0, to, 0);
  }
}

void FitParameters::append(const Gaussians& values) {
  const c10::NoGradGuard no_grad;
  const auto raw = raw_values(values);
  for (size_t i = 0; i < kinds; ++i) {
    leaves_[i] = at::cat({leaves_[i], raw[i]}).detach().requires_grad_(true);
    first_moments_[i] = at::cat({first_moments_[i], at::zeros_like(raw[i])});
    second_moments_[i] = at::cat({second_moments_[i], at::zeros_like(raw[i])});
  }
}

void FitParameters::move(const Tensor& offsets) {
  const c10::NoGradGuard no_grad;
  leaves_[0].add_(offsets);
}

}  // namespace gsv3d
