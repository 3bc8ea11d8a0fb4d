#include "decoder/gaussian_decoder.h"

#include "core/error.h"
#include "decoder/gaussian_head.h"
#include "decoder/multi_view_block.h"
#include "decoder/pixel_evidence.h"
#include "decoder/upsampler.h"
#include "nn/layers.h"

namespace gsv3d {
namespace {

void check(const GaussianDecoderConfig& c) {
  require(c.latent_channels > 0 && c.patch_size > 0 && c.depth >= 0 && c.mlp_ratio > 0 && c.context_dim >= 0,
          "gaussian_decoder: sizes must be positive");
  require(c.num_heads > 0 && c.width % c.num_heads == 0, "gaussian_decoder: width {} cannot be split into {} heads", c.width,
          c.num_heads);
  require(c.sh_degree >= 0 && c.sh_degree <= 3, "gaussian_decoder: sh_degree {} is not between 0 and 3", c.sh_degree);
  require(0 < c.near && c.near < c.far, "gaussian_decoder: near {} and far {} are no interval of distances", c.near, c.far);
  require(0 < c.min_scale && c.min_scale < c.max_scale, "gaussian_decoder: min_scale {} and max_scale {} are no interval",
          c.min_scale, c.max_scale);
  if (c.hull) check_visual_hull(*c.hull);
}

}  // namespace

struct GaussianDecoder::Implementation {
  GaussianDecoderConfig config;
  nn::Conv2d patch_embed;
  nn::Linear context_embed;
  std::vector<MultiViewBlock> blocks;
  std::vector<UpsamplerStage> upsampler;
  std::unique_ptr<GaussianHead> head;
  nn::Linear evidence_embed, silhouette;  // with a hull; the second for silhouettes from features

  Implementation(const GaussianDecoderConfig& given, const nn::Scope& scope) : config(given) {
    check(config);
    patch_embed =
        nn::Conv2d(scope / "patch_embed", config.latent_channels + 6, config.width, config.patch_size, config.patch_size);
    const bool sees_photo = config.context_dim > 0;
    if (sees_photo) context_embed = nn::Linear(scope / "context_embed", config.context_dim, config.width);
    for (int64_t i = 0; i < config.depth; ++i)
      blocks.emplace_back(scope / "blocks" / i, config.width, config.num_heads, config.mlp_ratio, sees_photo);
    int64_t width = config.width;
    for (size_t i = 0; i < config.upsampler_widths.size(); ++i) {
      const int64_t next = config.upsampler_widths[i];
      upsampler.emplace_back(scope / "upsampler" / static_cast<int64_t>(i), width, next, config.upsampler_heads,
                             config.upsampler_window, config.mlp_ratio);
      width = next;
    }
    head = std::make_unique<GaussianHead>(scope / "head", width, config);
    if (!config.hull) return;
    evidence_embed = nn::Linear(scope / "hull" / "embed", evidence_channels, width);
    if (config.hull->silhouettes == "features")
      silhouette = nn::Linear::zero(scope / "hull" / "silhouette", config.width, enlargement() * enlargement());
  }

  int64_t enlargement() const { return int64_t{1} << config.upsampler_widths.size(); }
  void check_input(const Tensor& latents, const std::vector<Cameras>& cameras, const Tensor& context,
                   const Tensor& pictures) const;
  PixelEvidence evidence(const Tensor& pictures, const Tensor& tokens, const Cameras& cameras) const;
  Tensor upsample(Tensor features, const Tensor& added) const;
};

void GaussianDecoder::Implementation::check_input(const Tensor& latents, const std::vector<Cameras>& cameras,
                                                  const Tensor& context, const Tensor& pictures) const {
  require(latents.dim() == 5 && latents.size(2) == config.latent_channels && latents.size(3) % config.patch_size == 0 &&
              latents.size(4) % config.patch_size == 0,
          "Gaussian decoder: latents {} are not [B, N, {}, h, w] with sides that are multiples of {}",
          fmt::join(latents.sizes(), " x "), config.latent_channels, config.patch_size);
  require(static_cast<int64_t>(cameras.size()) == latents.size(0), "Gaussian decoder: {} items and {} batches of cameras",
          latents.size(0), cameras.size());
  for (const auto& item : cameras)
    require(item.count() == latents.size(1), "Gaussian decoder: {} views and {} cameras", latents.size(1), item.count());
  require(config.context_dim == 0 ||
              (context.dim() == 3 && context.size(0) == latents.size(0) && context.size(2) == config.context_dim),
          "Gaussian decoder: context {} is not [{}, T, {}]", fmt::join(context.sizes(), " x "), latents.size(0),
          config.context_dim);
  if (!config.hull) return;
  require(pictures.defined() && pictures.dim() == 5 && pictures.size(0) == latents.size(0) &&
              pictures.size(1) == latents.size(1) && (pictures.size(2) == 3 || pictures.size(2) == 4),
          "Gaussian decoder: its hull takes pictures [{}, {}, 4, S, S] of the views", latents.size(0), latents.size(1));
}

/// `tokens` [B·N, rows, columns, width] of the trunk.
PixelEvidence GaussianDecoder::Implementation::evidence(const Tensor& pictures, const Tensor& tokens,
                                                        const Cameras& cameras) const {
  const int64_t items = pictures.size(0), views = pictures.size(1), rows = tokens.size(1), columns = tokens.size(2);
  const int64_t factor = enlargement(), height = rows * factor, width = columns * factor;
  Tensor silhouettes;
  if (silhouette.weight.defined())
    silhouettes = at::sigmoid(silhouette(tokens).to(pictures.scalar_type()))
                      .view({items * views, rows, columns, factor, factor})
                      .transpose(2, 3)
                      .reshape({items, views, height, width});
  return gather_evidence(*config.hull, pictures, silhouettes, cameras, height, width);
}

/// `added`, if any, enters the last stage; without stages, the features.
Tensor GaussianDecoder::Implementation::upsample(Tensor features, const Tensor& added) const {
  for (size_t i = 0; i < upsampler.size(); ++i) features = upsampler[i](features, i + 1 == upsampler.size() ? added : Tensor());
  return upsampler.empty() && added.defined() ? features + added : features;
}

GaussianDecoder::GaussianDecoder(const GaussianDecoderConfig& config, const nn::Scope& scope)
    : implementation_(std::make_unique<Implementation>(config, scope)) {}
GaussianDecoder::~GaussianDecoder() = default;
GaussianDecoder::GaussianDecoder(GaussianDecoder&&) noexcept = default;

std::vector<Gaussians> GaussianDecoder::operator()(const Tensor& latents, const std::vector<Cameras>& cameras,
                                                   const Tensor& context, const Tensor& pictures) const {
  const Implementation& self = *implementation_;
  self.check_input(latents, cameras, context, pictures);
  const int64_t items = latents.size(0), views = latents.size(1), h = latents.size(3), w = latents.size(4);

  // Rays do not depend on the image size, and one size lets the cameras of all items stand in one batch.
  std::vector<Cameras> same_size;
  for (const auto& item : cameras) same_size.push_back(item.resized(w, h));
  const Cameras all = concatenate(same_size).to(latents.device());

  const auto type = self.patch_embed.weight.scalar_type();
  const Tensor rays = plucker_rays(all, h, w);
  const Tensor patches = self.patch_embed(at::cat({latents.flatten(0, 1).to(type), rays.to(type)}, 1));  // [B·N, width, h/p, w/p]
  const int64_t rows = patches.size(2), columns = patches.size(3), width = patches.size(1);
  const Tensor photo = self.config.context_dim > 0 ? self.context_embed(context.to(type)) : Tensor();
  Tensor tokens = patches.permute({0, 2, 3, 1}).reshape({items, views * rows * columns, width});
  for (const auto& block : self.blocks) tokens = block(tokens, photo);

  const Tensor grid = tokens.view({items * views, rows, columns, width});
  Gaussians gaussians;
  if (self.config.hull) {
    const PixelEvidence evidence = self.evidence(pictures.to(latents.device()), grid, all);
    gaussians = (*self.head)(self.upsample(grid, self.evidence_embed(evidence.features().to(type))), all, &evidence);
  } else {
    gaussians = (*self.head)(self.upsample(grid, {}), all);
  }

  const auto split = [items](const Tensor& tensor) { return tensor.unflatten(0, {items, tensor.size(0) / items}).unbind(0); };
  const auto means = split(gaussians.means), quats = split(gaussians.quats), scales = split(gaussians.scales);
  const auto opacities = split(gaussians.opacities), sh = split(gaussians.sh);
  std::vector<Gaussians> result;
  for (int64_t i = 0; i < items; ++i) result.push_back({means[i], quats[i], scales[i], opacities[i], sh[i]});
  return result;
}

}  // namespace gsv3d
