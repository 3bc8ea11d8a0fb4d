#include "diffusion/video_unet.h"

#include <optional>

#include "core/error.h"
#include "diffusion/frame_batch.h"
#include "diffusion/reuse_memory.h"
#include "diffusion/unet_layout.h"
#include "nn/layers.h"

namespace gsv3d {

struct VideoUNet::Implementation {
  VideoUNetConfig config;
  UNetStages stages;
  UNetEmbedding time_embed, label_emb;
  nn::GroupNorm out_norm;
  nn::Conv2d out_convolution;

  /// `resident` is where the layers outside of the stages find their weights.
  Implementation(const VideoUNetConfig& config, const nn::Scope& scope, const nn::Scope& resident,
                 const std::optional<nn::Streaming>& streaming)
      : config(config),
        stages(config, {true, config.joint_attention}, scope, streaming),
        time_embed(resident / "time_embed", config.model_channels, config.embedding_channels()),
        label_emb(resident / "label_emb" / 0, config.adm_in_channels, config.embedding_channels()),
        out_norm(resident / "out" / 0, config.top_width(), config.norm_groups),
        out_convolution(resident / "out" / 2, config.top_width(), config.out_channels, 3, 1, 1, /*with_bias=*/true,
                        /*zero_init=*/true) {}

  void check(const Input& input) const;
  FrameBatch frame_batch(const Input& input, NamedTensors* activations) const;
};

void VideoUNet::Implementation::check(const Input& input) const {
  const auto shape = [](const Tensor& x) { return fmt::format("[{}]", fmt::join(x.sizes(), ", ")); };
  const Tensor& x = input.x;
  require(x.dim() == 4 && x.size(1) == config.in_channels, "unet: x must be [B*F, {}, h, w], found {}", config.in_channels,
          shape(x));
  require(input.frames > 0 && x.size(0) % input.frames == 0, "unet: {} rows are not whole clips of {} frames", x.size(0),
          input.frames);
  require(x.size(2) % config.downsampling() == 0 && x.size(3) % config.downsampling() == 0,
          "unet: latent size {} x {} is not a multiple of {}", x.size(2), x.size(3), config.downsampling());
  require(input.timesteps.dim() == 1 && input.timesteps.size(0) == x.size(0), "unet: timesteps must be [{}], found {}", x.size(0),
          shape(input.timesteps));
  require(input.y.dim() == 2 && input.y.size(0) == x.size(0) && input.y.size(1) == config.adm_in_channels,
          "unet: y must be [{}, {}], found {}", x.size(0), config.adm_in_channels, shape(input.y));
  const Tensor& context = input.context;
  require(context.dim() == 3 && (context.size(0) == x.size(0) || context.size(0) == x.size(0) / input.frames) &&
              context.size(1) > 0 && context.size(2) == config.context_dim,
          "unet: context must be [{} or {}, tokens, {}], found {}", x.size(0), x.size(0) / input.frames, config.context_dim,
          shape(context));
  const Tensor& image_only = input.image_only_indicator;
  require(!image_only.defined() || (image_only.dim() == 2 && image_only.size(0) * image_only.size(1) == x.size(0)),
          "unet: image_only_indicator must be [B, F]");
}

FrameBatch VideoUNet::Implementation::frame_batch(const Input& input, NamedTensors* activations) const {
  FrameBatch batch;
  batch.frames = input.frames;
  batch.clips = input.x.size(0) / input.frames;
  batch.activations = activations;
  batch.memory = input.memory;
  const Tensor time = time_embed(nn::sinusoidal_embedding(input.timesteps, config.model_channels)),
               label = batch.once("label_emb", [&] { return label_emb(input.y); });
  batch.record("time_embed", time), batch.record("label_emb", label);
  batch.embedding = silu_reusing(at::add(time, label));
  batch.context = input.context;
  batch.time_context =
      input.context.size(0) == batch.clips ? input.context : input.context.unflatten(0, {batch.clips, batch.frames}).select(1, 0);
  if (input.image_only_indicator.defined()) batch.image_only = input.image_only_indicator.to(at::kBool);
  return batch;
}

VideoUNet::VideoUNet(const VideoUNetConfig& config, const nn::Scope& scope)
    : implementation_(std::make_unique<Implementation>(config, scope, scope, std::nullopt)) {}
VideoUNet::VideoUNet(const VideoUNetConfig& config, const nn::Scope& scope, const nn::Streaming& streaming) {
  const nn::Streaming kept = {streaming.dtype, streaming.device, nullptr};
  const nn::Scope resident(nn::ParameterStore::copies_of(scope.shared_store(), kept), scope.name());
  implementation_ = std::make_unique<Implementation>(config, scope, resident, streaming);
}
VideoUNet::~VideoUNet() = default;
VideoUNet::VideoUNet(VideoUNet&&) noexcept = default;

Tensor VideoUNet::operator()(const Input& input, NamedTensors* activations) const {
  const Implementation& net = *implementation_;
  net.check(input);
  const FrameBatch batch = net.frame_batch(input, activations);
  return net.out_convolution(silu_reusing(net.out_norm(net.stages(input.x, batch))));
}

}  // namespace gsv3d
