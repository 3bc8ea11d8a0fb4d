// Inception-v3 (Szegedy et al. 2015, arXiv 1512.00567) as FID uses it: TensorFlow's network of 2015, whose pooling differs from
// torchvision's. Parameter names are torchvision's, which pytorch-fid's weights have.
#pragma once

#include <memory>

#include "core/tensor.h"
#include "nn/parameter_store.h"

namespace gsv3d {

class Inception {
 public:
  static constexpr int64_t features = 2048;

  /// Parameters Conv2d_1a_3x3.conv.weight … Mixed_7c.branch_pool.bn.running_var; fc is not needed.
  explicit Inception(const nn::Scope& scope);
  ~Inception();
  Inception(Inception&&) noexcept;
  /// Pictures [B, 3, H, W] in 0-1 → [B, 2048] float32, the last average pooling. They are resized to 299 × 299 (bilinear, corners
  /// not aligned, without antialiasing, as pytorch-fid does) and brought to [-1, 1]. Throws Error for other shapes.
  Tensor operator()(const Tensor& images) const;

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace gsv3d
