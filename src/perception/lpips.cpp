#include "perception/lpips.h"

#include <array>

#include "core/error.h"

namespace gsv3d {
namespace {

/// One convolution of a backbone as torchvision numbers it.
struct LayerShape {
  int64_t index, in, out, kernel, stride, padding, pool_before;
  bool compared;
};

constexpr LayerShape alexnet[] = {{0, 3, 64, 11, 4, 2, 0, true},
                                  {3, 64, 192, 5, 1, 2, 3, true},
                                  {6, 192, 384, 3, 1, 1, 3, true},
                                  {8, 384, 256, 3, 1, 1, 0, true},
                                  {10, 256, 256, 3, 1, 1, 0, true}};

constexpr LayerShape vgg16[] = {
    {0, 3, 64, 3, 1, 1, 0, false},    {2, 64, 64, 3, 1, 1, 0, true},     {5, 64, 128, 3, 1, 1, 2, false},
    {7, 128, 128, 3, 1, 1, 0, true},  {10, 128, 256, 3, 1, 1, 2, false}, {12, 256, 256, 3, 1, 1, 0, false},
    {14, 256, 256, 3, 1, 1, 0, true}, {17, 256, 512, 3, 1, 1, 2, false}, {19, 512, 512, 3, 1, 1, 0, false},
    {21, 512, 512, 3, 1, 1, 0, true}, {24, 512, 512, 3, 1, 1, 2, false}, {26, 512, 512, 3, 1, 1, 0, false},
    {28, 512, 512, 3, 1, 1, 0, true}};

/// Pictures in 0-1 → [-1, 1] → LPIPS' own normalisation of each channel.
Tensor normalised(const Tensor& images) {
  constexpr std::array<float, 3> shift = {-0.030f, -0.088f, -0.188f}, scale = {0.458f, 0.448f, 0.450f};
  std::vector<Tensor> channels = (images.to(at::kFloat) * 2 - 1).split(1, 1);
  for (size_t i = 0; i < 3; ++i) channels[i] = (channels[i] - shift[i]) / scale[i];
  return at::cat(channels, 1);
}

/// Of length 1 over the channels. The root is kept from zero, where its gradient is not finite; features are zero there, too.
Tensor of_unit_length(const Tensor& features) {
  const Tensor length = features.square().sum(1, /*keepdim=*/true).clamp_min(1e-20).sqrt();
  return features / (length + 1e-10);
}

}  // namespace

Lpips::Lpips(LpipsBackbone backbone, const nn::Scope& scope) {
  const auto add = [&](const LayerShape& shape) {
    layers_.push_back(
        {nn::Conv2d(scope / "features" / shape.index, shape.in, shape.out, shape.kernel, shape.stride, shape.padding),
         shape.pool_before, shape.compared});
    if (!shape.compared) return;
    const nn::Scope head = scope / fmt::format("lin{}", heads_.size()) / "model" / 1;
    heads_.push_back(head.parameter("weight", {1, shape.out, 1, 1}, nn::Init::fan_in(shape.out)));
  };
  if (backbone == LpipsBackbone::alexnet)
    for (const LayerShape& shape : alexnet) add(shape);
  else
    for (const LayerShape& shape : vgg16) add(shape);
}

std::vector<Tensor> Lpips::features(const Tensor& images) const {
  require(images.dim() == 4 && images.size(1) == 3 && images.size(2) >= 32 && images.size(3) >= 32,
          "LPIPS: pictures must be [B, 3, H, W] of at least 32 pixels, not [{}]", fmt::join(images.sizes(), ", "));
  std::vector<Tensor> result;
  Tensor x = normalised(images);
  for (const Layer& layer : layers_) {
    if (layer.pool_before > 0) x = at::max_pool2d(x, layer.pool_before, 2);
    x = at::relu(layer.convolution(x));
    if (layer.compared) result.push_back(x);
  }
  return result;
}

Tensor Lpips::per_layer(const Tensor& images, const Tensor& truth) const {
  require(images.sizes() == truth.sizes(), "LPIPS: pictures of [{}] and [{}] cannot be compared", fmt::join(images.sizes(), ", "),
          fmt::join(truth.sizes(), ", "));
  const std::vector<Tensor> seen = features(images), expected = features(truth);
  std::vector<Tensor> terms;
  for (size_t i = 0; i < heads_.size(); ++i) {
    const Tensor squares = (of_unit_length(seen[i]) - of_unit_length(expected[i])).square();
    terms.push_back((squares * heads_[i]).sum(1).mean({1, 2}));
  }
  return at::stack(terms);
}

Tensor Lpips::operator()(const Tensor& images, const Tensor& truth) const {
  return per_layer(images, truth).sum(0);
}

}  // namespace gsv3d
