// DINOv2's vision transformer, with or without registers (facebookresearch/dinov2: dinov2/models/vision_transformer.py). Official
// names.
#pragma once

#include <memory>
#include <vector>

#include "core/config.h"
#include "core/tensor.h"
#include "nn/parameter_store.h"

namespace gsv3d {

struct Dinov2Config {
  int64_t patch_size = 14, embed_dim = 768, depth = 12, num_heads = 12, num_register_tokens = 0;
  int64_t pretrain_image_size = 518;  ///< the position table's grid is pretrain_image_size / patch_size
  int64_t image_size = 518;           ///< photos are resized to this before they enter
  int64_t mlp_ratio = 4;
  template <class Visitor>
  void fields(Visitor& visit) {
    visit("patch_size", patch_size), visit("embed_dim", embed_dim), visit("depth", depth), visit("num_heads", num_heads);
    visit("num_register_tokens", num_register_tokens), visit("pretrain_image_size", pretrain_image_size);
    visit("image_size", image_size), visit("mlp_ratio", mlp_ratio);
  }
};

/// Photos [B, 3, H, W] RGB in [0, 1] → normalised by ImageNet's mean and deviation, resized (bicubic, antialiased) to
/// image_size².
Tensor dinov2_preprocess(const Tensor& images, int64_t image_size);

class Dinov2 {
 public:
  struct Output {
    Tensor class_token;               ///< [B, D] after the final norm
    Tensor register_tokens;           ///< [B, R, D]
    Tensor patch_tokens;              ///< [B, (H/p)(W/p), D], row-major
    Tensor prenorm;                   ///< [B, 1 + R + P, D] before the final norm
    Tensor embedded;                  ///< [B, 1 + R + P, D] tokens that enter the first block
    std::vector<Tensor> last_blocks;  ///< outputs of the last `keep_last` blocks, earlier first, before the final norm
  };
  Dinov2(const Dinov2Config& config, const nn::Scope& scope);
  ~Dinov2();
  Dinov2(Dinov2&&) noexcept;
  /// Normalised images [B, 3, H, W], sides multiples of the patch size.
  Output operator()(const Tensor& images, int64_t keep_last = 0) const;

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace gsv3d
