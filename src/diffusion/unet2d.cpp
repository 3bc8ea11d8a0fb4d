#include "diffusion/unet2d.h"

#include <optional>

#include "core/error.h"
#include "diffusion/frame_batch.h"
#include "diffusion/reuse_memory.h"
#include "diffusion/unet_layout.h"
#include "nn/layers.h"

namespace gsv3d {

struct UNet2D::Implementation {
  UNet2DConfig config;
  UNetStages stages;
  UNetEmbedding time_embed;
  nn::GroupNorm out_norm;
  nn::Conv2d out_convolution;

  /// `resident` is where the layers outside of the stages find their weights.
  Implementation(const UNet2DConfig& config, const nn::Scope& scope, const nn::Scope& resident,
                 const std::optional<nn::Streaming>& streaming)
      : config(config),
        stages(config, {.temporal = false}, scope, streaming),
        time_embed(resident / "time_embed", config.model_channels, config.embedding_channels()),
        out_norm(resident / "out" / 0, config.top_width(), config.norm_groups),
        out_convolution(resident / "out" / 2, config.top_width(), config.out_channels, 3, 1, 1, /*with_bias=*/true,
                        /*zero_init=*/true) {}

  void check(const Input& input) const {
    const auto shape = [](const Tensor& x) { return fmt::format("[{}]", fmt::join(x.sizes(), ", ")); };
    const Tensor& x = input.x;
    require(x.dim() == 4 && x.size(1) == config.in_channels, "unet: x must be [B, {}, h, w], found {}", config.in_channels,
            shape(x));
    require(x.size(2) % config.downsampling() == 0 && x.size(3) % config.downsampling() == 0,
            "unet: latent size {} x {} is not a multiple of {}", x.size(2), x.size(3), config.downsampling());
    require(input.timesteps.dim() == 1 && input.timesteps.size(0) == x.size(0), "unet: timesteps must be [{}], found {}",
            x.size(0), shape(input.timesteps));
    const Tensor& context = input.context;
    require(context.dim() == 3 && context.size(0) == x.size(0) && context.size(1) > 0 && context.size(2) == config.context_dim,
            "unet: context must be [{}, tokens, {}], found {}", x.size(0), config.context_dim, shape(context));
  }
};

UNet2D::UNet2D(const UNet2DConfig& config, const nn::Scope& scope)
    : implementation_(std::make_unique<Implementation>(config, scope, scope, std::nullopt)) {}
UNet2D::UNet2D(const UNet2DConfig& config, const nn::Scope& scope, const nn::Streaming& streaming) {
  const nn::Streaming kept = {streaming.dtype, streaming.device, nullptr};
  const nn::Scope resident(nn::ParameterStore::copies_of(scope.shared_store(), kept), scope.name());
  implementation_ = std::make_unique<Implementation>(config, scope, resident, streaming);
}
UNet2D::~UNet2D() = default;
UNet2D::UNet2D(UNet2D&&) noexcept = default;

Tensor UNet2D::operator()(const Input& input, NamedTensors* activations) const {
  const Implementation& net = *implementation_;
  net.check(input);
  FrameBatch batch;
  batch.clips = input.x.size(0);
  batch.activations = activations;
  batch.memory = input.memory;
  const Tensor time = net.time_embed(nn::sinusoidal_embedding(input.timesteps, net.config.model_channels));
  batch.record("time_embed", time);
  batch.embedding = at::silu(time);
  batch.context = input.context;
  return net.out_convolution(silu_reusing(net.out_norm(net.stages(input.x, batch))));
}

}  // namespace gsv3d
