#include "diffusion/video_unet.h"

#include <algorithm>
#include <optional>

#include "core/error.h"
#include "diffusion/frame_batch.h"
#include "diffusion/reuse_memory.h"
#include "diffusion/unet_stage.h"
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

}  // namespace

struct VideoUNet::Implementation {
  VideoUNetConfig config;
  int64_t embedding_channels;
  Embedding time_embed, label_emb;
  std::vector<UNetStage> input_blocks, middle_blocks, output_blocks;
  nn::GroupNorm out_norm;
  nn::Conv2d out_convolution;

  /// `resident` is where the layers outside of the stages find their weights.
  Implementation(const VideoUNetConfig& given, const nn::Scope& scope, const nn::Scope& resident,
                 const std::optional<nn::Streaming>& streaming)
      : config(checked(given)),
        embedding_channels(4 * config.model_channels),
        time_embed(resident / "time_embed", config.model_channels, embedding_channels),
        label_emb(resident / "label_emb" / 0, config.adm_in_channels, embedding_channels),
        out_norm(resident / "out" / 0, config.model_channels * config.channel_mult.front(), config.norm_groups),
        out_convolution(resident / "out" / 2, config.model_channels * config.channel_mult.front(), config.out_channels, 3, 1, 1,
                        /*with_bias=*/true, /*zero_init=*/true) {
    const auto build = [&](std::vector<UNetStage>& stages, std::vector<StagePlan> plans) {
      stages.reserve(plans.size());
      for (StagePlan& plan : plans) stages.emplace_back(std::move(plan), scope, streaming);
    };
    std::vector<int64_t> skip_widths;
    build(input_blocks, plan_down(skip_widths));
    build(middle_blocks, plan_middle(skip_widths.back()));
    build(output_blocks, plan_up(skip_widths));
  }

  static const VideoUNetConfig& checked(const VideoUNetConfig& config) {
    require(!config.channel_mult.empty() && config.num_res_blocks > 0, "unet: channel_mult and num_res_blocks must not be empty");
    require(config.model_channels > 0 && config.model_channels % 2 == 0, "unet.model_channels must be even, found {}",
            config.model_channels);
    return config;
  }

  StagePlan::Res res(const std::string& path, int64_t in, int64_t out) const {
    return {path, {in, out, embedding_channels, config.norm_groups}};
  }
  StagePlan::Transformer transformer(const std::string& path, int64_t width) const {
    return {path,
            {width, config.context_dim, config.num_head_channels, config.transformer_depth, config.norm_groups,
             config.joint_attention}};
  }
  bool attends(int64_t shrink) const {
    return std::find(config.attention_resolutions.begin(), config.attention_resolutions.end(), shrink) !=
           config.attention_resolutions.end();
  }
  int64_t downsampling() const { return int64_t{1} << (config.channel_mult.size() - 1); }

  /// Fills in what each stage's output, a skip connection, is wide.
  std::vector<StagePlan> plan_down(std::vector<int64_t>& skip_widths) const {
    std::vector<StagePlan> plans;
    int64_t width = config.model_channels, shrink = 1;
    const auto next = [&](int64_t out) -> StagePlan& {
      skip_widths.push_back(out);
      const std::string name = "input_blocks." + std::to_string(plans.size());
      return plans.emplace_back(StagePlan{name, {}, {}, {}, {}});
    };
    StagePlan& first = next(width);
    first.convolution = {first.name + ".0", config.in_channels, width, 1};
    for (size_t level = 0; level < config.channel_mult.size(); ++level) {
      const int64_t level_width = config.channel_mult[level] * config.model_channels;
      for (int64_t i = 0; i < config.num_res_blocks; ++i) {
        StagePlan& stage = next(level_width);
        stage.res_block = res(stage.name + ".0", width, level_width);
        width = level_width;
        if (attends(shrink)) stage.transformer = transformer(stage.name + ".1", width);
      }
      if (level + 1 == config.channel_mult.size()) break;
      StagePlan& down = next(width);
      down.convolution = {down.name + ".0.op", width, width, /*stride=*/2};
      shrink *= 2;
    }
    return plans;
  }

  std::vector<StagePlan> plan_middle(int64_t width) const {
    std::vector<StagePlan> plans;
    for (const char* name : {"middle_block.0", "middle_block.1", "middle_block.2"}) plans.push_back({name, {}, {}, {}, {}});
    plans[0].res_block = res(plans[0].name, width, width);
    plans[1].transformer = transformer(plans[1].name, width);
    plans[2].res_block = res(plans[2].name, width, width);
    return plans;
  }

  std::vector<StagePlan> plan_up(std::vector<int64_t> skips) const {
    std::vector<StagePlan> plans;
    int64_t shrink = downsampling(), width = skips.back();
    for (size_t level = config.channel_mult.size(); level-- > 0;) {
      const int64_t level_width = config.channel_mult[level] * config.model_channels;
      for (int64_t i = 0; i <= config.num_res_blocks; ++i) {
        StagePlan& stage = plans.emplace_back(StagePlan{"output_blocks." + std::to_string(plans.size()), {}, {}, {}, {}});
        stage.res_block = res(stage.name + ".0", width + skips.back(), level_width);
        skips.pop_back();
        width = level_width;
        if (attends(shrink)) stage.transformer = transformer(stage.name + ".1", width);
        if (level > 0 && i == config.num_res_blocks) {
          stage.upsampler = {stage.name + (stage.transformer ? ".2" : ".1") + ".conv", width, width, 1};
          shrink /= 2;
        }
      }
    }
    return plans;
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
  for (const UNetStage& stage : middle_blocks) x = stage(std::move(x), batch);
  return x;
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
