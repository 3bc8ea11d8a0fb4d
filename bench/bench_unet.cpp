// Speed of the embedded model's VideoUNet on the CPU: one guided denoising step, and one training step, in both precisions.
//   bench_unet [clips] [repetitions] [threads] [fp32 | bf16]
// Times are CPU seconds of the process, so that with one thread other programs on the machine do not count.
#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>
#include <fmt/core.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <vector>

#include "core/device.h"
#include "diffusion/diffusion_loss.h"

namespace {

using namespace gsv3d;

constexpr int64_t kFrames = 7, kSize = 8;

/// configs/tiny/config.json.
VideoUNetConfig tiny_config() {
  VideoUNetConfig config;
  config.in_channels = 16, config.out_channels = 8, config.model_channels = 64, config.attention_resolutions = {1, 2};
  config.num_res_blocks = 1, config.channel_mult = {1, 2}, config.num_head_channels = 32, config.context_dim = 96;
  config.adm_in_channels = 320;
  return config;
}

Conditioning random_conditioning(const VideoUNetConfig& config, int64_t clips) {
  const auto generator = make_generator(3);
  Conditioning conditioning;
  conditioning.crossattn = randn({clips, 1, config.context_dim}, generator);
  conditioning.concat = randn({clips, config.out_channels, kSize, kSize}, generator);
  conditioning.vector = randn({clips * kFrames, config.adm_in_channels}, generator);
  conditioning.frames = kFrames;
  return conditioning;
}

/// The median of `repetitions` after one warm-up, milliseconds.
template <class Work>
double median_ms(int repetitions, const Work& work) {
  std::vector<double> times;
  for (int i = -1; i < repetitions; ++i) {
    const std::clock_t start = std::clock();
    work();
    if (i >= 0) times.push_back(1e3 * static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC);
  }
  const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
  std::nth_element(times.begin(), middle, times.end());
  return *middle;
}

void run(at::ScalarType precision, int64_t clips, int repetitions) {
  const VideoUNetConfig config = tiny_config();
  const auto store = nn::ParameterStore::random(1);
  const VideoUNet unet(config, nn::Scope(store));
  const Tensor noise = randn({clips * kFrames, config.out_channels, kSize, kSize}, make_generator(2));
  const Conditioning one = random_conditioning(config, 1), many = random_conditioning(config, clips);

  const double guided = median_ms(repetitions, [&] {
    const c10::NoGradGuard no_grad;
    const Autocast autocast(at::kCPU, precision);
    guided_denoise(unet, noise.slice(0, 0, kFrames), at::ones({kFrames}), one, at::full({kFrames}, 2));
  });
  store->set_requires_grad(true);
  Tensor loss;
  const auto forward = [&] {
    const Autocast autocast(at::kCPU, precision);
    loss = one_step_estimate(unet, noise, noise, at::ones({clips}), many).square().mean();
  };
  const double forward_only = median_ms(repetitions, forward);
  const double both = median_ms(repetitions, [&] {
    forward();
    loss.backward();
  });
  fmt::print("| {} | {:.1f} | {:.1f} | {:.1f} | {:.1f} |\n", dtype_name(precision), guided, forward_only, both - forward_only,
             1e3 * static_cast<double>(clips) / both);
}

}  // namespace

int main(int argc, char** argv) {
  const int64_t clips = argc > 1 ? std::atoll(argv[1]) : 8;
  const int repetitions = argc > 2 ? std::atoi(argv[2]) : 5;
  at::set_num_threads(argc > 3 ? std::atoi(argv[3]) : 1);
  fmt::print("tiny VideoUNet, {} frames of {}x{}, {} clips in training, {} threads, median of {}, CPU time\n\n", kFrames, kSize,
             kSize, clips, at::get_num_threads(), repetitions);
  fmt::print(
      "| precision | guided step ms | training forward ms | backward ms | clips/s |\n| --- | ---: | ---: | ---: | ---: |\n");
  for (const at::ScalarType precision : {at::kFloat, at::kBFloat16})
    if (argc <= 4 || precision == parse_dtype(argv[4])) run(precision, clips, repetitions);
}
