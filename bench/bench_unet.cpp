// Speed of the embedded model's VideoUNet on the CPU: one guided denoising step, and one training step, in both precisions.
//   bench_unet [clips] [repetitions] [threads] [fp32 | bf16]
// SV3D's structure at any width, 21 frames, beside bench/peers/diffusers_unet.py (see compare_unet.sh there):
//   bench_unet sv3d WIDTH SIZE REPETITIONS THREADS fp32|bf16     one guided step: CPU and wall milliseconds, peak memory
//   bench_unet check FOLDER WIDTH                                the peer's weights and inputs through this network
// The full-size network on a GPU, beside a matrix product of 8192³ in the same run:
//   bench_unet gpu [REPETITIONS]
// Times are CPU seconds of the process, so that with one thread other programs on the machine do not count.
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <ATen/record_function.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/GradMode.h>
#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <memory>
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

double operations = 0;

/// Counts what matrix units do in layers and attention, two operations per multiplication.
std::unique_ptr<at::ObserverContext> count_operations(const at::RecordFunction& function) {
  const std::string name = function.name();
  const auto inputs = function.inputs();
  const auto tensor = [&](size_t i) { return inputs[i].toTensor(); };
  const auto numbers = [](const Tensor& x) { return static_cast<double>(x.numel()); };
  if (name == "aten::linear") operations += 2 * numbers(tensor(0)) * static_cast<double>(tensor(1).size(0));
  if (name == "aten::conv2d" || name == "aten::conv3d") {
    double pixels = numbers(tensor(0)) / static_cast<double>(tensor(0).size(1));
    if (name == "aten::conv2d")
      for (const int64_t stride : inputs[3].toIntVector()) pixels /= static_cast<double>(stride);
    operations += 2 * pixels * numbers(tensor(1));
  }
  if (name == "aten::scaled_dot_product_attention")
    operations += 4 * numbers(tensor(0)) * static_cast<double>(tensor(1).size(-2));
  return nullptr;
}

/// Random weights made on the device.
std::shared_ptr<nn::ParameterStore> weights_on_device(const VideoUNetConfig& config, at::Device device) {
  const auto shapes = nn::ParameterStore::meta();
  { const VideoUNet unet(config, nn::Scope(shapes)); }
  NamedTensors weights;
  for (const auto& [name, shape] : shapes->parameters())
    weights.emplace(name, 0.02 * at::randn(shape.sizes(), at::TensorOptions(device).dtype(at::kBFloat16)));
  return nn::ParameterStore::from_tensors(std::move(weights), "random", at::kBFloat16, device);
}

/// Median wall milliseconds between two waits for the GPU, after a warm-up.
template <class Work>
double gpu_milliseconds(int repetitions, const Work& work) {
  const auto wait = [] { at::detail::getCUDAHooks().deviceSynchronize(0); };
  std::vector<double> times;
  for (int i = -2; i < repetitions; ++i) {
    wait();
    const auto start = std::chrono::steady_clock::now();
    work();
    wait();
    if (i >= 0) times.push_back(1e3 * std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

void run_on_gpu(int repetitions) {
  constexpr int64_t frames = 21, size = 72, side = 8192;
  const at::Device device(at::kCUDA, 0);
  const auto options = at::TensorOptions(device).dtype(at::kBFloat16);
  prefer_speed(device);
  const c10::NoGradGuard no_grad;
  double peak = 0;
  {
    const Tensor a = at::randn({side, side}, options), b = at::randn({side, side}, options);
    peak = 2.0 * side * side * side / gpu_milliseconds(repetitions, [&] { at::mm(a, b); }) / 1e9;
  }
  const VideoUNetConfig config = sv3d_unet_config(320);
  const VideoUNet unet(config, nn::Scope(weights_on_device(config, device)));
  const auto random = [&](at::IntArrayRef shape) { return at::randn(shape, options.dtype(at::kFloat)); };
  Conditioning conditioning;
  conditioning.crossattn = random({1, 1, config.context_dim});
  conditioning.concat = random({1, config.out_channels, size, size});
  conditioning.vector = random({frames, config.adm_in_channels});
  conditioning.frames = frames;
  const Tensor noise = random({frames, config.out_channels, size, size}), sigma = at::ones({frames}, noise.options());
  const Autocast autocast(at::kCUDA, at::kBFloat16);
  const auto step = [&] { guided_denoise(unet, noise, sigma, conditioning, at::full({frames}, 2)); };
  const auto handle = at::addGlobalCallback(at::RecordFunctionCallback(&count_operations).needsInputs(true));
  step();
  at::removeCallback(handle);
  const double ms = gpu_milliseconds(repetitions, step), rate = operations / ms / 1e9;
  const auto memory = c10::getDeviceAllocator(at::kCUDA)->getDeviceStats(0);
  fmt::print(
      "SV3D's UNet, bf16, one guided step of {} x {} x {}: {:.1f} ms, {:.1f} TFLOP = {:.0f} TFLOP/s, {:.0f} % of {:.0f} TFLOP/s "
      "in an {}^3 product, peak memory {:.1f} GiB\n",
      frames, size, size, ms, operations / 1e12, rate, 100 * rate / peak, peak, side,
      static_cast<double>(memory.allocated_bytes[0].peak) / (1 << 30));
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
  if (argc >= 2 && std::string(argv[1]) == "gpu") {
    run_on_gpu(argc > 2 ? std::atoi(argv[2]) : 5);
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
