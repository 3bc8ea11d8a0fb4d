// Two processes as two threads of a test, whose group adds in memory.
#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>

#include "training/process_group.h"

namespace gsv3d::testing {

/// What two members of a group have begun to sum, in their orders.
struct Meeting {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<Tensor> begun[2];
};

class ThreadGroup : public ProcessGroup {
 public:
  ThreadGroup(int64_t rank, Meeting& meeting) : ProcessGroup(rank, 2), meeting_(meeting) {}
  std::function<void()> begin_sum(const Tensor& tensor) override {
    const std::lock_guard lock(meeting_.mutex);
    auto& own = meeting_.begun[rank()];
    own.push_back(tensor.clone());
    meeting_.changed.notify_all();
    return [this, tensor, index = own.size() - 1] {
      std::unique_lock lock(meeting_.mutex);
      meeting_.changed.wait(lock, [&] { return meeting_.begun[0].size() > index && meeting_.begun[1].size() > index; });
      EXPECT_EQ(meeting_.begun[0][index].sizes(), meeting_.begun[1][index].sizes()) << "the same sums in the same order";
      tensor.copy_(meeting_.begun[0][index] + meeting_.begun[1][index]);
    };
  }
  void broadcast(const std::vector<Tensor>& tensors, int64_t from) override {
    for (const Tensor& tensor : tensors) {
      if (rank() != from) tensor.zero_();
      begin_sum(tensor)();
    }
  }

 private:
  Meeting& meeting_;
};

}  // namespace gsv3d::testing
