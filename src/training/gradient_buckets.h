// Averages gradients over the processes that train together, bucket by bucket, while backward() still makes the others.
#pragma once

#include <memory>
#include <vector>

#include "core/safetensors.h"
#include "training/process_group.h"

namespace gsv3d {

class GradientBuckets {
 public:
  /// Watches the gradients of these parameters (float32 leaves) while it lives. Which parameters share a bucket follows from
  /// their names and sizes alone, so that sums have the same order in every step. A group of one is left alone.
  GradientBuckets(const NamedTensors& parameters, std::shared_ptr<ProcessGroup> group, int64_t bytes = 8 << 20);
  ~GradientBuckets();
  GradientBuckets(const GradientBuckets&) = delete;
  GradientBuckets& operator=(const GradientBuckets&) = delete;

  /// Whether another backward() of the same step follows the next one: gradients then add up where they are.
  void set_more_to_come(bool more) { more_to_come_ = more; }
  /// After the last backward(): gradients become their mean over all processes, one that a process lacks counting as zero there,
  /// and one that all lack staying undefined. Throws as ProcessGroup::begin_sum() does.
  void finish();

 private:
  struct Bucket {
    std::vector<size_t> members;
    Tensor values;  // flat
    size_t ready = 0;
    std::function<void()> end;
  };
  struct Member {
    Tensor parameter, place;  // place: in its bucket's values
    size_t bucket = 0;
    bool has_gradient = false;
  };
  class Hook;
  void take(size_t member);
  void begin_ready();
  void begin(Bucket& bucket);
  void learn_order();

  std::shared_ptr<ProcessGroup> group_;
  std::vector<Member> members_;
  std::vector<Bucket> buckets_;
  std::vector<size_t> completed_;  // buckets in the order in which this backward() made them
  std::vector<size_t> order_;      // in which buckets are summed, the same everywhere; empty until the first step is over
  size_t begun_ = 0;               // of order_
  bool more_to_come_ = false;
};

}  // namespace gsv3d
