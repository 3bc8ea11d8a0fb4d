// Self-attention over the tokens of all frames of a clip (VideoUNetConfig::joint_attention).
#include <c10/core/GradMode.h>

#include "diffusion/video_transformer.h"
#include "goldens.h"
#include "unet_toy.h"

namespace gsv3d {
namespace {

using testing::expect_close;
using testing::toy_unet_input;
using testing::ToyUNet;

constexpr double kRounding = 1e-5;  // as in video_unet_test.cpp
constexpr int64_t kClips = 2, kFrames = 3, kPixels = 5, kChannels = 8;

VideoUNetConfig joint_config() {
  VideoUNetConfig config = testing::toy_unet_config();
  config.joint_attention = true;
  return config;
}

FrameBatch batch_of(int64_t frames, const Tensor& context) {
  FrameBatch batch;
  batch.clips = kClips, batch.frames = frames, batch.context = context;
  return batch;
}

/// The twin: one long picture per clip, whose attention is SV3D's own.
TEST(JointAttention, IsPlainAttentionOverTheConcatenatedFrames) {
  const c10::NoGradGuard no_grad;
  const SpatialBlock block(nn::Scope(nn::ParameterStore::random(1)), {kChannels, 6, 4, 1, 4});
  const Tensor x = randn({kClips * kFrames, kPixels, kChannels}, make_generator(2)),
               context = randn({kClips, 2, 6}, make_generator(3));
  const Tensor joint = block(x, batch_of(kFrames, context), at::zeros({kFrames * kPixels, kChannels}));
  const Tensor twin = block(x.reshape({kClips, kFrames * kPixels, kChannels}), batch_of(1, context));
  expect_close(joint, twin.reshape_as(joint), kRounding, "twin");
  EXPECT_GT((joint - block(x, batch_of(kFrames, context))).abs().max().item<double>(), 1e-3) << "frames see each other";
}

TEST(JointAttention, TokensAreKnownByTheirPositionsAlone) {
  const c10::NoGradGuard no_grad;
  const SpatialBlock block(nn::Scope(nn::ParameterStore::random(1)), {kChannels, 6, 4, 1, 4});
  const Tensor x = randn({kClips, kFrames * kPixels, kChannels}, make_generator(2)),
               context = randn({kClips, 2, 6}, make_generator(3));
  const Tensor positions = randn({kFrames * kPixels, kChannels}, make_generator(4));
  const Tensor order = at::randperm(kFrames * kPixels, make_generator(5), at::TensorOptions().dtype(at::kLong));
  const auto run = [&](const Tensor& tokens, const Tensor& where) {
    const Tensor frames = tokens.reshape({kClips * kFrames, kPixels, kChannels});
    return block(frames, batch_of(kFrames, context), where).reshape_as(tokens);
  };
  const Tensor moved = run(x.index_select(1, order), positions.index_select(0, order));
  expect_close(moved, run(x, positions).index_select(1, order), kRounding, "permuted across frames");
  EXPECT_GT((moved - run(x.index_select(1, order), positions)).abs().max().item<double>(), 1e-3);
}

TEST(JointAttention, FramesSeeEachOtherEvenWithoutTheTemporalPath) {
  const c10::NoGradGuard no_grad;
  const ToyUNet toy(joint_config());
  VideoUNet::Input input = toy_unet_input(2, 3);
  input.image_only_indicator = at::ones({2, 3});
  VideoUNet::Input changed = input;
  changed.x = input.x.clone();
  changed.x[2].mul_(2);
  const Tensor difference = ((*toy.unet)(input) - (*toy.unet)(changed)).abs();
  EXPECT_GT(difference[0].max().item<double>(), 1e-4);
  EXPECT_EQ(difference.narrow(0, 3, 3).max().item<double>(), 0) << "the other clip";
}

TEST(JointAttention, GradientsMatchFiniteDifferences) {
  const ToyUNet toy(joint_config());
  const VideoUNet::Input input = toy_unet_input(2, 3, 2);
  const Tensor weights = randn({6, 2, 4, 6}, make_generator(5));
  const auto loss = [&] { return ((*toy.unet)(input)*weights).mean(); };
  toy.store->set_requires_grad(true);
  loss().backward();
  const c10::NoGradGuard no_grad;
  for (const char* name : {"input_blocks.1.1.joint_pos_embed.0.weight", "middle_block.1.joint_pos_embed.2.bias",
                           "output_blocks.1.1.transformer_blocks.0.attn1.to_q.weight"}) {
    Tensor parameter = toy.store->parameters().at(name);
    ASSERT_TRUE(parameter.grad().defined()) << name;
    const Tensor original = parameter.detach().clone(), gradient = parameter.grad();
    const double norm = gradient.norm().item<double>(), step = 3e-2 * std::max(1.0, original.norm().item<double>());
    const auto at_distance = [&](double distance) {
      parameter.copy_(original + gradient * (distance / norm));
      return loss().item<double>();
    };
    const double slope = (at_distance(step) - at_distance(-step)) / (2 * step);
    parameter.copy_(original);
    EXPECT_NEAR(slope / norm, 1.0, 0.05) << name << " (norm " << norm << ")";  // as in video_unet_test.cpp
  }
}

}  // namespace
}  // namespace gsv3d
