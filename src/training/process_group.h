// The processes that train together: each takes its share of every batch, and gradients are averaged over all. One process alone
// is a group, too, in which nothing is exchanged, so that stages need not know.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "core/error.h"
#include "core/job_place.h"
#include "core/tensor.h"

namespace gsv3d {

/// The items of a batch that one process takes. Random numbers are drawn for the whole batch everywhere, so that they do not
/// depend on the number of processes.
struct BatchShare {
  int64_t whole = 0, first = 0, count = 0;  ///< items [first, first + count) of `whole`

  static BatchShare all(int64_t count) { return {count, 0, count}; }
  /// The share's rows of a tensor over the whole batch with so many rows per item.
  Tensor of(const Tensor& batch, int64_t rows = 1) const {
    return count == whole ? batch : batch.narrow(0, first * rows, count * rows);
  }
  template <class Item>
  std::vector<Item> of(const std::vector<Item>& batch) const {
    return {batch.begin() + first, batch.begin() + first + count};
  }
  /// One of so many equal parts of it; Error when there are none.
  BatchShare part(int64_t index, int64_t parts) const {
    require(count % parts == 0, "{} items cannot be taken in {} equal parts", count, parts);
    return {whole, first + index * (count / parts), count / parts};
  }
  /// What is left of it when only the first `end` items of the batch are meant.
  BatchShare below(int64_t end) const {
    const int64_t begin = std::min(first, end);
    return {end, begin, std::min(first + count, end) - begin};
  }
};

class ProcessGroup {
 public:
  /// One process.
  ProcessGroup() = default;
  virtual ~ProcessGroup() = default;
  ProcessGroup(const ProcessGroup&) = delete;
  ProcessGroup& operator=(const ProcessGroup&) = delete;

  int64_t rank() const { return rank_; }
  int64_t size() const { return size_; }
  /// Process 0 writes files and talks.
  bool is_first() const { return rank_ == 0; }
  /// Throws Error when the processes cannot share a batch equally.
  BatchShare share(int64_t batch) const;

  /// Begins to sum a contiguous tensor over all processes, in place; the function that is returned ends it. All processes begin
  /// the same sums in the same order. Both throw Error when another process is gone.
  virtual std::function<void()> begin_sum(const Tensor& tensor);
  /// The values of process `from`, in place. Throws as begin_sum() does.
  virtual void broadcast(const std::vector<Tensor>& tensors, int64_t from = 0);
  /// Waits for all.
  virtual void barrier() {}

  /// Sum and mean over all processes; the tensor itself in a group of one.
  Tensor sum(const Tensor& tensor);
  Tensor mean(const Tensor& tensor) { return size_ == 1 ? tensor : sum(tensor) / static_cast<double>(size_); }

 protected:
  ProcessGroup(int64_t rank, int64_t size) : rank_(rank), size_(size) {}

 private:
  int64_t rank_ = 0, size_ = 1;
};

/// Meets the other processes of the job: over TCP through LibTorch's c10d, with NCCL for tensors on a CUDA device where it was
/// compiled, else with Gloo. A place of one process gives a group of one. Throws Error when they do not come in time,
/// or when the program was built without.
std::shared_ptr<ProcessGroup> join_group(const JobPlace& place, at::Device device);

/// "Gloo, NCCL", "Gloo" or "none": what join_group() has.
const char* group_engines();

}  // namespace gsv3d
