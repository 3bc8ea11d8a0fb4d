// What full-size networks take in memory during training, told from the same networks measured small: bytes of activations are
// linear in each of a network's sizes (widths, depth, frames, pixels) as long as attention keeps no products of tokens, which the
// fused kernels do not. So they are measured for real at two small values of each size, and continued along straight lines.
#pragma once

#include <functional>
#include <vector>

#include "models/model_folder.h"
#include "training/activation_bytes.h"

namespace gsv3d {

/// One size of a network: measured at two values and wanted at a third. Where that is not above the larger one, it is measured
/// itself.
struct MeasuredSize {
  int64_t small = 1, large = 2, wanted = 1;
};

/// The multilinear continuation of `measure` to the wanted sizes: at most 2 to the power of their number of measurements.
ActivationBytes continued(const std::vector<MeasuredSize>& sizes,
                          const std::function<ActivationBytes(const std::vector<int64_t>&)>& measure);

/// Whose gradients are wanted, and how blocks are run (nn/recompute.h).
struct ActivationCase {
  nn::LoraOptions lora;        ///< of the UNet: trained instead of its weights when there is a rank
  bool trains_dino = true;     ///< of the Gaussian decoder's two networks
  bool trains_decoder = true;  ///< not: gradients flow to the latents
  bool recompute = false;
};

/// Of one picture through the autoencoder and back, of one clip through the UNet, of one photo through the image embedder, and of
/// one clip through photo encoder and Gaussian decoder without the rasterizer; float32, measured on this CPU. Throws Error for
/// Gaussian decoders other than the method's own (gaussian_decoder.triplane, pixel_aligned).
ActivationBytes autoencoder_activations(const ModelConfig& model);
ActivationBytes unet_activations(const ModelConfig& model, const ActivationCase& of);
ActivationBytes embedder_activations(const ModelConfig& model, const ActivationCase& of);
ActivationBytes decoder_activations(const ModelConfig& model, const ActivationCase& of);

}  // namespace gsv3d
