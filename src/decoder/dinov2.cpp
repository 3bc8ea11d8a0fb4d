#include "decoder/dinov2.h"

#include <array>

#include "core/error.h"
#include "nn/layers.h"
#include "nn/recompute.h"

namespace gsv3d {
namespace {

constexpr double norm_eps = 1e-6;

/// x + gamma · branch(norm(x)), twice: self-attention, then an MLP with exact GELU.
struct Block {
  nn::LayerNorm norm1, norm2;
  nn::Linear qkv, proj, fc1, fc2;
  Tensor gamma1, gamma2;
  int64_t heads;

  Block(const nn::Scope& scope, int64_t width, int64_t heads, int64_t mlp_ratio)
      : norm1(scope / "norm1", width, norm_eps),
        norm2(scope / "norm2", width, norm_eps),
        qkv(scope / "attn" / "qkv", width, 3 * width),
        proj(scope / "attn" / "proj", width, width),
        fc1(scope / "mlp" / "fc1", width, mlp_ratio * width),
        fc2(scope / "mlp" / "fc2", mlp_ratio * width, width),
        gamma1((scope / "ls1").parameter("gamma", {width}, nn::Init::ones())),
        gamma2((scope / "ls2").parameter("gamma", {width}, nn::Init::ones())),
        heads(heads) {}

  Tensor operator()(const Tensor& x) const {
    const auto parts = qkv(norm1(x)).chunk(3, -1);
    const Tensor h = x + proj(nn::attention(parts[0], parts[1], parts[2], heads)) * gamma1;
    return h + fc2(at::gelu(fc1(norm2(h)))) * gamma2;
  }
};

}  // namespace

struct Dinov2::Implementation {
  Dinov2Config config;
  nn::Conv2d patch_embed;
  Tensor cls_token, pos_embed, register_tokens;
  std::vector<Block> blocks;
  nn::LayerNorm norm;

  Implementation(const Dinov2Config& config, const nn::Scope& scope) : config(config) {
    const int64_t width = config.embed_dim;
    require(config.patch_size > 0 && config.pretrain_image_size >= config.patch_size && config.num_heads > 0 &&
                width % config.num_heads == 0,
            "DINOv2: embed_dim must be a multiple of num_heads, and pretrain_image_size at least patch_size");
    const int64_t side = table_side();
    // Tokens start almost at zero, positions at 0.02, as the official training does.
    patch_embed = nn::Conv2d(scope / "patch_embed" / "proj", 3, width, config.patch_size, config.patch_size);
    cls_token = scope.parameter("cls_token", {1, 1, width}, nn::Init::normal(1e-6));
    pos_embed = scope.parameter("pos_embed", {1, 1 + side * side, width}, nn::Init::normal(0.02));
    if (config.num_register_tokens > 0)
      register_tokens = scope.parameter("register_tokens", {1, config.num_register_tokens, width}, nn::Init::normal(1e-6));
    for (int64_t i = 0; i < config.depth; ++i)
      blocks.emplace_back(scope / "blocks" / i, width, config.num_heads, config.mlp_ratio);
    norm = nn::LayerNorm(scope / "norm", width, norm_eps);
  }

  int64_t table_side() const { return config.pretrain_image_size / config.patch_size; }

  /// The patches' positions for a grid of rows × columns: [1, rows·columns, D]. The two model families were trained with
  /// different interpolations, and the wrong one moves the tokens by more than their own size: without registers the scale
  /// carries an offset of 0.1 (kept for compatibility by its authors); with registers it is exact and antialiased.
  Tensor patch_positions(int64_t rows, int64_t columns) const {
    const int64_t side = table_side();
    const Tensor table = pos_embed.narrow(1, 1, side * side);
    if (rows == side && columns == side) return table;
    const Tensor map = table.to(at::kFloat).transpose(1, 2).unflatten(2, {side, side});
    Tensor resized;
    if (config.num_register_tokens > 0) {
      resized = at::_upsample_bicubic2d_aa(map, {rows, columns}, /*align_corners=*/false);
    } else {
      const auto scale = [side](int64_t n) { return (static_cast<double>(n) + 0.1) / static_cast<double>(side); };
      resized = at::upsample_bicubic2d(map, {rows, columns}, /*align_corners=*/false, scale(rows), scale(columns));
    }
    return resized.flatten(2).transpose(1, 2).to(table.scalar_type());
  }

  Tensor embed(const Tensor& images) const {
    const int64_t batch = images.size(0), width = config.embed_dim;
    const Tensor patches = patch_embed(images).flatten(2).transpose(1, 2) +
                           patch_positions(images.size(2) / config.patch_size, images.size(3) / config.patch_size);
    const Tensor class_token = cls_token + pos_embed.narrow(1, 0, 1);
    // Registers have no position.
    const Tensor first = register_tokens.defined() ? at::cat({class_token, register_tokens}, 1) : class_token;
    return at::cat({first.expand({batch, first.size(1), width}), patches}, 1);
  }
};

Tensor dinov2_preprocess(const Tensor& images, int64_t image_size) {
  require(images.dim() == 4 && images.size(1) == 3 && image_size > 0, "DINOv2 input: images must be [B, 3, H, W]");
  Tensor input = images.to(at::kFloat);
  if (input.size(2) != image_size || input.size(3) != image_size) {
    // Clamped because the training's resize worked on 8-bit pictures, which cannot overshoot.
    input = at::_upsample_bicubic2d_aa(input, {image_size, image_size}, /*align_corners=*/false).clamp(0, 1);
  }
  // Numbers, not tensors: copying those to a GPU would wait for it.
  constexpr std::array<float, 3> mean = {0.485f, 0.456f, 0.406f}, deviation = {0.229f, 0.224f, 0.225f};
  std::vector<Tensor> channels = input.split(1, 1);
  for (size_t i = 0; i < 3; ++i) channels[i] = (channels[i] - mean[i]) / deviation[i];
  return at::cat(channels, 1);
}

Dinov2::Dinov2(const Dinov2Config& config, const nn::Scope& scope)
    : implementation_(std::make_unique<Implementation>(config, scope)) {}
Dinov2::~Dinov2() = default;
Dinov2::Dinov2(Dinov2&&) noexcept = default;

Dinov2::Output Dinov2::operator()(const Tensor& images, int64_t keep_last) const {
  const Implementation& network = *implementation_;
  const int64_t patch = network.config.patch_size, registers = network.config.num_register_tokens;
  require(images.dim() == 4 && images.size(1) == 3 && images.size(2) % patch == 0 && images.size(3) % patch == 0 &&
              images.numel() > 0,
          "DINOv2: images must be [B, 3, H, W] with sides that are multiples of {}, not {}", patch,
          fmt::join(images.sizes(), "x"));
  Output output;
  output.embedded = network.embed(images);
  Tensor x = output.embedded;
  for (size_t i = 0; i < network.blocks.size(); ++i) {
    x = nn::maybe_recomputed(network.blocks[i], x);
    if (static_cast<int64_t>(network.blocks.size() - i) <= keep_last) output.last_blocks.push_back(x);
  }
  output.prenorm = x;
  const Tensor normed = network.norm(x);
  output.class_token = normed.select(1, 0);
  output.register_tokens = normed.narrow(1, 1, registers);
  output.patch_tokens = normed.narrow(1, 1 + registers, normed.size(1) - 1 - registers);
  return output;
}

}  // namespace gsv3d
