#include "image/named_colors.h"

namespace gsv3d {

const std::vector<NamedColor>& named_colors() {
  static const std::vector<NamedColor> all = {
      {"red", {0.80F, 0.10F, 0.10F}},   {"orange", {0.95F, 0.50F, 0.08F}},         {"yellow", {0.93F, 0.83F, 0.12F}},
      {"green", {0.15F, 0.58F, 0.20F}}, {"blue", {0.14F, 0.30F, 0.80F}},           {"purple", {0.50F, 0.16F, 0.62F}},
      {"pink", {0.96F, 0.55F, 0.70F}},  {"brown", {0.40F, 0.23F, 0.12F}},          {"black", {0.09F, 0.09F, 0.10F}},
      {"white", {0.92F, 0.92F, 0.91F}}, {"grey", {0.50F, 0.50F, 0.51F}, {"gray"}}, {"wooden", {0.70F, 0.51F, 0.31F}, {"wood"}}};
  return all;
}

Tensor painted(const Tensor& rgba, const Tensor& rgb) {
  constexpr double softness = 0.6, darkest_mean = 0.08;
  const Tensor alpha = rgba.narrow(1, 3, 1), colour = rgba.narrow(1, 0, 3);
  const Tensor weights = at::tensor({0.2126F, 0.7152F, 0.0722F}).to(rgba.device()).view({1, 3, 1, 1});
  const Tensor brightness = (colour * weights).sum(1, /*keepdim=*/true);
  const Tensor mean = ((brightness * alpha).sum({2, 3}, true) / alpha.sum({2, 3}, true).clamp_min(1)).clamp_min(darkest_mean);
  const Tensor shade = (brightness / mean).clamp(0.02, 2.5).pow(softness);
  return at::cat({(rgb.view({-1, 3, 1, 1}) * shade).clamp(0, 1), alpha}, 1);
}

}  // namespace gsv3d
