// Forward and backward speed of the embedded model's autoencoder on the CPU: memory layouts and precisions side by side.
//   bench_autoencoder [images] [repetitions]
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

struct Milliseconds {
  double forward, backward;
};

/// The median of `repetitions` after one warm-up, for an encoder and decoder pass over `images`.
Milliseconds measure(at::MemoryFormat layout, at::ScalarType precision, const Tensor& images, int repetitions) {
  AutoencoderConfig config;
  config.ch = 16, config.ch_mult = {1, 2, 4, 6}, config.norm_groups = 8;
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
  return {median(forward), median(backward)};
}

}  // namespace

int main(int argc, char** argv) {
  const int64_t count = argc > 1 ? std::atoll(argv[1]) : 64;
  const int repetitions = argc > 2 ? std::atoi(argv[2]) : 3;
  const Tensor images = randn({count, 3, 64, 64}, make_generator(2)).clamp(-1, 1);
  fmt::print("autoencoder ch 16 x [1,2,4,6], {} images of 64x64, {} threads, median of {}\n\n", count, at::get_num_threads(),
             repetitions);
  fmt::print("| layout | precision | forward ms | backward ms | images/s |\n| --- | --- | ---: | ---: | ---: |\n");
  for (const at::ScalarType precision : {at::kFloat, at::kBFloat16}) {
    for (const auto& [layout, name] :
         {std::pair{at::MemoryFormat::Contiguous, "contiguous"}, {at::MemoryFormat::ChannelsLast, "channels last"}}) {
      const Milliseconds time = measure(layout, precision, images, repetitions);
      fmt::print("| {} | {} | {:.0f} | {:.0f} | {:.1f} |\n", name, dtype_name(precision), time.forward, time.backward,
                 1000.0 * static_cast<double>(count) / (time.forward + time.backward));
    }
  }
}
