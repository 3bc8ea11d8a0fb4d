// OpenCLIP's text tower as Stable Diffusion 2.x uses it: the last block skipped, then the final norm
// (ldm/modules/encoders/modules.py: FrozenOpenCLIPEmbedder).
#pragma once

#include <memory>

#include "core/config.h"
#include "core/tensor.h"
#include "nn/parameter_store.h"

namespace gsv3d {

/// The defaults are ViT-H-14's (laion2b_s32b_b79k).
struct TextTowerConfig {
  int64_t vocabulary_size = 49408, context_length = 77, width = 1024, layers = 24, head_width = 64;
  int64_t skipped_layers = 1;  ///< blocks at the end that context() leaves out; 0: the weights end where Stable Diffusion stops
  int64_t embed_dim = 0;       ///< width of embedding(), which needs all blocks and the projection; 0: there is none
  template <class Visitor>
  void fields(Visitor& visit) {
    visit("vocabulary_size", vocabulary_size), visit("context_length", context_length), visit("width", width);
    visit("layers", layers), visit("head_width", head_width), visit("skipped_layers", skipped_layers);
    visit("embed_dim", embed_dim);
  }
};

class TextTower {
 public:
  /// Parameters under `scope`: token_embedding.weight, positional_embedding, transformer.resblocks.N, ln_final, and
  /// text_projection where there is an embedding.
  TextTower(const TextTowerConfig& config, const nn::Scope& scope);
  ~TextTower();
  TextTower(TextTower&&) noexcept;

  /// Token ids [B, context_length], int64, in 0 … vocabulary_size - 1 → what the UNet attends to: [B, context_length, width].
  Tensor context(const Tensor& tokens) const;
  /// The same after all blocks.
  Tensor last(const Tensor& tokens) const;
  /// CLIP's text embedding, at the position of each row's highest id (the end token): [B, embed_dim], not normalised. Throws
  /// Error where the configuration has none.
  Tensor embedding(const Tensor& tokens) const;

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace gsv3d
