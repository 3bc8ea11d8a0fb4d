// LPIPS (Zhang et al. 2018, "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric", arXiv 1801.03924, version
// 0.1): how different two pictures look. A score in evaluation; differentiable, so also a loss.
#pragma once

#include <vector>

#include "core/tensor.h"
#include "nn/layers.h"

namespace gsv3d {

/// Whose features are compared. Numbers of different backbones cannot be compared with each other.
enum class LpipsBackbone { alexnet, vgg16 };

class Lpips {
 public:
  /// Parameters: torchvision's features.N.weight and .bias of the backbone, and the learned weights of the five layers,
  /// lin0.model.1.weight … lin4.model.1.weight [1, C, 1, 1].
  Lpips(LpipsBackbone backbone, const nn::Scope& scope);

  /// Pictures [B, 3, H, W] in 0-1, sides at least 32 → [B] float32, 0 for equal pictures: of the features of five layers, each
  /// normalised to length 1 over its channels, the weighted squared differences, averaged over pixels, added over layers. Throws
  /// Error for other shapes.
  Tensor operator()(const Tensor& images, const Tensor& truth) const;
  /// The five terms of that sum, [5, B].
  Tensor per_layer(const Tensor& images, const Tensor& truth) const;
  /// The five layers' features of pictures in 0-1, behind their ReLU.
  std::vector<Tensor> features(const Tensor& images) const;

 private:
  struct Layer {
    nn::Conv2d convolution;
    int64_t pool_before = 0;  // kernel of the max pooling, stride 2; 0: none
    bool compared = false;
  };
  std::vector<Layer> layers_;
  std::vector<Tensor> heads_;
};

}  // namespace gsv3d
