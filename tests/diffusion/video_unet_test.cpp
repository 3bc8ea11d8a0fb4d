#include "diffusion/video_unet.h"

#include <c10/core/GradMode.h>

#include <map>

#include "core/device.h"
#include "core/error.h"
#include "goldens.h"
#include "unet_toy.h"

namespace gsv3d {
namespace {

using testing::expect_close;
using testing::toy_unet_input;
using testing::ToyUNet;

/// Float32 through some 40 layers; measured differences between equivalent forms are below 2e-6.
constexpr double kRounding = 1e-5;

TEST(VideoUNet, SingleTokenShortcutEqualsAttention) {
  const c10::NoGradGuard no_grad;
  const ToyUNet toy;
  const VideoUNet::Input one = toy_unet_input(2, 3);
  VideoUNet::Input two = one;
  two.context = at::cat({one.context, one.context}, 1);  // attention over equal tokens gives that token, by way of query and key
  expect_close((*toy.unet)(two), (*toy.unet)(one), kRounding, "two equal tokens");
  two.context = at::cat({one.context, -one.context}, 1);
  EXPECT_GT(((*toy.unet)(two) - (*toy.unet)(one)).abs().max().item<double>(), 1e-3);
}

TEST(VideoUNet, ContextPerClipEqualsContextPerFrame) {
  const c10::NoGradGuard no_grad;
  const ToyUNet toy;
  for (const int64_t tokens : {1, 3}) {
    const VideoUNet::Input per_clip = toy_unet_input(2, 3, tokens);
    VideoUNet::Input per_frame = per_clip;
    per_frame.context = per_clip.context.repeat_interleave(3, 0);
    expect_close((*toy.unet)(per_frame), (*toy.unet)(per_clip), kRounding, std::to_string(tokens) + " tokens");
  }
}

TEST(VideoUNet, ClipsDoNotSeeEachOther) {
  const c10::NoGradGuard no_grad;
  const ToyUNet toy;
  const VideoUNet::Input both = toy_unet_input(2, 3);
  VideoUNet::Input second = both;
  second.x = both.x.slice(0, 3), second.timesteps = both.timesteps.slice(0, 3), second.y = both.y.slice(0, 3);
  second.context = both.context.slice(0, 1);
  expect_close((*toy.unet)(second), (*toy.unet)(both).slice(0, 3), kRounding, "clip alone");
}

TEST(VideoUNet, ImageOnlyFramesAreIndependent) {
  const c10::NoGradGuard no_grad;
  const ToyUNet toy;
  VideoUNet::Input input = toy_unet_input(1, 3);
  VideoUNet::Input changed = input;
  changed.x = input.x.clone();
  changed.x[2].mul_(2);
  const auto first_frame_moves = [&] { return ((*toy.unet)(input)[0] - (*toy.unet)(changed)[0]).abs().max().item<double>(); };
  EXPECT_GT(first_frame_moves(), 1e-3);
  input.image_only_indicator = changed.image_only_indicator = at::ones({1, 3});
  EXPECT_EQ(first_frame_moves(), 0);
}

TEST(VideoUNet, OneFrameClips) {
  const c10::NoGradGuard no_grad;
  const ToyUNet toy;
  VideoUNet::Input input = toy_unet_input(2, 1);
  const Tensor x = input.x.clone();
  const Tensor first = (*toy.unet)(input);
  EXPECT_TRUE(at::equal(input.x, x)) << "the input was changed in place";
  EXPECT_TRUE(at::equal((*toy.unet)(input), first));
}

/// Without gradients memory is reused in place; with them nothing may be. Both must give the same numbers.
TEST(VideoUNet, ReusingMemoryChangesNothing) {
  const ToyUNet toy;
  for (const int64_t frames : {1, 3}) {
    const VideoUNet::Input input = toy_unet_input(2, frames, 2);
    Tensor reused;
    {
      const c10::NoGradGuard no_grad;
      reused = (*toy.unet)(input);
    }
    toy.store->set_requires_grad(true);
    const Tensor tracked = (*toy.unet)(input);
    EXPECT_TRUE(tracked.requires_grad());
    expect_close(tracked, reused, kRounding, std::to_string(frames) + " frames");
    toy.store->set_requires_grad(false);
  }
}

TEST(VideoUNet, GradientsMatchFiniteDifferences) {
  const ToyUNet toy;
  const VideoUNet::Input input = toy_unet_input(2, 3, 2);
  const Tensor weights = randn({6, 2, 4, 6}, make_generator(5));
  const auto loss = [&] { return ((*toy.unet)(input)*weights).mean(); };
  toy.store->set_requires_grad(true);
  loss().backward();
  for (const auto& [name, parameter] : toy.store->parameters()) {
    ASSERT_TRUE(parameter.grad().defined()) << name;
    ASSERT_TRUE(at::isfinite(parameter.grad()).all().item<bool>()) << name;
    EXPECT_GT(parameter.grad().abs().max().item<double>(), 0) << name;
  }
  const c10::NoGradGuard no_grad;
  for (const char* name :
       {"input_blocks.0.0.weight", "time_embed.0.weight", "label_emb.0.2.bias", "input_blocks.1.0.time_stack.in_layers.2.weight",
        "input_blocks.1.0.time_mixer.mix_factor", "input_blocks.1.1.time_stack.0.attn1.to_q.weight",
        "middle_block.1.time_pos_embed.2.weight", "middle_block.1.time_stack.0.attn2.to_k.weight",
        "output_blocks.1.1.transformer_blocks.0.ff.net.0.proj.weight"}) {
    Tensor parameter = toy.store->parameters().at(name);
    const Tensor original = parameter.detach().clone(), gradient = parameter.grad();
    const double norm = gradient.norm().item<double>();
    const double step = 3e-2 * std::max(1.0, original.norm().item<double>());
    const auto at_distance = [&](double distance) {
      parameter.copy_(original + gradient * (distance / norm));
      return loss().item<double>();
    };
    const double slope = (at_distance(step) - at_distance(-step)) / (2 * step);
    parameter.copy_(original);
    // The third derivative over a step of 3 % and float32 rounding of the loss leave a few percent.
    EXPECT_NEAR(slope / norm, 1.0, 0.05) << name << " (norm " << norm << ")";
  }
}

TEST(VideoUNet, SingleTokenLeavesOutWhatHasNoGradient) {
  const ToyUNet toy;
  toy.store->set_requires_grad(true);
  (*toy.unet)(toy_unet_input(1, 3)).square().mean().backward();
  for (const auto& [name, parameter] : toy.store->parameters()) {
    const bool unused = name.find("attn2.to_q") != std::string::npos || name.find("attn2.to_k") != std::string::npos ||
                        name.find(".norm2.") != std::string::npos;
    EXPECT_EQ(parameter.grad().defined(), !unused) << name;
  }
}

/// Layers whose results depend on neither latents nor noise level; for a single token, that is.
bool is_constant_in_a_run(const std::string& name) {
  for (const char* part : {"label_emb", "time_pos_embed", "attn2.to_v", "attn2.to_out"})
    if (name.find(part) != std::string::npos) return true;
  return false;
}

TEST(VideoUNet, MemoryOfARunGivesTheSameBitsAndIsNotMadeTwice) {
  const c10::NoGradGuard no_grad;
  const ToyUNet toy;
  VideoUNet::Input first = toy_unet_input(2, 3), second = first;
  second.x = -first.x, second.timesteps = first.timesteps + 1;
  const Tensor plain_first = (*toy.unet)(first), plain_second = (*toy.unet)(second);
  UNetMemory memory;
  first.memory = second.memory = &memory;
  EXPECT_TRUE(at::equal((*toy.unet)(first), plain_first));
  // Seven transformers of one spatial and one temporal block, each with its frame embedding; the cameras' embedding.
  EXPECT_EQ(memory.constants.size(), 7u * 3 + 1);
  for (const auto& [name, parameter] : toy.store->parameters())
    if (is_constant_in_a_run(name)) parameter.zero_();
  EXPECT_TRUE(at::equal((*toy.unet)(second), plain_second));
  second.memory = nullptr;
  EXPECT_GT(((*toy.unet)(second)-plain_second).abs().max().item<double>(), 1e-3);
}

TEST(VideoUNet, NothingIsKeptWhereGradientsAreRecorded) {
  const ToyUNet toy;
  UNetMemory memory;
  VideoUNet::Input input = toy_unet_input(1, 3);
  input.memory = &memory;
  toy.store->set_requires_grad(true);
  for (int call = 0; call < 2; ++call) (*toy.unet)(input).square().mean().backward();
  EXPECT_TRUE(memory.constants.empty());
  for (const auto& [name, parameter] : toy.store->parameters()) {
    if (is_constant_in_a_run(name)) {
      EXPECT_GT(parameter.grad().abs().max().item<double>(), 0) << name;
    }
  }
}

TEST(VideoUNet, KeysAndValuesOfSeveralTokensAreMadeOncePerRun) {
  const c10::NoGradGuard no_grad;
  const ToyUNet toy;
  VideoUNet::Input first = toy_unet_input(1, 3, 2), second = first;
  second.x = -first.x, second.timesteps = first.timesteps + 1;
  const Tensor plain_second = (*toy.unet)(second);
  UNetMemory memory;
  first.memory = second.memory = &memory;
  (*toy.unet)(first);
  int64_t kept = 0;
  for (const auto& [layer, unused] : memory.constants) kept += layer.find("attn2.to_") != std::string::npos ? 1 : 0;
  EXPECT_EQ(kept, 7 * 2 * 2);  // seven transformers, spatial and temporal, keys and values
  for (const auto& [name, parameter] : toy.store->parameters())
    if (name.find("attn2.to_k") != std::string::npos || name.find("attn2.to_v") != std::string::npos) parameter.zero_();
  EXPECT_TRUE(at::equal((*toy.unet)(second), plain_second));
  second.memory = nullptr;
  EXPECT_GT(((*toy.unet)(second)-plain_second).abs().max().item<double>(), 1e-4);
}

TEST(VideoUNet, ReusedDeepFeaturesReplaceTheDeepPart) {
  const c10::NoGradGuard no_grad;
  const ToyUNet toy;
  UNetMemory memory;
  VideoUNet::Input input = toy_unet_input(1, 3);
  const Tensor plain = (*toy.unet)(input);
  input.memory = &memory;
  // Nothing is there yet: computed, exactly, and kept.
  memory.deep = DeepFeatures::reuse;
  EXPECT_TRUE(at::equal((*toy.unet)(input), plain));
  ASSERT_TRUE(memory.deep_features.defined());
  // With its own features the network says the same, though its deep part could not say it.
  toy.store->parameters().at("middle_block.0.out_layers.3.weight").fill_(1e3);
  EXPECT_TRUE(at::equal((*toy.unet)(input), plain));
  // The outer stages see the new latents.
  VideoUNet::Input other = input;
  other.x = -input.x;
  EXPECT_GT(((*toy.unet)(other)-plain).abs().max().item<double>(), 1e-3);
  memory.deep = DeepFeatures::keep;
  EXPECT_GT(((*toy.unet)(input)-plain).abs().max().item<double>(), 1e-3);
}

/// Bytes of the parameters of each stage.
std::map<std::string, int64_t> stage_bytes(const nn::ParameterStore& store) {
  std::map<std::string, int64_t> bytes;
  for (const auto& [name, parameter] : store.parameters()) {
    const size_t second = name.find('.', name.find('.') + 1);
    if (name.find("_block") < name.find('.')) bytes[name.substr(0, second)] += static_cast<int64_t>(parameter.nbytes());
  }
  return bytes;
}

TEST(VideoUNet, StreamedWeightsGiveTheSameBitsAndStayNoLongerThanTheirStage) {
  const c10::NoGradGuard no_grad;
  const ToyUNet toy;
  const auto meter = std::make_shared<nn::StreamMeter>();
  const VideoUNet streamed(testing::toy_unet_config(), nn::Scope(toy.store), nn::Streaming{at::kFloat, at::kCPU, meter});
  EXPECT_EQ(meter->peak(), 0) << "nothing is copied before it is needed";
  VideoUNet::Input input = toy_unet_input(2, 3);
  EXPECT_TRUE(at::equal(streamed(input), (*toy.unet)(input)));
  EXPECT_EQ(meter->resident(), 0);
  int64_t largest = 0;
  for (const auto& [stage, bytes] : stage_bytes(*toy.store)) largest = std::max(largest, bytes);
  EXPECT_EQ(meter->peak(), largest);
  // What a run keeps between calls goes by names, not by layers that come and go.
  UNetMemory memory;
  input.memory = &memory;
  const Tensor first = streamed(input);
  EXPECT_TRUE(at::equal(streamed(input), first));
  EXPECT_EQ(memory.constants.size(), 7u * 3 + 1);
}

TEST(VideoUNet, StreamedWeightsAreConverted) {
  const c10::NoGradGuard no_grad;
  const ToyUNet toy;
  const VideoUNet streamed(testing::toy_unet_config(), nn::Scope(toy.store), nn::Streaming{at::kBFloat16, at::kCPU, nullptr});
  const VideoUNet::Input input = toy_unet_input(2, 3);
  const Autocast autocast(at::kCPU, at::kBFloat16);
  // Autocast itself rounds the resident network's weights to bfloat16.
  EXPECT_TRUE(at::equal(streamed(input), (*toy.unet)(input)));
}

TEST(VideoUNet, WeightsWithTheirOwnLoraAreNotStreamed) {
  const auto store = nn::ParameterStore::random(1);
  store->enable_lora({2, 2, {"to_q"}});
  EXPECT_THROW(VideoUNet(testing::toy_unet_config(), nn::Scope(store), nn::Streaming{}), Error);
}

TEST(VideoUNet, Bfloat16StaysClose) {
  const ToyUNet toy;
  const VideoUNet::Input input = toy_unet_input(2, 3);
  toy.store->set_requires_grad(true);
  const Tensor exact = (*toy.unet)(input);
  exact.square().mean().backward();
  const Tensor exact_gradient = toy.store->parameters().at("input_blocks.0.0.weight").grad().clone();
  toy.store->parameters().at("input_blocks.0.0.weight").mutable_grad() = Tensor();
  const Autocast autocast(at::kCPU, at::kBFloat16);
  const Tensor rounded = (*toy.unet)(input);
  EXPECT_EQ(rounded.scalar_type(), at::kBFloat16);
  rounded.to(at::kFloat).square().mean().backward();
  // 8 bits of mantissa (0.4 %) through some 40 layers, then back.
  expect_close(rounded, exact, 0.05, "output");
  expect_close(toy.store->parameters().at("input_blocks.0.0.weight").grad(), exact_gradient, 0.1, "gradient");
}

TEST(VideoUNet, WrongShapesAreNamed) {
  const ToyUNet toy;
  const auto fails_with = [&](const auto& change) {
    VideoUNet::Input input = toy_unet_input(2, 3);
    change(input);
    EXPECT_THROW((*toy.unet)(input), Error);
  };
  fails_with([](auto& input) { input.frames = 4; });
  fails_with([](auto& input) { input.x = at::zeros({6, 3, 4, 6}); });
  fails_with([](auto& input) { input.x = at::zeros({6, 4, 4, 5}); });
  fails_with([](auto& input) { input.timesteps = at::zeros({2}); });
  fails_with([](auto& input) { input.context = at::zeros({3, 1, 6}); });
  fails_with([](auto& input) { input.y = at::zeros({6, 11}); });
  fails_with([](auto& input) { input.image_only_indicator = at::zeros({3, 3}); });
  VideoUNetConfig config = testing::toy_unet_config();
  config.num_head_channels = 3;
  EXPECT_THROW(VideoUNet(config, nn::Scope(nn::ParameterStore::meta())), Error);
  config = testing::toy_unet_config();
  config.channel_mult.clear();
  EXPECT_THROW(VideoUNet(config, nn::Scope(nn::ParameterStore::meta())), Error);
}

}  // namespace
}  // namespace gsv3d
