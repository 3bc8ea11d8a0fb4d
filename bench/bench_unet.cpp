// Speed of the embedded model's VideoUNet on the CPU: one guided denoising step, and one training step, in both precisions.
//   bench_unet [clips] [repetitions] [threads] [fp32 | bf16]
// SV3D's structure at any width, 21 frames, beside bench/peers/diffusers_unet.py (see compare_unet.sh there):
//   bench_unet sv3d WIDTH SIZE REPETITIONS THREADS fp32|bf16     one guided step: CPU and wall milliseconds, peak memory
//   bench_unet check FOLDER WIDTH                                the peer's weights and inputs through this network
// Times are CPU seconds of the process, so that with one thread other programs on the machine do not count.
#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>
#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <string>
#include <vector>

#include "core/device.h"
#include "diffusion/diffusion_loss.h"
#include "models/public_names.h"
#include "models/sv3d_source.h"
#include "random_sv3d.h"
#include "resident_memory.h"

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

void run_sv3d(int64_t width, int64_t size, int repetitions, at::ScalarType precision) {
  constexpr int64_t frames = 21;
  const VideoUNetConfig config = sv3d_unet_config(width);
  const VideoUNet unet = random_network<VideoUNet>(config, precision);
  const auto generator = make_generator(3);
  Conditioning conditioning;
  conditioning.crossattn = randn({1, 1, config.context_dim}, generator);
  conditioning.concat = randn({1, config.out_channels, size, size}, generator);
  conditioning.vector = randn({frames, config.adm_in_channels}, generator);
  conditioning.frames = frames;
  const Tensor noise = randn({frames, config.out_channels, size, size}, generator);
  const c10::NoGradGuard no_grad;
  const Autocast autocast(at::kCPU, precision);
  reset_peak();
  const double before = resident("VmRSS:");
  for (int i = -1; i < repetitions; ++i) {
    const std::clock_t cpu = std::clock();
    const auto wall = std::chrono::steady_clock::now();
    guided_denoise(unet, noise, at::ones({frames}), conditioning, at::full({frames}, 2));
    if (i < 0) continue;
    fmt::print("gsv3d {} cpu_ms {:.0f} wall_ms {:.0f} peak_mb {:.0f} (before {:.0f})\n", dtype_name(precision),
               1e3 * static_cast<double>(std::clock() - cpu) / CLOCKS_PER_SEC,
               1e3 * std::chrono::duration<double>(std::chrono::steady_clock::now() - wall).count(), resident("VmHWM:"), before);
  }
}

void check_against_peer(const std::filesystem::path& folder, int64_t width) {
  const VideoUNetConfig config = sv3d_unet_config(width);
  ModelConfig model;
  model.unet = config;
  const NamedTensors theirs = read_safetensors(folder / "diffusion_pytorch_model.safetensors");
  const NamedTensors io = read_safetensors(folder / "io.safetensors");
  NamedTensors weights;
  for (const auto& [name, tensor] : part_shapes("unet", model))
    weights.emplace(name, theirs.at(diffusers_unet_name(name, config)));
  const VideoUNet unet(config, nn::Scope(nn::ParameterStore::from_tensors(std::move(weights), folder.string())));
  const c10::NoGradGuard no_grad;
  const Tensor& expected = io.at("out");
  for (const at::ScalarType precision : {at::kFloat, at::kBFloat16}) {
    const Autocast autocast(at::kCPU, precision);
    const Tensor out =
        unet({io.at("x"), io.at("timesteps"), io.at("context"), io.at("y"), io.at("x").size(0), {}}).to(at::kFloat);
    fmt::print("{} here, diffusers in fp32: difference relative to the largest value {:.1e} at most, {:.1e} in quadratic mean\n",
               dtype_name(precision), ((out - expected).abs().max() / expected.abs().max()).item<double>(),
               ((out - expected).square().mean().sqrt() / expected.abs().max()).item<double>());
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 7 && std::string(argv[1]) == "sv3d") {
    at::set_num_threads(std::atoi(argv[5]));
    run_sv3d(std::atoll(argv[2]), std::atoll(argv[3]), std::atoi(argv[4]), parse_dtype(argv[6]));
    return 0;
  }
  if (argc == 4 && std::string(argv[1]) == "check") {
    check_against_peer(argv[2], std::atoll(argv[3]));
    return 0;
  }
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
