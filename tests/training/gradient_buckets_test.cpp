// Gradients of two processes, here two threads whose group adds in memory: what arrives, whatever order they come in.
#include "training/gradient_buckets.h"

#include <gtest/gtest.h>

#include <thread>

#include "thread_group.h"

namespace gsv3d {
namespace {

using testing::Meeting;
using testing::ThreadGroup;

NamedTensors three_parameters() {
  NamedTensors parameters;
  for (const char* name : {"a", "b", "c"})
    parameters[name] = at::full({name[0] - 'a' + 2, 3}, name[0] - 'a' + 1.0, at::kFloat).requires_grad_(true);
  return parameters;
}

/// `steps` steps of one member; `loss` of (rank, step, parameters). → each step's gradients.
template <class Loss>
std::vector<NamedTensors> gradients_of(int64_t rank, int64_t steps, Meeting& meeting, const Loss& loss, int64_t bucket_bytes) {
  NamedTensors parameters = three_parameters();
  GradientBuckets buckets(parameters, std::make_shared<ThreadGroup>(rank, meeting), bucket_bytes);
  std::vector<NamedTensors> result;
  for (int64_t step = 0; step < steps; ++step) {
    loss(rank, step, parameters).backward();
    buckets.finish();
    result.emplace_back();
    for (auto& [name, parameter] : parameters) {
      if (parameter.grad().defined()) result.back()[name] = parameter.grad().clone();
      parameter.mutable_grad() = Tensor();
    }
  }
  return result;
}

/// "a" and "b" always, in another order in each process and step; "c" in process 1 and odd steps only.
Tensor some_loss(int64_t rank, int64_t step, const NamedTensors& parameters) {
  const Tensor a = parameters.at("a"), b = parameters.at("b");
  const double factor = 1 + static_cast<double>(rank + 10 * step);
  Tensor loss = (rank + step) % 2 == 0 ? (a.square().sum() * factor + b.sum()) : (b.sum() + a.square().sum() * factor);
  if (rank == 1 && step % 2 == 1) loss = loss + parameters.at("c").sum() * 8;
  return loss;
}

TEST(GradientBuckets, AreMeansOverTheProcesses) {
  for (const int64_t bucket_bytes : {4, 60, 1 << 20}) {  // a bucket for each, two, one
    Meeting meeting;
    std::vector<NamedTensors> results[2];
    std::thread other([&] { results[1] = gradients_of(1, 4, meeting, some_loss, bucket_bytes); });
    results[0] = gradients_of(0, 4, meeting, some_loss, bucket_bytes);
    other.join();
    for (const auto& result : results) {
      for (size_t step = 0; step < 4; ++step) {
        const double factor = 1.5 + 10.0 * static_cast<double>(step);
        EXPECT_TRUE(at::allclose(result[step].at("a"), at::full({2, 3}, 2 * factor))) << step;
        EXPECT_TRUE(at::allclose(result[step].at("b"), at::ones({3, 3}))) << step;
        EXPECT_EQ(result[step].count("c"), step % 2) << "a gradient that nobody has stays undefined";
        if (step % 2 == 1) {
          EXPECT_TRUE(at::allclose(result[step].at("c"), at::full({4, 3}, 4.0))) << "one process lacks it";
        }
      }
    }
    EXPECT_EQ(meeting.begun[0].size(), meeting.begun[1].size());
  }
}

TEST(GradientBuckets, SumsBeginWhileBackwardIsStillAtWork) {
  Meeting meeting;
  std::vector<size_t> begun_in_backward;
  const auto loss = [&](int64_t rank, int64_t, const NamedTensors& parameters) {
    const Tensor a = parameters.at("a"), b = parameters.at("b"), c = parameters.at("c");
    // c's gradient is whole before a's is begun.
    const Tensor early = a.sum() * 2;
    early.register_hook([&meeting, &begun_in_backward, rank](const Tensor&) {
      if (rank == 0) begun_in_backward.push_back(meeting.begun[0].size());
    });
    return early * b.sum() * c.square().sum();
  };
  std::thread other([&] { gradients_of(1, 2, meeting, loss, 4); });
  gradients_of(0, 2, meeting, loss, 4);
  other.join();
  ASSERT_EQ(begun_in_backward.size(), 2U);
  EXPECT_EQ(begun_in_backward[0], 0U) << "the first step learns the order";
  // The first step began an order, three buckets and one list of what there is; the second's buckets of b and c are whole.
  EXPECT_GT(begun_in_backward[1], 5U);
}

/// Two backward passes in a step: "a" in both, "b" in the first alone.
TEST(GradientBuckets, TakePartsOfAStepTogether) {
  Meeting meeting;
  NamedTensors results[2];
  const auto member = [&](int64_t rank) {
    NamedTensors parameters = three_parameters();
    GradientBuckets buckets(parameters, std::make_shared<ThreadGroup>(rank, meeting), 4);
    const double factor = 1 + static_cast<double>(rank);
    for (int64_t step = 0; step < 2; ++step) {
      for (auto& [name, parameter] : parameters) parameter.mutable_grad() = Tensor();
      buckets.set_more_to_come(true);
      (parameters["a"].sum() * factor + parameters["b"].sum() * 4).backward();
      buckets.set_more_to_come(false);
      (parameters["a"].sum() * 10).backward();
      buckets.finish();
    }
    for (auto& [name, parameter] : parameters) results[rank][name] = parameter.grad();
  };
  std::thread other(member, 1);
  member(0);
  other.join();
  for (const NamedTensors& result : results) {
    EXPECT_TRUE(at::equal(result.at("a"), at::full({2, 3}, 11.5)));
    EXPECT_TRUE(at::equal(result.at("b"), at::full({3, 3}, 4.0)));
    EXPECT_FALSE(result.at("c").defined());
  }
}

TEST(GradientBuckets, OneProcessIsLeftAlone) {
  NamedTensors parameters = three_parameters();
  GradientBuckets buckets(parameters, std::make_shared<ProcessGroup>());
  parameters["a"].sum().backward();
  const Tensor gradient = parameters["a"].grad();
  buckets.finish();
  EXPECT_TRUE(parameters["a"].grad().is_same(gradient));
  EXPECT_FALSE(parameters["b"].grad().defined());
}

TEST(BatchShare, IsAPartOfTheWhole) {
  const Tensor batch = at::arange(12).view({12, 1});
  const BatchShare share{6, 2, 2};
  EXPECT_TRUE(at::equal(share.of(batch, 2), at::arange(4, 8).view({4, 1})));
  EXPECT_EQ(share.of(std::vector<int>{0, 1, 2, 3, 4, 5}), (std::vector<int>{2, 3}));
  EXPECT_EQ(share.part(1, 2).first, 3);
  EXPECT_EQ(share.part(1, 2).count, 1);
  EXPECT_EQ(share.part(1, 2).whole, 6);
  EXPECT_EQ(share.below(3).count, 1);
  EXPECT_EQ(share.below(3).whole, 3);
  EXPECT_EQ(share.below(1).count, 0);
  EXPECT_EQ(share.below(6).count, 2);
}

}  // namespace
}  // namespace gsv3d
