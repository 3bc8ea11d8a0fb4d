// No memory from the system in the steady state of the hot loop: malloc and its relatives are counted for the whole program,
// OpenMP and LibTorch included.
#include <ATen/Parallel.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <atomic>
#include <cerrno>

#include "random_scenes.h"
#include "rasterizer/cpu/binning.h"
#include "rasterizer/cpu/blending.h"
#include "rasterizer/cpu/projection.h"
#include "rasterizer/cpu/view.h"
#include "rasterizer/rasterizer.h"
#include "rasterizer/workspace.h"

// The sanitizers have a malloc of their own; other C libraries have no names for theirs.
#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define GSV3D_COUNTS_ALLOCATIONS 1
#else
#define GSV3D_COUNTS_ALLOCATIONS 0
#endif

namespace {

std::atomic<bool> counting = false;
std::atomic<int64_t> allocations = 0, largest = 0;

#if GSV3D_COUNTS_ALLOCATIONS
void count(size_t size) {
  if (!counting.load(std::memory_order_relaxed)) return;
  ++allocations;
  auto seen = largest.load();
  while (static_cast<int64_t>(size) > seen && !largest.compare_exchange_weak(seen, static_cast<int64_t>(size))) {
  }
}
#endif

}  // namespace

#if GSV3D_COUNTS_ALLOCATIONS
extern "C" {
void* __libc_malloc(size_t);
void* __libc_calloc(size_t, size_t);
void* __libc_realloc(void*, size_t);
void* __libc_memalign(size_t, size_t);

void* malloc(size_t size) {
  count(size);
  return __libc_malloc(size);
}
void* calloc(size_t number, size_t size) {
  count(number * size);
  return __libc_calloc(number, size);
}
void* realloc(void* old, size_t size) {
  count(size);
  return __libc_realloc(old, size);
}
void* memalign(size_t alignment, size_t size) {
  count(size);
  return __libc_memalign(alignment, size);
}
void* aligned_alloc(size_t alignment, size_t size) {
  count(size);
  return __libc_memalign(alignment, size);
}
int posix_memalign(void** result, size_t alignment, size_t size) {
  count(size);
  void* block = __libc_memalign(alignment, size);
  if (!block) return ENOMEM;
  *result = block;
  return 0;
}
}
#endif

namespace gsv3d {
namespace {

struct Counted {
  int64_t allocations, largest;
};
template <class Work>
Counted count_allocations(const Work& work) {
  allocations = 0, largest = 0;
  counting = true;
  work();
  counting = false;
  return {allocations, largest};
}

float* floats(const Tensor& tensor) {
  return tensor.data_ptr<float>();
}

/// Two scenes bound to the kernels, with memory from a workspace as RasterizeFunction takes it.
class KernelLoop {
 public:
  KernelLoop(int sh_coefficients, bool antialiased, int threads)
      : g_(testing::random_gaussians(kGaussians, sh_coefficients, 3)), cameras_(testing::wide_cameras(kViews, kWidth, kHeight)) {
    for (int64_t v = 0; v < kViews; ++v)
      views_.push_back(splat_cpu::make_view(floats(cameras_.world_to_camera) + 16 * v, floats(cameras_.intrinsics) + 9 * v, v));
    ranges_ = splat_cpu::view_ranges(scenes_, 2);
    in_ = {.gaussians = {floats(g_.means), floats(g_.quats), floats(g_.scales), floats(g_.opacities), floats(g_.sh),
                         sh_coefficients},
           .scenes = scenes_,
           .scene_count = 2,
           .views = views_.data(),
           .grid = splat_cpu::Grid(kWidth, kHeight),
           .antialiased = antialiased,
           .threads = threads};
  }

  /// Every kernel of both directions once, counted; memory comes from the workspace, uncounted.
  Counted step() {
    const auto empty = [&](at::IntArrayRef shape, at::ScalarType type = at::kFloat) { return workspace_.empty(shape, type); };
    const int64_t pixels = int64_t{kWidth} * kHeight, tiles = in_.grid.tiles();
    const Tensor splats = empty({kSplats, splat_cpu::kSplatFloats}), first_slot = empty({kSplats + 1}, at::kInt);
    const Tensor offsets = empty({kViews * tiles + 1}, at::kInt), keys = empty({2 * kSplats, 2}, at::kInt);
    const Tensor next = empty({kViews * tiles}, at::kInt), drawn = empty({kViews}, at::kInt);
    const Tensor splat_tiles = empty({kSplats, 2}, at::kInt), images = empty({7, kViews, pixels});
    const Tensor last = empty({kViews, pixels}, at::kInt), background = at::zeros({kViews, 3});
    auto* splat = reinterpret_cast<splat_cpu::Splat*>(floats(splats));
    auto* slots = first_slot.data_ptr<int32_t>();
    auto* tile_offsets = offsets.data_ptr<int32_t>();
    const splat_cpu::BinningParameters binning = {splat, ranges_.data(), kViews, kSplats, in_.grid, in_.threads};
    const splat_cpu::BinningScratch scratch = {reinterpret_cast<splat_cpu::DepthKey*>(keys.data_ptr<int32_t>()),
                                               reinterpret_cast<splat_cpu::SplatTiles*>(splat_tiles.data_ptr<int32_t>()),
                                               drawn.data_ptr<int32_t>(), next.data_ptr<int32_t>()};
    Counted sum = {0, 0};
    const auto add = [&](const auto& work) {
      const auto counted = count_allocations(work);
      sum = {sum.allocations + counted.allocations, std::max(sum.largest, counted.largest)};
    };
    add([&] {
      splat_cpu::project_forward(in_, 0.01f, 1e10f, splat);
      pairs_ = splat_cpu::count_tile_entries(binning, scratch, slots, tile_offsets);
    });
    const Tensor entries = empty({pairs_, 2}, at::kInt), moments = empty({pairs_, splat_cpu::kMomentFloats});
    auto* moment = reinterpret_cast<splat_cpu::SplatMoments*>(floats(moments));
    auto* entry = reinterpret_cast<splat_cpu::TileEntry*>(entries.data_ptr<int32_t>());
    const Tensor v_gaussians = empty({kGaussians, 11 + g_.sh[0].numel()}), v_cameras = empty({kViews, 16});
    const Tensor view_sums = empty({splat_cpu::project_backward_scratch(in_)}, at::kDouble);
    float* v = floats(v_gaussians);
    const auto plane = [&](int64_t i) { return floats(images) + i * kViews * pixels; };
    const splat_cpu::BlendInputs blending = {splat,        ranges_.data(),     kViews,   entry,
                                             tile_offsets, floats(background), in_.grid, in_.threads};
    add([&] {
      splat_cpu::fill_tile_entries(binning, slots, tile_offsets, scratch, entry);
      splat_cpu::blend_forward(blending, {plane(0), plane(3), plane(4), plane(5), plane(6), last.data_ptr<int32_t>()});
      splat_cpu::blend_backward(blending, {plane(6), last.data_ptr<int32_t>(), plane(0), plane(3), plane(4)}, moment);
      splat_cpu::project_backward(in_, slots, moment,
                                  {v, v + 3 * kGaussians, v + 7 * kGaussians, v + 10 * kGaussians, v + 11 * kGaussians,
                                   floats(v_cameras), view_sums.data_ptr<double>()});
    });
    return sum;
  }
  int64_t pairs() const { return pairs_; }
  int64_t blocks_taken() const { return workspace_.statistics().allocations; }

 private:
  static constexpr int64_t kGaussians = 3000, kViews = 4, kSplats = 1000 * 1 + 2000 * 3;
  static constexpr int kWidth = 70, kHeight = 50;
  Gaussians g_;
  Cameras cameras_;
  splat_cpu::SceneRange scenes_[2] = {{0, 1000, 0, 1, 0}, {1000, kGaussians, 1, kViews, 1000}};
  std::vector<splat_cpu::View> views_;
  std::vector<splat_cpu::ViewRange> ranges_;
  splat_cpu::ProjectionParameters in_;
  RasterizeWorkspace workspace_;
  int64_t pairs_ = 0;
};

TEST(SteadyState, TheCounterCounts) {
  if (!GSV3D_COUNTS_ALLOCATIONS) GTEST_SKIP() << "allocations are not counted under a sanitizer";
  Tensor kept;
  const auto counted = count_allocations([&] { kept = at::empty({5000}); });
  EXPECT_GT(counted.allocations, 0);
  EXPECT_GE(counted.largest, 20000);
  EXPECT_EQ(count_allocations([] {}).allocations, 0);
}

TEST(SteadyState, KernelsAllocateNothing) {
  if (!GSV3D_COUNTS_ALLOCATIONS) GTEST_SKIP() << "allocations are not counted under a sanitizer";
  for (const int threads : {1, 2}) {
    for (const auto& [sh_coefficients, antialiased] : {std::pair(1, false), std::pair(16, true)}) {
      KernelLoop loop(sh_coefficients, antialiased, threads);
      loop.step();  // OpenMP makes its threads, the workspace takes its blocks
      const int64_t blocks = loop.blocks_taken();
      ASSERT_GT(loop.pairs(), 1000);
      for (int i = 0; i < 3; ++i) EXPECT_EQ(loop.step().allocations, 0) << threads << " threads, call " << i;
      EXPECT_EQ(loop.blocks_taken(), blocks);
    }
  }
}

TEST(SteadyState, AStepWithAWorkspaceAllocatesOnlyTensorHeaders) {
  if (!GSV3D_COUNTS_ALLOCATIONS) GTEST_SKIP() << "allocations are not counted under a sanitizer";
  const auto workspace = std::make_shared<RasterizeWorkspace>();
  auto scene = testing::leaf_copy({testing::random_gaussians(3000, 4, 1), {}, testing::wide_cameras(2, 70, 50), {}}, at::kFloat);
  const std::vector<Tensor> v = {at::ones({2, 3, 50, 70}), at::ones({2, 1, 50, 70}), at::ones({2, 1, 50, 70})};
  const auto step = [&] {
    for (const auto& leaf : testing::leaves(scene)) leaf.mutable_grad() = Tensor();
    const auto r = rasterize(scene.gaussians, scene.cameras, scene.background, {.workspace = workspace});
    torch::autograd::backward({r.rgb, r.alpha, r.depth}, v);
  };
  step(), step();
  // The smallest array here that grows with Gaussians, pixels or pairs is that of 3000 opacities.
  for (int i = 0; i < 3; ++i) EXPECT_LT(count_allocations(step).largest, 3000 * 4);
}

}  // namespace
}  // namespace gsv3d
