#include "decoder/multi_view_decoder.h"

#include "core/error.h"
#include "nn/recompute.h"

namespace gsv3d {

MultiViewDecoder::MultiViewDecoder(const GaussianDecoderConfig& config, const nn::Scope& scope)
    : config_(config),
      patch_embed_(scope / "patch_embed", config.latent_channels + 6, config.width, config.patch_size, config.patch_size) {
  const bool sees_photo = config.context_dim > 0;
  if (sees_photo) context_embed_ = nn::Linear(scope / "context_embed", config.context_dim, config.width);
  for (int64_t i = 0; i < config.depth; ++i)
    blocks_.emplace_back(scope / "blocks" / i, config.width, config.num_heads, config.mlp_ratio, sees_photo);
  upsampler_ = Upsampler(scope / "upsampler", config);
  head_ = std::make_unique<GaussianHead>(scope / "head", upsampler_.width(), config);
  if (!config.hull) return;
  evidence_embed_ = nn::Linear(scope / "hull" / "embed", evidence_channels, upsampler_.width());
  if (config.hull->silhouettes == "features")
    silhouette_ = nn::Linear::zero(scope / "hull" / "silhouette", config.width, enlargement() * enlargement());
}

/// `tokens` [B·N, rows, columns, width] of the trunk.
PixelEvidence MultiViewDecoder::evidence(const Tensor& pictures, const Tensor& tokens, const Cameras& cameras) const {
  const int64_t items = pictures.size(0), views = pictures.size(1), rows = tokens.size(1), columns = tokens.size(2);
  const int64_t factor = enlargement(), height = rows * factor, width = columns * factor;
  Tensor silhouettes;
  if (silhouette_.weight.defined())
    silhouettes = at::sigmoid(silhouette_(tokens).to(pictures.scalar_type()))
                      .view({items * views, rows, columns, factor, factor})
                      .transpose(2, 3)
                      .reshape({items, views, height, width});
  return gather_evidence(*config_.hull, pictures, silhouettes, cameras, height, width);
}

Gaussians MultiViewDecoder::operator()(const DecoderInput& input) const {
  const Tensor& latents = input.latents;
  require(latents.size(3) % config_.patch_size == 0 && latents.size(4) % config_.patch_size == 0,
          "Gaussian decoder: the sides of the latents {} are not multiples of {}", fmt::join(latents.sizes(), " x "),
          config_.patch_size);
  const int64_t items = latents.size(0), views = latents.size(1), h = latents.size(3), w = latents.size(4);

  // Rays do not depend on the image size, and one size lets the cameras of all items stand in one batch.
  std::vector<Cameras> same_size;
  for (const auto& item : input.cameras) same_size.push_back(item.resized(w, h));
  const Cameras all = concatenate(same_size).to(latents.device());

  const auto type = patch_embed_.weight.scalar_type();
  const Tensor rays = plucker_rays(all, h, w);
  const Tensor patches = patch_embed_(at::cat({latents.flatten(0, 1).to(type), rays.to(type)}, 1));  // [B·N, width, h/p, w/p]
  const int64_t rows = patches.size(2), columns = patches.size(3), width = patches.size(1);
  const Tensor photo = config_.context_dim > 0 ? context_embed_(input.context.to(type)) : Tensor();
  Tensor tokens = patches.permute({0, 2, 3, 1}).reshape({items, views * rows * columns, width});
  for (const auto& block : blocks_) tokens = nn::maybe_recomputed(block, tokens, photo);

  const Tensor grid = tokens.view({items * views, rows, columns, width});
  if (!config_.hull) return (*head_)(upsampler_(grid), all);
  const PixelEvidence seen = evidence(input.pictures.to(latents.device()), grid, all);
  return (*head_)(upsampler_(grid, evidence_embed_(seen.features().to(type))), all, &seen);
}

}  // namespace gsv3d
