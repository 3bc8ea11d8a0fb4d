// Forward and backward speed of autoencoders on the CPU: architectures, memory layouts and precisions side by side.
//   bench_autoencoder [images] [repetitions] [image size]
#include <ATen/Parallel.h>
#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <vector>

#include "core/device.h"
#include "diffusion/autoencoder.h"

namespace {

using namespace gsv3d;

struct Measured {
  double forward, backward;  // milliseconds
  int64_t parameters;
};

/// The embedded model's first generation.
AutoencoderConfig rgb_autoencoder() {
  AutoencoderConfig config;
  config.z_channels = 8, config.ch = 16, config.ch_mult = {1, 2, 4, 6}, config.norm_groups = 8, config.num_res_blocks = 1;
  return config;
}

/// Its second: alpha, and nothing at full resolution.
AutoencoderConfig patch_autoencoder() {
  AutoencoderConfig config;
  config.in_channels = config.out_ch = 4, config.patch_size = 2;
  config.z_channels = 8, config.ch = 64, config.ch_mult = {1, 2, 3}, config.num_res_blocks = 2;
  return config;
}

/// The median of `repetitions` after one warm-up, for an encoder and decoder pass over `images`.
Measured measure(const AutoencoderConfig& config, at::MemoryFormat layout, at::ScalarType precision, const Tensor& images,
                 int repetitions) {
  const auto store = nn::ParameterStore::random(1);
  const nn::Scope scope(store);
  const AutoencoderEncoder encoder(config, scope, layout);
  const AutoencoderDecoder decoder(config, scope, layout);
  store->set_requires_grad(true);

  using Clock = std::chrono::steady_clock;
  const auto elapsed = [](Clock::time_point since) {
    return std::chrono::duration<double, std::milli>(Clock::now() - since).count();
  };
  std::vector<double> forward, backward;
  for (int i = -1; i < repetitions; ++i) {
    const auto start = Clock::now();
    Tensor loss;
    {
      const Autocast autocast(at::kCPU, precision);
      loss = (decoder(encoder.mode(images)).to(at::kFloat) - images).square().mean();
    }
    const double forward_time = elapsed(start);
    const auto middle = Clock::now();
    loss.backward();
    if (i < 0) continue;
    forward.push_back(forward_time);
    backward.push_back(elapsed(middle));
  }
  const auto median = [](std::vector<double>& values) {
    std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
    return values[values.size() / 2];
  };
  return {median(forward), median(backward), store->parameter_count()};
}

}  // namespace

int main(int argc, char** argv) {
  const int64_t count = argc > 1 ? std::atoll(argv[1]) : 64;
  const int repetitions = argc > 2 ? std::atoi(argv[2]) : 3;
  const int64_t size = argc > 3 ? std::atoll(argv[3]) : 64;
  fmt::print("{} images of {}x{}, {} threads, median of {}\n\n", count, size, size, at::get_num_threads(), repetitions);
  fmt::print("| autoencoder | parameters | layout | precision | forward ms | backward ms | images/s |\n");
  fmt::print("| --- | ---: | --- | --- | ---: | ---: | ---: |\n");
  for (const auto& [architecture, config] :
       {std::pair{"RGB 16 x [1,2,4,6]", rgb_autoencoder()}, {"RGBA 64 x [1,2,3], patches of 2", patch_autoencoder()}}) {
    const Tensor images = randn({count, config.in_channels, size, size}, make_generator(2)).clamp(-1, 1);
    for (const at::ScalarType precision : {at::kFloat, at::kBFloat16}) {
      for (const auto& [name, layout] :
           {std::pair{"contiguous", at::MemoryFormat::Contiguous}, {"channels last", at::MemoryFormat::ChannelsLast}}) {
        const Measured time = measure(config, layout, precision, images, repetitions);
        fmt::print("| {} | {} | {} | {} | {:.0f} | {:.0f} | {:.1f} |\n", architecture, time.parameters, name,
                   dtype_name(precision), time.forward, time.backward,
                   1000.0 * static_cast<double>(count) / (time.forward + time.backward));
      }
    }
  }
}
