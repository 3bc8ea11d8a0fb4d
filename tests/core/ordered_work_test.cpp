#include "core/ordered_work.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "errors.h"

namespace gsv3d {
namespace {

using testing::error_of;

TEST(OrderedWork, ResultsComeInOrderAndErrorsWhereTheirTurnIs) {
  const int threads = at::get_num_threads();
  for (int count : {1, 4}) {
    at::set_num_threads(count);
    std::vector<int64_t> taken;
    ordered_work(
        50, [](int64_t i) { return i * i; }, [&](int64_t i, int64_t square) { taken.push_back(square - i * i + i); });
    for (int64_t i = 0; i < 50; ++i) EXPECT_EQ(taken[static_cast<size_t>(i)], i);
    taken.clear();
    const auto failing = [](int64_t i) {
      if (i == 20) fail("piece {}", i);
      return i;
    };
    EXPECT_EQ(error_of([&] { ordered_work(50, failing, [&](int64_t i, int64_t) { taken.push_back(i); }); }), "piece 20");
    EXPECT_EQ(taken.size(), 20U);
  }
  at::set_num_threads(threads);
}

}  // namespace
}  // namespace gsv3d
