// OpenCLIP's vision tower with SV3D's preprocessing (sgm/modules/encoders/modules.py: FrozenOpenCLIPImageEmbedder).
#pragma once

#include <memory>

#include "core/config.h"
#include "core/tensor.h"
#include "nn/parameter_store.h"

namespace gsv3d {

struct ImageEmbedderConfig {
  int64_t image_size = 224, patch_size = 14, width = 1280, layers = 32, head_width = 80, embed_dim = 1024;
  bool patch_tokens = false;  ///< not the class token alone: every patch is a token of the result, too. Not SV3D's
  template <class Visitor>
  void fields(Visitor& visit) {
    visit("image_size", image_size), visit("patch_size", patch_size), visit("width", width), visit("layers", layers);
    visit("head_width", head_width), visit("embed_dim", embed_dim);
    visit("patch_tokens", patch_tokens);
  }
};

/// Photos [B, 3, H, W] in [-1, 1] → [B, 3, image_size, image_size], CLIP-normalised: blur when shrinking, bicubic (a = -0.75)
/// with corners aligned, no clamp, as kornia does it for SV3D.
Tensor clip_preprocess(const Tensor& images, int64_t image_size);

class ImageEmbedder {
 public:
  /// Parameters under `scope`: visual.conv1.weight … visual.proj (an SV3D checkpoint has them below
  /// conditioner.embedders.0.open_clip.model).
  ImageEmbedder(const ImageEmbedderConfig& config, const nn::Scope& scope);
  ~ImageEmbedder();
  ImageEmbedder(ImageEmbedder&&) noexcept;
  /// Preprocessed images [B, 3, S, S] → embedding [B, 1, embed_dim], not normalised; with patch_tokens [B, 1 + patches,
  /// embed_dim], class token first.
  Tensor operator()(const Tensor& preprocessed) const;

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace gsv3d
