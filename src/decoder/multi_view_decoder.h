// The decoder of the paper: multi-view latents and their rays → a ViT that also looks at the photo's DINO tokens → an upsampler
// → one Gaussian per output pixel, placed along that pixel's ray.
#pragma once

#include <memory>
#include <vector>

#include "decoder/gaussian_decoder.h"
#include "decoder/gaussian_head.h"
#include "decoder/gaussian_network.h"
#include "decoder/multi_view_block.h"
#include "decoder/pixel_evidence.h"
#include "decoder/upsampler.h"
#include "nn/layers.h"

namespace gsv3d {

class MultiViewDecoder : public GaussianNetwork {
 public:
  MultiViewDecoder(const GaussianDecoderConfig& config, const nn::Scope& scope);
  /// Views in order, pixels row-major: H = h / patch_size · 2^stages.
  Gaussians operator()(const DecoderInput& input) const override;

 private:
  int64_t enlargement() const { return int64_t{1} << config_.upsampler_widths.size(); }
  PixelEvidence evidence(const Tensor& pictures, const Tensor& tokens, const Cameras& cameras) const;

  GaussianDecoderConfig config_;
  nn::Conv2d patch_embed_;
  nn::Linear context_embed_;
  std::vector<MultiViewBlock> blocks_;
  Upsampler upsampler_;
  std::unique_ptr<GaussianHead> head_;
  nn::Linear evidence_embed_, silhouette_;  // with a hull; the second for silhouettes from features
};

}  // namespace gsv3d
