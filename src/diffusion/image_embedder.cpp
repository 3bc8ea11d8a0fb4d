// open_clip/transformer.py: VisionTransformer with its class token pooled, as ViT-H-14 (laion2b_s32b_b79k) has it.
#include "diffusion/image_embedder.h"

#include <cmath>
#include <vector>

#include "core/error.h"
#include "diffusion/clip_block.h"
#include "nn/layers.h"
#include "nn/recompute.h"

namespace gsv3d {

struct ImageEmbedder::Implementation {
  ImageEmbedderConfig config;
  nn::Conv2d conv1;
  Tensor class_embedding, positional_embedding, proj;
  nn::LayerNorm ln_pre, ln_post;
  std::vector<ClipBlock> resblocks;

  Implementation(const ImageEmbedderConfig& config, const nn::Scope& scope) : config(config) {
    const int64_t width = config.width, grid = config.image_size / config.patch_size;
    require(grid > 0 && config.image_size % config.patch_size == 0,
            "image embedder: image_size {} is not a multiple of patch_size {}", config.image_size, config.patch_size);
    require(config.head_width > 0 && width % config.head_width == 0,
            "image embedder: width {} is not a multiple of head_width {}", width, config.head_width);
    const nn::Scope visual = scope / "visual";
    const nn::Init start = nn::Init::normal(1 / std::sqrt(static_cast<double>(width)));
    conv1 = nn::Conv2d(visual / "conv1", 3, width, config.patch_size, config.patch_size, 0, /*with_bias=*/false);
    class_embedding = visual.parameter("class_embedding", {width}, start);
    positional_embedding = visual.parameter("positional_embedding", {grid * grid + 1, width}, start);
    ln_pre = nn::LayerNorm(visual / "ln_pre", width);
    for (int64_t i = 0; i < config.layers; ++i)
      resblocks.emplace_back(visual / "transformer" / "resblocks" / i, width, width / config.head_width, /*causal=*/false);
    ln_post = nn::LayerNorm(visual / "ln_post", width);
    proj = visual.parameter("proj", {width, config.embed_dim}, start);
  }

  Tensor operator()(const Tensor& images) const {
    const Tensor patches = conv1(images).flatten(2).transpose(1, 2);
    const Tensor class_token = class_embedding.to(patches.scalar_type()).expand({images.size(0), 1, -1});
    Tensor x = ln_pre(at::cat({class_token, patches}, 1) + positional_embedding);
    for (const ClipBlock& block : resblocks) x = nn::maybe_recomputed(block, x);
    return at::matmul(ln_post(config.patch_tokens ? x : x.narrow(1, 0, 1)), proj);
  }
};

ImageEmbedder::ImageEmbedder(const ImageEmbedderConfig& config, const nn::Scope& scope)
    : implementation_(std::make_unique<Implementation>(config, scope)) {}
ImageEmbedder::~ImageEmbedder() = default;
ImageEmbedder::ImageEmbedder(ImageEmbedder&&) noexcept = default;

Tensor ImageEmbedder::operator()(const Tensor& preprocessed) const {
  const int64_t size = implementation_->config.image_size;
  require(preprocessed.dim() == 4 && preprocessed.size(1) == 3 && preprocessed.size(2) == size && preprocessed.size(3) == size,
          "image embedder: images must be [B, 3, {}, {}] (clip_preprocess), not {}", size, size,
          fmt::join(preprocessed.sizes(), "x"));
  return (*implementation_)(preprocessed);
}

}  // namespace gsv3d
