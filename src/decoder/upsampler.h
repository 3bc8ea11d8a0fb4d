// From tokens to pixels: stages of {linear, pixel shuffle ×2, two window-attention blocks} (GRM's upsampler, arXiv 2403.14621,
// which is worth about 2 dB there and beats a convolutional one). Windows as in Swin (arXiv 2103.14030), with its exact masks at
// the borders.
#pragma once

#include <vector>

#include "core/tensor.h"
#include "decoder/gaussian_decoder.h"
#include "decoder/multi_view_block.h"
#include "nn/layers.h"

namespace gsv3d {

/// How a height × width grid is cut into windows: sides clipped to the grid, the grid padded at the bottom and right to whole
/// windows, optionally shifted by half a window.
struct WindowLayout {
  int64_t height, width;  ///< of the grid
  int64_t window_height, window_width;
  int64_t rows, columns;  ///< windows
  int64_t shift_y = 0, shift_x = 0;
  WindowLayout(int64_t height, int64_t width, int64_t window, bool shifted);
  int64_t tokens() const { return window_height * window_width; }
  bool padded() const { return rows * window_height != height || columns * window_width != width; }
  bool shifted() const { return shift_y != 0 || shift_x != 0; }
  /// Which tokens of a window may see each other: true where both lie in the same piece of the picture. [1, windows·heads, T, T]
  /// bool; undefined when all may.
  Tensor mask(int64_t heads, at::Device device) const;
};

/// Pre-norm self-attention inside windows, then an MLP. [V, H, W, width] → the same shape; views do not mix.
struct WindowBlock {
  WindowBlock(const nn::Scope& scope, int64_t width, int64_t heads, int64_t window, bool shifted, int64_t mlp_ratio);
  Tensor operator()(const Tensor& x) const;

 private:
  Tensor attend(const Tensor& x) const;

  int64_t heads_, window_;
  bool shifted_;
  nn::LayerNorm norm1_, norm2_;
  nn::Linear qkv_, proj_;
  QueryKeyNorm qk_norm_;
  Mlp mlp_;
};

/// One doubling: [V, h, w, in] → [V, 2h, 2w, out]. `added` [V, 2h, 2w, out], if any, joins before the attention.
struct UpsamplerStage {
  UpsamplerStage(const nn::Scope& scope, int64_t in, int64_t out, int64_t heads, int64_t window, int64_t mlp_ratio);
  Tensor operator()(const Tensor& x, const Tensor& added = {}) const;

 private:
  nn::LayerNorm norm_;
  nn::Linear expand_;
  std::vector<WindowBlock> blocks_;
};

/// The stages of a configuration, after a trunk of its width: [V, h, w, config.width] → [V, H, W, width()]; without stages, what
/// it is given. `added` [V, H, W, width()], if any, enters the last stage.
struct Upsampler {
  Upsampler() = default;
  Upsampler(const nn::Scope& scope, const GaussianDecoderConfig& config);
  Tensor operator()(Tensor features, const Tensor& added = {}) const;
  int64_t width() const { return width_; }

 private:
  std::vector<UpsamplerStage> stages_;
  int64_t width_ = 0;
};

}  // namespace gsv3d
