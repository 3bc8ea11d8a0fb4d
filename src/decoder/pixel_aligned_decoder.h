// A relative in LGM's manner (arXiv 2402.05054): pictures of a few views and their rays → an asymmetric U-Net whose deepest level
// attends over the tokens of all views → one Gaussian per pixel of one of its upper levels.
#pragma once

#include <memory>
#include <vector>

#include "decoder/gaussian_decoder.h"
#include "decoder/gaussian_head.h"
#include "decoder/gaussian_network.h"
#include "decoder/multi_view_block.h"
#include "nn/layers.h"

namespace gsv3d {

/// Places among `views` of `chosen` evenly spread ones, the first included: round(i · views / chosen).
std::vector<int64_t> spread_views(int64_t views, int64_t chosen);

/// x + two times {group norm, SiLU, 3 × 3 convolution}. [V, width, H, W] → the same shape.
struct PixelBlock {
  PixelBlock(const nn::Scope& scope, int64_t width);
  Tensor operator()(const Tensor& x) const;

 private:
  nn::GroupNorm norm1_, norm2_;
  nn::Conv2d conv1_, conv2_;
};

class PixelAlignedDecoder : public GaussianNetwork {
 public:
  PixelAlignedDecoder(const GaussianDecoderConfig& config, const nn::Scope& scope);
  /// The chosen views in order, pixels row-major, S / 2^output_level a side.
  Gaussians operator()(const DecoderInput& input) const override;

 private:
  struct Descent {
    PixelBlock block;
    nn::Conv2d halve;  // to the next level
  };
  struct Ascent {
    nn::Conv2d widen;  // after doubling the next level's side
    PixelBlock block;
  };
  GaussianDecoderConfig config_;
  nn::Conv2d stem_;
  std::vector<Descent> down_;
  std::vector<MultiViewBlock> blocks_;
  std::vector<Ascent> up_;  // from the deepest level on
  std::unique_ptr<GaussianHead> head_;
};

}  // namespace gsv3d
