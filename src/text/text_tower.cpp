// open_clip/transformer.py: TextTransformer. Padding is seen like any other token: there is no mask but the causal one.
#include "text/text_tower.h"

#include <vector>

#include "core/error.h"
#include "diffusion/clip_block.h"

namespace gsv3d {

struct TextTower::Implementation {
  TextTowerConfig config;
  Tensor token_embedding, positional_embedding, text_projection;
  std::vector<ClipBlock> blocks;
  nn::LayerNorm ln_final;

  Implementation(const TextTowerConfig& config, const nn::Scope& scope) : config(config) {
    require(config.head_width > 0 && config.width % config.head_width == 0,
            "text tower: width {} is not a multiple of head_width {}", config.width, config.head_width);
    require(config.skipped_layers >= 0 && config.skipped_layers < config.layers, "text tower: {} of {} layers cannot be skipped",
            config.skipped_layers, config.layers);
    // open_clip's own starting values (init_parameters).
    token_embedding =
        (scope / "token_embedding").parameter("weight", {config.vocabulary_size, config.width}, nn::Init::normal(0.02));
    positional_embedding = scope.parameter("positional_embedding", {config.context_length, config.width}, nn::Init::normal(0.01));
    for (int64_t i = 0; i < config.layers; ++i)
      blocks.emplace_back(scope / "transformer" / "resblocks" / i, config.width, config.width / config.head_width,
                          /*causal=*/true);
    ln_final = nn::LayerNorm(scope / "ln_final", config.width);
    if (config.embed_dim > 0)
      text_projection = scope.parameter("text_projection", {config.width, config.embed_dim}, nn::Init::fan_in(config.width));
  }

  Tensor run(const Tensor& tokens, int64_t count) const {
    require(tokens.dim() == 2 && tokens.size(1) == config.context_length && tokens.scalar_type() == at::kLong,
            "text tower: tokens must be [B, {}] whole numbers, not {}", config.context_length, fmt::join(tokens.sizes(), "x"));
    Tensor x = at::embedding(token_embedding, tokens) + positional_embedding;
    for (int64_t i = 0; i < count; ++i) x = blocks[static_cast<size_t>(i)](x);
    return ln_final(x);
  }
};

TextTower::TextTower(const TextTowerConfig& config, const nn::Scope& scope)
    : implementation_(std::make_unique<Implementation>(config, scope)) {}
TextTower::~TextTower() = default;
TextTower::TextTower(TextTower&&) noexcept = default;

Tensor TextTower::context(const Tensor& tokens) const {
  return implementation_->run(tokens, implementation_->config.layers - implementation_->config.skipped_layers);
}

Tensor TextTower::last(const Tensor& tokens) const {
  return implementation_->run(tokens, implementation_->config.layers);
}

Tensor TextTower::embedding(const Tensor& tokens) const {
  require(implementation_->text_projection.defined(), "text tower: these weights have no projection to an embedding");
  const Tensor rows = at::arange(tokens.size(0), tokens.options());
  return at::matmul(last(tokens).index({rows, tokens.argmax(-1)}), implementation_->text_projection);
}

}  // namespace gsv3d
