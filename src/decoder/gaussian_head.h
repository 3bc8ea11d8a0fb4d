// From features per pixel to Gaussians in the world. Activations and their sources: docs/decoder.md.
#pragma once

#include "camera/camera.h"
#include "core/tensor.h"
#include "decoder/gaussian_decoder.h"
#include "decoder/pixel_evidence.h"
#include "gaussians/gaussians.h"
#include "nn/layers.h"

namespace gsv3d {

/// Outputs per pixel: distance 1, scale 3, opacity 1, rotation 4, colour 3·(sh_degree + 1)².
int64_t gaussian_channels(int64_t sh_degree);

/// Raw outputs [V, H, W, gaussian_channels], float32 or float64, and the V cameras they were predicted for → V·H·W Gaussians,
/// views in order, pixels row-major. All zeros give grey Gaussians on a shell around the origin; with `evidence`, whose views are
/// these, Gaussians on the visual hull in the pictures' colours. Turning the cameras turns the Gaussians with them.
Gaussians place_gaussians(const Tensor& raw, const Cameras& cameras, const GaussianDecoderConfig& config,
                          const PixelEvidence* evidence = nullptr);

/// Outputs per free point: a move 3, scale 3, opacity 1, rotation 4, colour 3·(sh_degree + 1)².
int64_t free_gaussian_channels(int64_t sh_degree);

/// The same activations for Gaussians that belong to no pixel: raw [G, free_gaussian_channels] and the points [G, 3] that they
/// stand at, give or take 0.1 world units along each axis; rotations are the world's. All zeros give grey ones at the points.
Gaussians free_gaussians(const Tensor& raw, const Tensor& points, const GaussianDecoderConfig& config);

/// Norm and a zero-initialised linear layer before place_gaussians.
struct GaussianHead {
  GaussianHead(const nn::Scope& scope, int64_t width, const GaussianDecoderConfig& config);
  /// features [V, H, W, width] → V·H·W Gaussians. Runs in at least float32 whatever autocast says: positions need more than 8
  /// bits.
  Gaussians operator()(const Tensor& features, const Cameras& cameras, const PixelEvidence* evidence = nullptr) const;

 private:
  GaussianDecoderConfig config_;
  nn::LayerNorm norm_;
  nn::Linear linear_;
};

}  // namespace gsv3d
