// A relative in TriplaneGaussian's manner (arXiv 2312.09147): from the photo alone. Learned tokens look at the photo's DINO
// tokens and become three planes and a cloud of points; a point's features, taken from the planes and from the photo where it is
// seen, become its Gaussian. Views and their latents are not looked at.
#pragma once

#include <memory>
#include <vector>

#include "decoder/gaussian_decoder.h"
#include "decoder/gaussian_network.h"
#include "decoder/multi_view_block.h"
#include "decoder/upsampler.h"
#include "nn/layers.h"

namespace gsv3d {

/// `count` points evenly in a ball around the origin, by a quasi-random sequence. [count, 3] float32.
Tensor points_in_ball(int64_t count, double radius);

/// planes [B, 3, H, W, C] over x-y, x-z, z-y of the cube [-half_side, half_side]³, points [B, P, 3] → the sum of the three
/// bilinear samples, [B, P, C]. The last two axes are a picture's: the first of each pair grows across, the second down. Outside
/// of the cube it is 0. Computed in the points' type.
Tensor sample_planes(const Tensor& planes, const Tensor& points, double half_side);

class TriplaneDecoder : public GaussianNetwork {
 public:
  TriplaneDecoder(const GaussianDecoderConfig& config, const nn::Scope& scope);
  /// Points of the first token first: point_tokens · points_per_token Gaussians.
  Gaussians operator()(const DecoderInput& input) const override;

 private:
  Tensor photo_tokens(const Tensor& context, const Cameras& photo) const;
  Tensor placed_points(const Tensor& tokens) const;

  GaussianDecoderConfig config_;
  nn::Linear context_embed_, points_, seen_;
  Tensor tokens_;  ///< [3 · side² + point_tokens, width]
  std::vector<MultiViewBlock> blocks_;
  Upsampler upsampler_;
  nn::LayerNorm norm_;
  Mlp mlp_;
  nn::LayerNorm head_norm_;
  nn::Linear head_;
};

}  // namespace gsv3d
