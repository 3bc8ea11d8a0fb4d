#include "rasterizer/workspace.h"

#include <bit>
#include <cstdlib>
#include <map>
#include <mutex>

#include "core/error.h"

namespace gsv3d {
namespace {

constexpr size_t kAlignment = 64;  // a cache line and a vector register

/// Rounded up to one of eight steps between powers of two, so that sizes which vary a little from step to step fit again.
size_t block_size(size_t bytes) {
  constexpr size_t kSmallest = 4096;
  if (bytes <= kSmallest) return kSmallest;
  const size_t step = std::bit_floor(bytes - 1) / 8;
  return (bytes + step - 1) / step * step;
}

}  // namespace

struct RasterizeWorkspace::Blocks {
  std::mutex mutex;
  std::multimap<size_t, void*> idle;
  int64_t idle_limit;
  Statistics statistics;

  explicit Blocks(int64_t limit) : idle_limit(limit) {}
  ~Blocks() { release(); }

  /// → the block and its size; an idle one if it is at most half as large again.
  std::pair<void*, size_t> take(size_t bytes) {
    size_t size = block_size(bytes);
    const std::lock_guard lock(mutex);
    void* block = nullptr;
    if (const auto found = idle.lower_bound(size); found != idle.end() && found->first <= size + size / 2) {
      size = found->first, block = found->second;
      idle.erase(found);
      statistics.idle -= static_cast<int64_t>(size);
    } else {
      block = std::aligned_alloc(kAlignment, size);
      require(block, "no memory for {} bytes of the rasterizer's", size);
      ++statistics.allocations;
    }
    statistics.used += static_cast<int64_t>(size);
    statistics.most_used = std::max(statistics.most_used, statistics.used);
    return {block, size};
  }

  void give_back(void* block, size_t size) {
    const std::lock_guard lock(mutex);
    statistics.used -= static_cast<int64_t>(size);
    if (statistics.idle + static_cast<int64_t>(size) > idle_limit) return std::free(block);
    idle.emplace(size, block);
    statistics.idle += static_cast<int64_t>(size);
  }

  void release() {
    const std::lock_guard lock(mutex);
    for (const auto& [size, block] : idle) std::free(block);
    idle.clear();
    statistics.idle = 0;
  }
};

RasterizeWorkspace::RasterizeWorkspace(int64_t idle_limit) : blocks_(std::make_shared<Blocks>(idle_limit)) {}

Tensor RasterizeWorkspace::empty(at::IntArrayRef shape, at::ScalarType type) {
  const auto bytes = static_cast<size_t>(c10::multiply_integers(shape)) * c10::elementSize(type);
  const auto [block, size] = blocks_->take(bytes);
  const auto give_back = [blocks = blocks_, size = size](void* data) { blocks->give_back(data, size); };
  return at::from_blob(block, shape, give_back, at::TensorOptions(type));
}

void RasterizeWorkspace::release() {
  blocks_->release();
}

RasterizeWorkspace::Statistics RasterizeWorkspace::statistics() const {
  const std::lock_guard lock(blocks_->mutex);
  return blocks_->statistics;
}

}  // namespace gsv3d
