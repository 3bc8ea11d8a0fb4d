#include "training/gradient_buckets.h"

#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/variable.h>

#include <algorithm>

namespace gsv3d {

class GradientBuckets::Hook : public torch::autograd::PostAccumulateGradHook {
 public:
  Hook(GradientBuckets& buckets, size_t member) : buckets_(buckets), member_(member) {}
  void operator()(const Tensor&) override {
    if (!buckets_.more_to_come_) buckets_.take(member_);
  }

 private:
  GradientBuckets& buckets_;
  size_t member_;
};

GradientBuckets::GradientBuckets(const NamedTensors& parameters, std::shared_ptr<ProcessGroup> group, int64_t bytes)
    : group_(std::move(group)) {
  if (group_->size() == 1) return;
  int64_t filled = bytes;
  for (const auto& [name, parameter] : parameters) {
    if (filled >= bytes) buckets_.emplace_back(), filled = 0;
    filled += static_cast<int64_t>(parameter.nbytes());
    buckets_.back().members.push_back(members_.size());
    members_.push_back({parameter, {}, buckets_.size() - 1});
  }
  for (Bucket& bucket : buckets_) {
    int64_t count = 0, first = 0;
    for (const size_t i : bucket.members) count += members_[i].parameter.numel();
    bucket.values = at::zeros({count}, members_[bucket.members[0]].parameter.options().requires_grad(false));
    for (const size_t i : bucket.members) {
      Member& member = members_[i];
      member.place = bucket.values.narrow(0, first, member.parameter.numel()).view_as(member.parameter);
      first += member.parameter.numel();
    }
  }
  for (size_t i = 0; i < members_.size(); ++i)
    torch::autograd::impl::set_post_acc_grad_hooks(members_[i].parameter, std::make_unique<Hook>(*this, i));
}

GradientBuckets::~GradientBuckets() {
  for (const Member& member : members_) torch::autograd::impl::set_post_acc_grad_hooks(member.parameter, nullptr);
}

/// A gradient is whole: it moves into its bucket.
void GradientBuckets::take(size_t i) {
  const c10::NoGradGuard no_grad;
  Member& member = members_[i];
  member.place.copy_(member.parameter.grad());
  member.parameter.mutable_grad() = Tensor();
  member.has_gradient = true;
  Bucket& bucket = buckets_[member.bucket];
  if (++bucket.ready < bucket.members.size()) return;
  completed_.push_back(member.bucket);
  begin_ready();
}

void GradientBuckets::begin(Bucket& bucket) {
  bucket.end = group_->begin_sum(bucket.values);
}

/// Processes may complete buckets in different orders, but must sum them in one.
void GradientBuckets::begin_ready() {
  while (begun_ < order_.size() && buckets_[order_[begun_]].ready == buckets_[order_[begun_]].members.size())
    begin(buckets_[order_[begun_++]]);
}

/// The order in which the first process completed its buckets, then the others.
void GradientBuckets::learn_order() {
  for (size_t i = 0; i < buckets_.size(); ++i)
    if (std::find(completed_.begin(), completed_.end(), i) == completed_.end()) completed_.push_back(i);
  const Tensor order = at::empty({static_cast<int64_t>(buckets_.size())}, at::kLong);
  std::copy(completed_.begin(), completed_.end(), order.mutable_data_ptr<int64_t>());
  group_->broadcast({order});
  order_.assign(order.const_data_ptr<int64_t>(), order.const_data_ptr<int64_t>() + order.numel());
}

void GradientBuckets::finish() {
  if (group_->size() == 1) return;
  const c10::NoGradGuard no_grad;
  if (order_.empty()) learn_order();
  // What an earlier backward() of the step made, and the last one did not touch.
  for (size_t i = 0; i < members_.size(); ++i)
    if (!members_[i].has_gradient && members_[i].parameter.grad().defined()) take(i);
  // Then what is missing: a bucket must not be summed with values of the step before.
  for (Member& member : members_)
    if (!member.has_gradient) member.place.zero_();
  while (begun_ < order_.size()) begin(buckets_[order_[begun_++]]);
  const Tensor present = at::zeros({static_cast<int64_t>(members_.size())});
  for (size_t i = 0; i < members_.size(); ++i) present.mutable_data_ptr<float>()[i] = members_[i].has_gradient ? 1 : 0;
  const auto end_present = group_->begin_sum(present);
  for (Bucket& bucket : buckets_) {
    bucket.end();
    bucket.values.div_(static_cast<double>(group_->size()));
    bucket.ready = 0;
    bucket.end = nullptr;
  }
  end_present();
  for (size_t i = 0; i < members_.size(); ++i) {
    Member& member = members_[i];
    if (present.const_data_ptr<float>()[i] > 0) member.parameter.mutable_grad() = member.place;
    member.has_gradient = false;
  }
  completed_.clear();
  begun_ = 0;
}

}  // namespace gsv3d
