// Stable Diffusion's UNet at any width on the CPU, beside bench/peers/diffusers_unet2d.py (compare_unet2d.sh there).
//   bench_unet2d WIDTH SIZE REPETITIONS THREADS fp32|bf16    one guided step (2 rows) after the run's first: CPU and wall
//                                                         milliseconds, peak memory
#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>
#include <fmt/core.h>

#include <chrono>
#include <cstdlib>
#include <ctime>

#include "core/device.h"
#include "diffusion/unet2d.h"
#include "random_sv3d.h"
#include "resident_memory.h"

namespace {

using namespace gsv3d;

void run(int64_t width, int64_t size, int repetitions, at::ScalarType precision) {
  UNet2DConfig config;
  config.model_channels = width;
  const UNet2D unet = random_network<UNet2D>(config, precision);
  const auto generator = make_generator(3);
  const Tensor x = randn({2, config.in_channels, size, size}, generator), context = randn({2, 77, config.context_dim}, generator);
  const c10::NoGradGuard no_grad;
  const Autocast autocast(at::kCPU, precision);
  UNetMemory memory;  // the first call, which is not counted, leaves the text's keys and values in it, as in any run
  reset_peak();
  const double before = resident("VmRSS:");
  for (int i = -1; i < repetitions; ++i) {
    const std::clock_t cpu = std::clock();
    const auto wall = std::chrono::steady_clock::now();
    unet({.x = x, .timesteps = at::full({2}, 500.0F), .context = context, .memory = &memory});
    if (i < 0) continue;
    fmt::print("gsv3d {} cpu_ms {:.0f} wall_ms {:.0f} peak_mb {:.0f} (before {:.0f})\n", dtype_name(precision),
               1e3 * static_cast<double>(std::clock() - cpu) / CLOCKS_PER_SEC,
               1e3 * std::chrono::duration<double>(std::chrono::steady_clock::now() - wall).count(), resident("VmHWM:"), before);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    fmt::print(stderr, "use: bench_unet2d WIDTH SIZE REPETITIONS THREADS fp32|bf16\n");
    return 2;
  }
  at::set_num_threads(std::atoi(argv[4]));
  run(std::atoll(argv[1]), std::atoll(argv[2]), std::atoi(argv[3]), gsv3d::parse_dtype(argv[5]));
}
