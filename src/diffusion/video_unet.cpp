#include "diffusion/video_unet.h"

#include <algorithm>
#include <optional>

#include "core/error.h"
#include "diffusion/frame_batch.h"
#include "diffusion/reuse_memory.h"
#include "diffusion/video_res_block.h"
#include "diffusion/video_transformer.h"
#include "nn/layers.h"

namespace gsv3d {
namespace {

/// Stages at either end that run even where the features between them are reused.
constexpr size_t outer_stages = 1;

/// Linear, SiLU, Linear.
struct Embedding {
  nn::Linear in, out;
  Embedding(const nn::Scope& scope, int64_t inputs, int64_t width) : in(scope / 0, inputs, width), out(scope / 2, width, width) {}
  Tensor operator()(const Tensor& x) const { return out(silu_reusing(in(x))); }
};

/// One entry of input_blocks or output_blocks: the parts it has run in this order.
struct Stage {
  std::string name;
  std::optional<nn::Conv2d> convolution;  // the first stage, or a downsampler
  std::optional<VideoResBlock> res_block;
  std::optional<VideoTransformer> transformer;
  std::optional<nn::Conv2d> upsampler;

  Tensor operator()(Tensor x, const FrameBatch& batch) const {
    if (convolution) x = (*convolution)(x);
    if (res_block) x = (*res_block)(x, batch);
    if (transformer) x = (*transformer)(x, batch);
    if (upsampler) x = (*upsampler)(at::upsample_nearest2d(x, {2 * x.size(2), 2 * x.size(3)}));
    batch.record(name, x);
    return x;
  }
};

}  // namespace

struct VideoUNet::Implementation {
  VideoUNetConfig config;
  int64_t embedding_channels;
  Embedding time_embed, label_emb;
  std::vector<Stage> input_blocks, output_blocks;
  std::vector<int64_t> skip_widths;
  std::optional<VideoResBlock> middle_first, middle_last;
  std::optional<VideoTransformer> middle_transformer;
  nn::GroupNorm out_norm;
  nn::Conv2d out_convolution;

  Implementation(const VideoUNetConfig& given, const nn::Scope& scope)
      : config(checked(given)),
        embedding_channels(4 * config.model_channels),
        time_embed(scope / "time_embed", config.model_channels, embedding_channels),
        label_emb(scope / "label_emb" / 0, config.adm_in_channels, embedding_channels),
        out_norm(scope / "out" / 0, config.model_channels * config.channel_mult.front(), config.norm_groups),
        out_convolution(scope / "out" / 2, config.model_channels * config.channel_mult.front(), config.out_channels, 3, 1, 1,
                        /*with_bias=*/true, /*zero_init=*/true) {
    const int64_t width = build_down(scope / "input_blocks");
    const nn::Scope middle = scope / "middle_block";
    middle_first.emplace(middle / 0, res_widths(width, width));
    middle_transformer.emplace(middle / 1, transformer_widths(width));
    middle_last.emplace(middle / 2, res_widths(width, width));
    build_up(scope / "output_blocks", width);
  }

  static const VideoUNetConfig& checked(const VideoUNetConfig& config) {
    require(!config.channel_mult.empty() && config.num_res_blocks > 0, "unet: channel_mult and num_res_blocks must not be empty");
    require(config.model_channels > 0 && config.model_channels % 2 == 0, "unet.model_channels must be even, found {}",
            config.model_channels);
    return config;
  }

  VideoResBlock::Widths res_widths(int64_t in, int64_t out) const { return {in, out, embedding_channels, config.norm_groups}; }
  TransformerWidths transformer_widths(int64_t width) const {
    return {width, config.context_dim, config.num_head_channels, config.transformer_depth, config.norm_groups};
  }
  bool attends(int64_t shrink) const {
    return std::find(config.attention_resolutions.begin(), config.attention_resolutions.end(), shrink) !=
           config.attention_resolutions.end();
  }
  int64_t downsampling() const { return int64_t{1} << (config.channel_mult.size() - 1); }

  /// Returns the width at the bottom.
  int64_t build_down(const nn::Scope& scope) {
    int64_t width = config.model_channels, shrink = 1;
    const auto next = [&]() -> Stage& {
      Stage& stage = input_blocks.emplace_back();
      stage.name = (scope / static_cast<int64_t>(input_blocks.size() - 1)).name();
      return stage;
    };
    const auto here = [&] { return scope / static_cast<int64_t>(input_blocks.size() - 1); };
    next().convolution.emplace(scope / 0 / 0, config.in_channels, width, 3, 1, 1);
    skip_widths.push_back(width);
    for (size_t level = 0; level < config.channel_mult.size(); ++level) {
      const int64_t level_width = config.channel_mult[level] * config.model_channels;
      for (int64_t i = 0; i < config.num_res_blocks; ++i) {
        Stage& stage = next();
        stage.res_block.emplace(here() / 0, res_widths(width, level_width));
        width = level_width;
        if (attends(shrink)) stage.transformer.emplace(here() / 1, transformer_widths(width));
        skip_widths.push_back(width);
      }
      if (level + 1 == config.channel_mult.size()) break;
      next().convolution.emplace(here() / 0 / "op", width, width, 3, /*stride=*/2, 1);
      skip_widths.push_back(width);
      shrink *= 2;
    }
    return width;
  }

  void build_up(const nn::Scope& scope, int64_t width) {
    int64_t shrink = downsampling();
    auto skips = skip_widths;
    for (size_t level = config.channel_mult.size(); level-- > 0;) {
      const int64_t level_width = config.channel_mult[level] * config.model_channels;
      for (int64_t i = 0; i <= config.num_res_blocks; ++i) {
        const nn::Scope here = scope / static_cast<int64_t>(output_blocks.size());
        Stage& stage = output_blocks.emplace_back();
        stage.name = here.name();
        stage.res_block.emplace(here / 0, res_widths(width + skips.back(), level_width));
        skips.pop_back();
        width = level_width;
        if (attends(shrink)) stage.transformer.emplace(here / 1, transformer_widths(width));
        if (level > 0 && i == config.num_res_blocks) {
          stage.upsampler.emplace(here / (stage.transformer ? 2 : 1) / "conv", width, width, 3, 1, 1);
          shrink /= 2;
        }
      }
    }
  }

  void check(const Input& input) const;
  FrameBatch frame_batch(const Input& input, NamedTensors* activations) const;
  Tensor middle(Tensor x, const FrameBatch& batch) const;
};

void VideoUNet::Implementation::check(const Input& input) const {
  const auto shape = [](const Tensor& x) { return fmt::format("[{}]", fmt::join(x.sizes(), ", ")); };
  const Tensor& x = input.x;
  require(x.dim() == 4 && x.size(1) == config.in_channels, "unet: x must be [B*F, {}, h, w], found {}", config.in_channels,
          shape(x));
  require(input.frames > 0 && x.size(0) % input.frames == 0, "unet: {} rows are not whole clips of {} frames", x.size(0),
          input.frames);
  require(x.size(2) % downsampling() == 0 && x.size(3) % downsampling() == 0, "unet: latent size {} x {} is not a multiple of {}",
          x.size(2), x.size(3), downsampling());
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

Tensor VideoUNet::Implementation::middle(Tensor x, const FrameBatch& batch) const {
  x = (*middle_first)(x, batch);
  x = (*middle_transformer)(x, batch);
  batch.record("middle_block.1", x);
  return (*middle_last)(x, batch);
}

VideoUNet::VideoUNet(const VideoUNetConfig& config, const nn::Scope& scope)
    : implementation_(std::make_unique<Implementation>(config, scope)) {}
VideoUNet::~VideoUNet() = default;
VideoUNet::VideoUNet(VideoUNet&&) noexcept = default;

Tensor VideoUNet::operator()(const Input& input, NamedTensors* activations) const {
  const Implementation& net = *implementation_;
  net.check(input);
  const FrameBatch batch = net.frame_batch(input, activations);

  const bool keeps = input.memory && input.memory->deep != DeepFeatures::compute;
  const bool reuses = keeps && input.memory->deep == DeepFeatures::reuse && input.memory->deep_features.defined();
  const size_t down = reuses ? outer_stages : net.input_blocks.size(), last_deep = net.output_blocks.size() - outer_stages;
  std::vector<Tensor> skips;
  Tensor x = input.x;
  for (size_t i = 0; i < down; ++i) skips.push_back(x = net.input_blocks[i](x, batch));
  x = reuses ? input.memory->deep_features : net.middle(x, batch);
  for (size_t i = reuses ? last_deep : 0; i < net.output_blocks.size(); ++i) {
    if (i == last_deep && keeps) input.memory->deep_features = x;
    x = at::cat({x, skips.back()}, 1);
    skips.pop_back();
    x = net.output_blocks[i](std::move(x), batch);
  }
  return net.out_convolution(silu_reusing(net.out_norm(x)));
}

}  // namespace gsv3d
