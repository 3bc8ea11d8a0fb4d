#include "rasterizer_on_gpu.h"

#include <ATen/Context.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/core/GradMode.h>
#include <fmt/core.h>
#include <torch/csrc/autograd/autograd.h>

#include <bit>

#include "bound_scene.h"
#include "clocks.h"
#include "rasterizer/cpu/binning.h"
#include "rasterizer/rasterizer.h"

namespace gsv3d {
namespace {

constexpr int64_t kGaussians = 435456, kSize = 512;

/// Median wall time of `work` between two waits for the GPU, ms.
template <class Work>
double milliseconds(int rounds, const Work& work) {
  const auto wait = [] { at::detail::getCUDAHooks().deviceSynchronize(0); };
  std::vector<double> times;
  for (int i = 0; i < rounds + 3; ++i) {  // three to warm up
    wait();
    const double begin = clock_milliseconds(CLOCK_MONOTONIC);
    work();
    wait();
    if (i >= 3) times.push_back(clock_milliseconds(CLOCK_MONOTONIC) - begin);
  }
  return median(times);
}

/// Bytes per ms of a copy, and float32 operations per ms of a matrix product.
struct Peaks {
  double bytes, operations;
};
Peaks measured_peaks() {
  const auto options = at::TensorOptions(at::kCUDA).dtype(at::kFloat);
  constexpr int64_t kFloats = int64_t{1} << 28, kSide = 8192;
  const Tensor from = at::zeros({kFloats}, options), to = at::empty({kFloats}, options);
  const Tensor a = at::rand({kSide, kSide}, options), product = at::empty({kSide, kSide}, options);
  return {8.0 * kFloats / milliseconds(10, [&] { to.copy_(from); }),
          2.0 * kSide * kSide * kSide / milliseconds(10, [&] { at::mm_out(const_cast<Tensor&>(product), a, a); })};
}

/// (splat, tile) pairs, counted by the CPU kernels, whose tiles are the same.
int64_t pair_count(const Gaussians& gaussians, const Cameras& cameras) {
  const BoundScene scene(gaussians, cameras);
  const int64_t splats = gaussians.count() * cameras.count();
  std::vector<splat_cpu::Splat> memory(splats);
  splat_cpu::project_forward(scene.projection, 0.01f, 1e10f, memory.data());
  std::vector<int32_t> first_slot(splats + 1), offsets(cameras.count() * scene.projection.grid.tiles() + 1);
  std::vector<splat_cpu::DepthKey> keys(2 * splats);
  std::vector<splat_cpu::SplatTiles> tiles(splats);
  std::vector<int32_t> drawn(cameras.count());
  return splat_cpu::count_tile_entries({memory.data(), scene.ranges.data(), cameras.count(), splats, scene.projection.grid, 1},
                                       {keys.data(), tiles.data(), drawn.data(), nullptr}, first_slot.data(), offsets.data());
}

/// Bytes from and to memory, and operations in float32.
struct Work {
  const char* stage;
  double bytes, operations;
};

/// What each stage must do in deterministic mode, SH degree 0: docs/rasterizer.md says where the numbers come from.
std::vector<Work> counted_work(double gaussians, double views, double pairs) {
  const double splats = gaussians * views, pixels = views * kSize * kSize;
  const double tiles = views * (kSize / 16) * (kSize / 16),
               tile_passes = std::bit_width(static_cast<uint64_t>(tiles - 1)) / 8 + 1;
  constexpr double kPixelsPerPair = 3 * 32;  // warps that a pair reaches × their lanes
  return {{"projection", 56 * gaussians + 60 * splats, 250 * splats},
          {"sort by depth", 4 * 16 * splats + 4 * splats, 0},
          {"count, list pairs", 28 * splats + 60 * splats + 12 * pairs, 60 * splats},
          {"sort by tile", tile_passes * 16 * pairs + 16 * pairs, 0},
          {"blend", 52 * pairs + 28 * pixels, 30 * kPixelsPerPair * pairs},
          {"blend backward", (56 + 40) * pairs + 28 * pixels, 70 * kPixelsPerPair * pairs},
          {"projection backward", 56 * splats + 40 * pairs + 112 * gaussians, 500 * splats}};
}

void measure(int64_t views, int rounds, const Peaks& peaks) {
  const auto on_cpu = shell(kGaussians, kSize, 1, 100);
  const auto cameras_on_cpu = orbit_cameras(views, 15, kSize);
  const auto pairs = static_cast<double>(pair_count(on_cpu, cameras_on_cpu));
  Gaussians g = {on_cpu.means.cuda(), on_cpu.quats.cuda(), on_cpu.scales.cuda(), on_cpu.opacities.cuda(), on_cpu.sh.cuda()};
  const std::vector<Tensor*> leaves = {&g.means, &g.quats, &g.scales, &g.opacities, &g.sh};
  for (auto* leaf : leaves) leaf->requires_grad_(true);
  const Cameras cameras = cameras_on_cpu.to(at::kCUDA);
  const auto generator = make_generator(7);
  const auto v = [&](int64_t channels) { return randn({views, channels, kSize, kSize}, generator).cuda(); };
  const std::vector<Tensor> v_images = {v(3), v(1), v(1)};
  const Tensor white = at::ones({3}, g.means.options().requires_grad(false));
  for (const bool deterministic : {true, false}) {
    const RasterizeOptions options = {.deterministic = deterministic};
    const double forward = milliseconds(rounds, [&] {
      const c10::NoGradGuard no_grad;
      rasterize(g, cameras, white, options);
    });
    const double both = milliseconds(rounds, [&] {
      for (auto* leaf : leaves) leaf->mutable_grad() = Tensor();
      const auto r = rasterize(g, cameras, white, options);
      torch::autograd::backward({r.rgb, r.alpha, r.depth}, v_images);
    });
    fmt::print(R"({{"program": "gsv3d", "deterministic": {}, "gaussians": {}, "views": {}, "size": {}, "pairs": {:.0f}, )"
               R"("forward_ms": {:.3f}, "forward_backward_ms": {:.3f}}})"
               "\n",
               deterministic, kGaussians, views, kSize, pairs, forward, both);
  }
  double total = 0;
  for (const auto& work : counted_work(kGaussians, static_cast<double>(views), pairs)) {
    const double memory = work.bytes / peaks.bytes, arithmetic = work.operations / peaks.operations;
    total += std::max(memory, arithmetic);
    fmt::print("  roofline {:<20} {:8.2f} GB {:8.3f} ms {:8.1f} GFLOP {:8.3f} ms\n", work.stage, work.bytes * 1e-9, memory,
               work.operations * 1e-9, arithmetic);
  }
  fmt::print("  roofline, sum of each stage's bound {:.3f} ms\n", total);
}

}  // namespace

void measure_on_gpu(int rounds, const char* part) {
  if (!at::hasCUDA()) {
    fmt::print("GPU: no CUDA device, or LibTorch is its CPU build\n");
    return;
  }
  const Peaks peaks = measured_peaks();
  fmt::print("GPU: copies {:.0f} GB/s, float32 products {:.1f} TFLOP/s\n", peaks.bytes * 1e-6, peaks.operations * 1e-9);
  for (const int64_t views : {8, 21}) {
    const auto name = fmt::format("GPU: 435k Gaussians of 1 px, {} views of 512²", views);
    if (name.find(part) == std::string::npos) continue;
    fmt::print("{}\n", name);
    measure(views, rounds, peaks);
  }
}

}  // namespace gsv3d
