// Memory that the rasterizer's calls hand on to each other. A training step takes some hundred megabytes in large blocks, which
// an allocator gives back to the system and gets again, page by page; here they stay with an owner who can see and release them.
#pragma once

#include <memory>

#include "core/tensor.h"

namespace gsv3d {

/// Keeps blocks of CPU memory whose tensors are gone, for later tensors of about their size. Safe to use from several threads;
/// tensors may outlive it.
class RasterizeWorkspace {
 public:
  /// At most `idle_limit` bytes are kept while no tensor uses them.
  explicit RasterizeWorkspace(int64_t idle_limit = int64_t{1} << 30);

  /// A tensor without values whose memory comes back here when its last reference goes. Throws Error when there is no memory.
  Tensor empty(at::IntArrayRef shape, at::ScalarType type);

  /// Gives what no tensor uses back to the system.
  void release();

  struct Statistics {
    int64_t allocations = 0;     ///< blocks asked from the system so far
    int64_t used = 0, idle = 0;  ///< bytes of blocks in tensors; bytes kept for later
    int64_t most_used = 0;       ///< the largest `used` so far
  };
  Statistics statistics() const;

 private:
  struct Blocks;
  std::shared_ptr<Blocks> blocks_;
};

}  // namespace gsv3d
