// A Gaussian decoder of a few thousand parameters for tests.
#pragma once

#include <ATen/Parallel.h>

#include <memory>
#include <vector>

#include "decoder/gaussian_decoder.h"

namespace gsv3d::testing {

inline GaussianDecoderConfig toy_decoder_config() {
  GaussianDecoderConfig config;
  config.latent_channels = 2, config.patch_size = 1, config.width = 16, config.depth = 2, config.num_heads = 2,
  config.mlp_ratio = 2;
  config.context_dim = 8, config.upsampler_widths = {8, 8}, config.upsampler_heads = 2, config.upsampler_window = 4;
  config.min_scale = 0.01, config.max_scale = 0.1;
  return config;
}

struct Toy {
  explicit Toy(const GaussianDecoderConfig& config = toy_decoder_config())
      : config(config),
        store(nn::ParameterStore::random(1)),
        decoder(std::make_unique<GaussianDecoder>(config, nn::Scope(store))) {
    at::set_num_threads(1);  // tensors this small only lose time by being shared
  }

  Cameras cameras(int64_t count) const { return orbit_cameras(count, 10, 32); }
  std::vector<Gaussians> decode(const Tensor& latents, const std::vector<Cameras>& cameras, const Tensor& context,
                                const Tensor& pictures = {}) const {
    return (*decoder)(latents, cameras, context, pictures);
  }
  /// The head starts at zero, which hides everything before it.
  void perturb_head() {
    const auto generator = make_generator(11);
    for (const char* name : {"head.linear.weight", "head.linear.bias"}) {
      const Tensor& parameter = store->parameters().at(name);
      parameter.copy_(0.2 * randn(parameter.sizes(), generator));
    }
  }
  /// The same weights in float64, for finite differences.
  void widen() {
    store = nn::ParameterStore::from_tensors(store->parameters(), "toy", at::kDouble);
    decoder = std::make_unique<GaussianDecoder>(config, nn::Scope(store));
  }

  GaussianDecoderConfig config;
  std::shared_ptr<nn::ParameterStore> store;
  std::unique_ptr<GaussianDecoder> decoder;
};

/// A scalar in which every number of the Gaussians has its own random weight.
inline Tensor weighted_sum(const Gaussians& gaussians, uint64_t seed) {
  const auto generator = make_generator(seed);
  Tensor sum = at::zeros({}, gaussians.means.options());
  for (const Tensor& part : {gaussians.means, gaussians.quats, gaussians.scales, gaussians.opacities, gaussians.sh})
    sum = sum + (part * randn(part.sizes(), generator).to(part.scalar_type())).sum();
  return sum;
}

}  // namespace gsv3d::testing
