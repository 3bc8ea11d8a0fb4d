#include "training/process_group.h"

#include <c10/core/GradMode.h>

namespace gsv3d {

BatchShare ProcessGroup::share(int64_t batch) const {
  require(batch % size_ == 0, "a batch of {} items cannot be shared by {} processes: set \"batch\" to a multiple of it", batch,
          size_);
  const int64_t count = batch / size_;
  return {batch, rank_ * count, count};
}

std::function<void()> ProcessGroup::begin_sum(const Tensor&) {
  return [] {};
}
void ProcessGroup::broadcast(const std::vector<Tensor>&, int64_t) {}

Tensor ProcessGroup::sum(const Tensor& tensor) {
  if (size_ == 1) return tensor;
  const c10::NoGradGuard no_grad;
  Tensor total = tensor.detach().clone(at::MemoryFormat::Contiguous);
  begin_sum(total)();
  return total;
}

}  // namespace gsv3d
