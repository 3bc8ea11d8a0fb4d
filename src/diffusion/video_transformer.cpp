#include "diffusion/video_transformer.h"

#include <cmath>
#include <numbers>

#include "diffusion/reuse_memory.h"

namespace gsv3d {
namespace {

constexpr int64_t angle_harmonics = 3, pixel_octaves = 4;
constexpr int64_t position_features = 2 * angle_harmonics + 4 * pixel_octaves;

/// cos and sin of `values` [n] times each of `factors` → [n, 2·factors].
Tensor harmonics(const Tensor& values, const Tensor& factors) {
  const Tensor phases = values.unsqueeze(-1) * factors;
  return at::cat({at::cos(phases), at::sin(phases)}, -1);
}

/// Where each token of a clip is: azimuth of its frame relative to the photo's (frames stand at equal steps, the photo last), row
/// and column → [F·h·w, position_features] float32.
Tensor position_table(int64_t frames, int64_t height, int64_t width, at::TensorOptions options) {
  options = options.dtype(at::kFloat).requires_grad(false);
  const Tensor octaves = at::exp2(at::arange(pixel_octaves, options)) * (std::numbers::pi / 4);
  const auto pixels = [&](int64_t count) {
    const double edge = 1 - 1 / static_cast<double>(count);
    return harmonics(at::linspace(-edge, edge, count, options), octaves);
  };
  const Tensor azimuths = at::arange(1, frames + 1, options) * (2 * std::numbers::pi / static_cast<double>(frames));
  const Tensor angles = harmonics(azimuths, at::arange(1, angle_harmonics + 1, options));
  const Tensor rows = pixels(height), columns = pixels(width);
  return at::cat({angles.reshape({frames, 1, 1, -1}).expand({-1, height, width, -1}),
                  rows.reshape({1, height, 1, -1}).expand({frames, -1, width, -1}),
                  columns.reshape({1, 1, width, -1}).expand({frames, height, -1, -1})},
                 -1)
      .flatten(0, 2);
}

}  // namespace

SpatialBlock::SpatialBlock(const nn::Scope& scope, const TransformerWidths& widths)
    : norm1(scope / "norm1", widths.channels),
      norm2(scope / "norm2", widths.channels),
      norm3(scope / "norm3", widths.channels),
      attn1(scope / "attn1", widths.channels, widths.channels, widths.head_channels),
      attn2(scope / "attn2", widths.channels, widths.context, widths.head_channels),
      ff(scope / "ff", widths.channels) {}

Tensor SpatialBlock::operator()(const Tensor& x, const FrameBatch& batch, const Tensor& positions) const {
  const Tensor seen = norm1(x);
  Tensor y = positions.defined() ? attn1(at::add(seen.reshape({batch.clips, -1, x.size(2)}), positions)).reshape(x.sizes())
                                 : attn1(seen);
  y = add_reusing(std::move(y), x);
  y = attn2.add_cross_attention(std::move(y), norm2, batch.context, batch);
  return add_reusing(ff(norm3(y)), y);
}

TemporalBlock::TemporalBlock(const nn::Scope& scope, const TransformerWidths& widths)
    : norm_in(scope / "norm_in", widths.channels),
      norm1(scope / "norm1", widths.channels),
      norm2(scope / "norm2", widths.channels),
      norm3(scope / "norm3", widths.channels),
      ff_in(scope / "ff_in", widths.channels),
      ff(scope / "ff", widths.channels),
      attn1(scope / "attn1", widths.channels, widths.channels, widths.head_channels),
      attn2(scope / "attn2", widths.channels, widths.context, widths.head_channels) {}

Tensor TemporalBlock::operator()(const Tensor& x, const FrameBatch& batch) const {
  Tensor y = add_reusing(ff_in(norm_in(x)), x);
  y = add_reusing(attn1(norm1(y)), y);
  y = attn2.add_cross_attention(std::move(y), norm2, batch.time_context, batch);
  return add_reusing(ff(norm3(y)), y);
}

VideoTransformer::VideoTransformer(const nn::Scope& scope, const TransformerWidths& widths)
    : name_(scope.name()),
      channels_(widths.channels),
      norm_(scope / "norm", widths.channels, widths.norm_groups, 1e-6),
      proj_in_(scope / "proj_in", widths.channels, widths.channels),
      proj_out_(nn::Linear::zero(scope / "proj_out", widths.channels, widths.channels)) {
  if (widths.frames.joint_attention) {
    joint_in_.emplace(scope / "joint_pos_embed" / 0, position_features, widths.channels);
    joint_out_.emplace(scope / "joint_pos_embed" / 2, widths.channels, widths.channels);
  }
  for (int64_t i = 0; i < widths.depth; ++i) spatial_.emplace_back(scope / "transformer_blocks" / i, widths);
  if (!widths.frames.temporal) return;
  frame_in_.emplace(scope / "time_pos_embed" / 0, widths.channels, 4 * widths.channels);
  frame_out_.emplace(scope / "time_pos_embed" / 2, 4 * widths.channels, widths.channels);
  for (int64_t i = 0; i < widths.depth; ++i) temporal_.emplace_back(scope / "time_stack" / i, widths);
  time_mixer_.emplace(scope / "time_mixer");
}

/// [F, 1, C]: tells the temporal path which frame a token belongs to; the same for every clip. Undefined without that path.
Tensor VideoTransformer::frame_embedding(const Tensor& like, const FrameBatch& batch) const {
  if (!frame_in_) return {};
  const Tensor embedding = batch.once(name_ + ".time_pos_embed", [&] {
    const Tensor indices = at::arange(batch.frames, like.options().dtype(at::kFloat));
    return (*frame_out_)(silu_reusing((*frame_in_)(nn::sinusoidal_embedding(indices, channels_))));
  });
  batch.record(name_ + ".time_pos_embed", embedding.repeat({batch.clips, 1}));
  return embedding.unsqueeze(1);
}

/// [F·h·w, C]: tells joint attention where a token is; the same for every clip. Undefined without joint attention.
Tensor VideoTransformer::token_positions(const Tensor& x, const FrameBatch& batch) const {
  if (!joint_in_) return {};
  return batch.once(name_ + ".joint_pos_embed", [&] {
    return (*joint_out_)(silu_reusing((*joint_in_)(position_table(batch.frames, x.size(2), x.size(3), x.options()))));
  });
}

/// The temporal half after the spatial block of this index: [B·F, pixels, C] → the same.
Tensor VideoTransformer::over_frames(const Tensor& tokens, size_t block, const Tensor& frame, const FrameBatch& batch) const {
  const Tensor clips = tokens.unflatten(0, {batch.clips, batch.frames});                      // [B, F, pixels, C]
  const Tensor sequences = at::add(clips, frame).transpose(1, 2).contiguous().flatten(0, 1);  // [B·pixels, F, C]
  const Tensor temporal =
      temporal_[block](sequences, batch).unflatten(0, {batch.clips, -1}).transpose(1, 2);  // [B, F, pixels, C]
  batch.record(name_ + ".time_stack." + std::to_string(block), temporal.flatten(0, 1));
  const Tensor mixed = (*time_mixer_)(clips, temporal, batch).flatten(0, 1);
  batch.record(name_ + ".time_mixer", mixed);
  return mixed;
}

Tensor VideoTransformer::operator()(const Tensor& x, const FrameBatch& batch) const {
  const Tensor frame = frame_embedding(x, batch), positions = token_positions(x, batch);
  Tensor tokens = proj_in_(norm_(x).flatten(2).transpose(1, 2));  // [B·F, pixels, C]
  for (size_t i = 0; i < spatial_.size(); ++i) {
    tokens = spatial_[i](tokens, batch, positions);
    batch.record(name_ + ".transformer_blocks." + std::to_string(i), tokens);
    if (time_mixer_) tokens = over_frames(tokens, i, frame, batch);
  }
  // x comes first so that the sum is laid out as x and not as the transposed tokens.
  return at::add(x, proj_out_(tokens).transpose(1, 2).reshape_as(x));
}

}  // namespace gsv3d
