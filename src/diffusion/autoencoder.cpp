// Follows sgm/modules/diffusionmodules/model.py (Encoder, Decoder, ResnetBlock, AttnBlock) at Stability-AI/generative-models
// 0ad7de9.
#include "diffusion/autoencoder.h"

#include <optional>
#include <utility>

#include "core/error.h"
#include "nn/layers.h"

namespace gsv3d {
namespace {

constexpr double norm_eps = 1e-6;  // LDM's Normalize(); PyTorch's default would be 1e-5

void check(const AutoencoderConfig& config) {
  require(!config.ch_mult.empty() && config.num_res_blocks > 0 && config.ch > 0 && config.z_channels > 0 && config.patch_size > 0,
          "autoencoder: ch, ch_mult, num_res_blocks, z_channels and patch_size must be positive");
}

/// What all blocks of one network share.
struct BlockStyle {
  int64_t groups;
  /// Random weights start as the identity (plus the change of width): trains faster than LDM's, which are random throughout.
  bool zero_init;

  explicit BlockStyle(const AutoencoderConfig& config) : groups(config.norm_groups), zero_init(config.patch_size > 1) {}
};

/// x + conv2(silu(norm2(conv1(silu(norm1(x)))))), with a 1×1 convolution on x where the width changes.
struct ResidualBlock {
  nn::GroupNorm norm1, norm2;
  nn::Conv2d conv1, conv2;
  std::optional<nn::Conv2d> nin_shortcut;

  ResidualBlock(const nn::Scope& scope, int64_t in, int64_t out, const BlockStyle& style)
      : norm1(scope / "norm1", in, style.groups, norm_eps),
        norm2(scope / "norm2", out, style.groups, norm_eps),
        conv1(scope / "conv1", in, out, 3, 1, 1),
        conv2(scope / "conv2", out, out, 3, 1, 1, /*with_bias=*/true, style.zero_init) {
    if (in != out) nin_shortcut.emplace(scope / "nin_shortcut", in, out, 1);
  }

  Tensor operator()(const Tensor& x) const {
    const Tensor h = conv2(at::silu(norm2(conv1(at::silu(norm1(x))))));
    return (nin_shortcut ? (*nin_shortcut)(x) : x) + h;
  }
};

/// Single-head self-attention over all pixels, with a residual connection.
struct PixelAttention {
  nn::GroupNorm norm;
  nn::Conv2d q, k, v, proj_out;

  PixelAttention(const nn::Scope& scope, int64_t channels, const BlockStyle& style)
      : norm(scope / "norm", channels, style.groups, norm_eps),
        q(scope / "q", channels, channels, 1),
        k(scope / "k", channels, channels, 1),
        v(scope / "v", channels, channels, 1),
        proj_out(scope / "proj_out", channels, channels, 1) {}

  Tensor operator()(const Tensor& x) const {
    const auto tokens = [](const Tensor& map) { return map.flatten(2).transpose(1, 2); };
    const Tensor h = norm(x);
    const Tensor mixed = nn::attention(tokens(q(h)), tokens(k(h)), tokens(v(h)), /*heads=*/1);
    return x + proj_out(mixed.transpose(1, 2).unflatten(2, {x.size(2), x.size(3)}));
  }
};

struct Middle {
  ResidualBlock block_1;
  PixelAttention attn_1;
  ResidualBlock block_2;

  Middle(const nn::Scope& scope, int64_t channels, const BlockStyle& style)
      : block_1(scope / "block_1", channels, channels, style),
        attn_1(scope / "attn_1", channels, style),
        block_2(scope / "block_2", channels, channels, style) {}

  Tensor operator()(const Tensor& x) const { return block_2(attn_1(block_1(x))); }
};

struct Level {
  std::vector<ResidualBlock> blocks;
  std::optional<nn::Conv2d> resample;  ///< after the blocks: stride 2 going down, a 3×3 after nearest ×2 going up
};

/// One number per channel as [z, 1, 1] beside the latents. The copy does not wait for the device.
Tensor per_channel(const std::vector<double>& values, const Tensor& latents) {
  require(latents.dim() >= 3 && latents.size(-3) == static_cast<int64_t>(values.size()),
          "latents must be [..., {}, h, w], not {}", values.size(), fmt::join(latents.sizes(), "x"));
  return at::tensor(values, at::kFloat).reshape({-1, 1, 1}).to(latents.device(), at::kFloat, /*non_blocking=*/true);
}

}  // namespace

AutoencoderConfig AutoencoderConfig::without_scaling() const {
  AutoencoderConfig architecture = *this;
  architecture.scale_factor = 0;
  architecture.latent_shift.clear(), architecture.latent_scale.clear();
  return architecture;
}

Tensor scaled_latents(const AutoencoderConfig& config, const Tensor& latents) {
  if (!config.scales_channels()) return latents * config.scale_factor;
  return (latents - per_channel(config.latent_shift, latents)) * per_channel(config.latent_scale, latents);
}

Tensor unscaled_latents(const AutoencoderConfig& config, const Tensor& latents) {
  if (!config.scales_channels()) return latents / config.scale_factor;
  return latents / per_channel(config.latent_scale, latents) + per_channel(config.latent_shift, latents);
}

Tensor conditioning_latents(const AutoencoderConfig& config, const Tensor& mode) {
  return config.scales_channels() ? scaled_latents(config, mode) : mode;
}

Tensor signed_pictures(const AutoencoderConfig& config, const Tensor& pictures) {
  require(pictures.dim() >= 3 && pictures.size(-3) >= config.in_channels,
          "the autoencoder needs pictures of {} channels, these are {}", config.in_channels, fmt::join(pictures.sizes(), "x"));
  return pictures.narrow(-3, 0, config.in_channels) * 2 - 1;
}

struct AutoencoderEncoder::Implementation {
  AutoencoderConfig config;
  at::MemoryFormat layout;
  nn::Conv2d conv_in;
  std::vector<Level> down;
  std::optional<Middle> mid;
  nn::GroupNorm norm_out;
  nn::Conv2d conv_out, quant_conv;

  Implementation(const AutoencoderConfig& config, const nn::Scope& scope, at::MemoryFormat layout)
      : config(config), layout(layout) {
    check(config);
    const nn::Scope encoder = scope / "encoder";
    const BlockStyle style(config);
    const int64_t levels = static_cast<int64_t>(config.ch_mult.size());
    int64_t width = config.ch;
    conv_in = nn::Conv2d(encoder / "conv_in", config.in_channels * config.patch_size * config.patch_size, width, 3, 1, 1);
    for (int64_t i = 0; i < levels; ++i) {
      const nn::Scope names = encoder / "down" / i;
      Level level;
      for (int64_t b = 0; b < config.num_res_blocks; ++b) {
        const int64_t in = std::exchange(width, config.ch * config.ch_mult[i]);
        level.blocks.emplace_back(names / "block" / b, in, width, style);
      }
      if (i + 1 < levels) level.resample.emplace(names / "downsample" / "conv", width, width, 3, /*stride=*/2);
      down.push_back(std::move(level));
    }
    mid.emplace(encoder / "mid", width, style);
    norm_out = nn::GroupNorm(encoder / "norm_out", width, style.groups, norm_eps);
    conv_out = nn::Conv2d(encoder / "conv_out", width, 2 * config.z_channels, 3, 1, 1);
    quant_conv = nn::Conv2d(scope / "quant_conv", 2 * config.z_channels, 2 * config.z_channels, 1);
  }

  Tensor operator()(const Tensor& images) const {
    const Tensor patches = config.patch_size > 1 ? at::pixel_unshuffle(images, config.patch_size) : images;
    Tensor h = conv_in(patches.contiguous(layout));
    for (const Level& level : down) {
      for (const ResidualBlock& block : level.blocks) h = block(h);
      if (level.resample) h = (*level.resample)(at::constant_pad_nd(h, {0, 1, 0, 1}));  // right and bottom only
    }
    h = (*mid)(h);
    return quant_conv(conv_out(at::silu(norm_out(h)))).contiguous();
  }
};

AutoencoderEncoder::AutoencoderEncoder(const AutoencoderConfig& config, const nn::Scope& scope, at::MemoryFormat layout)
    : implementation_(std::make_unique<Implementation>(config, scope, layout)) {}
AutoencoderEncoder::~AutoencoderEncoder() = default;
AutoencoderEncoder::AutoencoderEncoder(AutoencoderEncoder&&) noexcept = default;

Tensor AutoencoderEncoder::moments(const Tensor& images) const {
  const AutoencoderConfig& config = implementation_->config;
  const int64_t factor = config.downsampling();
  require(
      images.dim() == 4 && images.size(1) == config.in_channels && images.size(2) % factor == 0 && images.size(3) % factor == 0,
      "autoencoder: images must be [B, {}, H, W] with sides that are multiples of {}, not {}", config.in_channels, factor,
      fmt::join(images.sizes(), "x"));
  return (*implementation_)(images);
}

Tensor AutoencoderEncoder::mode(const Tensor& images) const {
  return moments(images).narrow(1, 0, implementation_->config.z_channels);
}

struct AutoencoderDecoder::Implementation {
  AutoencoderConfig config;
  at::MemoryFormat layout;
  std::optional<nn::Conv2d> post_quant_conv;
  nn::Conv2d conv_in;
  std::optional<Middle> mid;
  std::vector<Level> up;  ///< in the order they run: the coarsest (the last of the checkpoint's up.N) first
  nn::GroupNorm norm_out;
  nn::Conv2d conv_out;

  Implementation(const AutoencoderConfig& config, const nn::Scope& scope, at::MemoryFormat layout)
      : config(config), layout(layout) {
    check(config);
    const nn::Scope decoder = scope / "decoder";
    const BlockStyle style(config);
    int64_t width = config.ch * config.ch_mult.back();
    if (config.post_quant_conv) post_quant_conv.emplace(scope / "post_quant_conv", config.z_channels, config.z_channels, 1);
    conv_in = nn::Conv2d(decoder / "conv_in", config.z_channels, width, 3, 1, 1);
    mid.emplace(decoder / "mid", width, style);
    for (int64_t i = static_cast<int64_t>(config.ch_mult.size()) - 1; i >= 0; --i) {
      const nn::Scope names = decoder / "up" / i;
      Level level;
      for (int64_t b = 0; b <= config.num_res_blocks; ++b) {  // one block more than the encoder has
        const int64_t in = std::exchange(width, config.ch * config.ch_mult[i]);
        level.blocks.emplace_back(names / "block" / b, in, width, style);
      }
      if (i > 0) level.resample.emplace(names / "upsample" / "conv", width, width, 3, 1, 1);
      up.push_back(std::move(level));
    }
    norm_out = nn::GroupNorm(decoder / "norm_out", width, style.groups, norm_eps);
    conv_out = nn::Conv2d(decoder / "conv_out", width, config.out_ch * config.patch_size * config.patch_size, 3, 1, 1);
  }

  Tensor operator()(const Tensor& latents) const {
    const Tensor quantised = post_quant_conv ? (*post_quant_conv)(latents) : latents;
    Tensor h = (*mid)(conv_in(quantised.contiguous(layout)));
    for (const Level& level : up) {
      for (const ResidualBlock& block : level.blocks) h = block(h);
      if (level.resample) h = (*level.resample)(at::upsample_nearest2d(h, {h.size(2) * 2, h.size(3) * 2}));
    }
    const Tensor images = conv_out(at::silu(norm_out(h)));
    return (config.patch_size > 1 ? at::pixel_shuffle(images, config.patch_size) : images).contiguous();
  }
};

AutoencoderDecoder::AutoencoderDecoder(const AutoencoderConfig& config, const nn::Scope& scope, at::MemoryFormat layout)
    : implementation_(std::make_unique<Implementation>(config, scope, layout)) {}
AutoencoderDecoder::~AutoencoderDecoder() = default;
AutoencoderDecoder::AutoencoderDecoder(AutoencoderDecoder&&) noexcept = default;

Tensor AutoencoderDecoder::operator()(const Tensor& latents, int64_t chunk) const {
  const int64_t channels = implementation_->config.z_channels;
  require(latents.dim() == 4 && latents.size(1) == channels, "autoencoder: latents must be [B, {}, h, w], not {}", channels,
          fmt::join(latents.sizes(), "x"));
  if (chunk <= 0 || latents.size(0) <= chunk) return (*implementation_)(latents);
  std::vector<Tensor> images;
  for (const Tensor& part : latents.split(chunk)) images.push_back((*implementation_)(part));
  return at::cat(images);
}

}  // namespace gsv3d
