#include "diffusion/unet_layout.h"

#include <algorithm>

#include "core/error.h"
#include "diffusion/reuse_memory.h"

namespace gsv3d {
namespace {

/// Stages at either end that run even where the features between them are reused.
constexpr size_t outer_stages = 1;

/// The plans of all stages.
struct Layout {
  const UNetConfig& config;
  const FrameLayers& frames;

  StagePlan::Res res(const std::string& path, int64_t in, int64_t out) const {
    return {path, {in, out, config.embedding_channels(), config.norm_groups, frames.temporal}};
  }
  StagePlan::Transformer transformer(const std::string& path, int64_t width) const {
    return {path, {width, config.context_dim, config.num_head_channels, config.transformer_depth, config.norm_groups, frames}};
  }
  bool attends(int64_t shrink) const {
    return std::find(config.attention_resolutions.begin(), config.attention_resolutions.end(), shrink) !=
           config.attention_resolutions.end();
  }
  std::vector<StagePlan> down(std::vector<int64_t>& skip_widths) const;
  std::vector<StagePlan> middle(int64_t width) const;
  std::vector<StagePlan> up(std::vector<int64_t> skips) const;
};

/// Fills in what each stage's output, a skip connection, is wide.
std::vector<StagePlan> Layout::down(std::vector<int64_t>& skip_widths) const {
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

std::vector<StagePlan> Layout::middle(int64_t width) const {
  std::vector<StagePlan> plans;
  for (const char* name : {"middle_block.0", "middle_block.1", "middle_block.2"}) plans.push_back({name, {}, {}, {}, {}});
  plans[0].res_block = res(plans[0].name, width, width);
  plans[1].transformer = transformer(plans[1].name, width);
  plans[2].res_block = res(plans[2].name, width, width);
  return plans;
}

std::vector<StagePlan> Layout::up(std::vector<int64_t> skips) const {
  std::vector<StagePlan> plans;
  int64_t shrink = config.downsampling(), width = skips.back();
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

void check(const UNetConfig& config) {
  require(!config.channel_mult.empty() && config.num_res_blocks > 0, "unet: channel_mult and num_res_blocks must not be empty");
  require(config.model_channels > 0 && config.model_channels % 2 == 0, "unet.model_channels must be even, found {}",
          config.model_channels);
}

}  // namespace

UNetEmbedding::UNetEmbedding(const nn::Scope& scope, int64_t inputs, int64_t width)
    : in(scope / 0, inputs, width), out(scope / 2, width, width) {}

Tensor UNetEmbedding::operator()(const Tensor& x) const {
  return out(silu_reusing(in(x)));
}

UNetStages::UNetStages(const UNetConfig& config, const FrameLayers& frames, const nn::Scope& scope,
                       const std::optional<nn::Streaming>& streaming) {
  check(config);
  const auto build = [&](std::vector<UNetStage>& stages, std::vector<StagePlan> plans) {
    stages.reserve(plans.size());
    for (StagePlan& plan : plans) stages.emplace_back(std::move(plan), scope, streaming);
  };
  const Layout layout{config, frames};
  std::vector<int64_t> skip_widths;
  build(input_blocks_, layout.down(skip_widths));
  build(middle_blocks_, layout.middle(skip_widths.back()));
  build(output_blocks_, layout.up(skip_widths));
}

Tensor UNetStages::operator()(const Tensor& input, const FrameBatch& batch) const {
  UNetMemory* memory = batch.memory;
  const bool keeps = memory && memory->deep != DeepFeatures::compute;
  const bool reuses = keeps && memory->deep == DeepFeatures::reuse && memory->deep_features.defined();
  const size_t down = reuses ? outer_stages : input_blocks_.size(), last_deep = output_blocks_.size() - outer_stages;
  std::vector<Tensor> skips;
  Tensor x = input;
  for (size_t i = 0; i < down; ++i) skips.push_back(x = input_blocks_[i](x, batch));
  if (reuses) {
    x = memory->deep_features;
  } else {
    for (const UNetStage& stage : middle_blocks_) x = stage(std::move(x), batch);
  }
  for (size_t i = reuses ? last_deep : 0; i < output_blocks_.size(); ++i) {
    if (i == last_deep && keeps) memory->deep_features = x;
    x = at::cat({x, skips.back()}, 1);
    skips.pop_back();
    x = output_blocks_[i](std::move(x), batch);
  }
  return x;
}

}  // namespace gsv3d
