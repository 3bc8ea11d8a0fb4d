// Toy networks are too small to share: with several threads these tests mostly wait, all the more on a busy machine.
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

namespace {

class OneThread : public ::testing::Environment {
 public:
  void SetUp() override { at::set_num_threads(1); }
};

const auto* const environment = ::testing::AddGlobalTestEnvironment(new OneThread);

}  // namespace
