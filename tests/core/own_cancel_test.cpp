// One job of several is stopped by itself.
#include <gtest/gtest.h>

#include <thread>

#include "core/cancel.h"
#include "core/error.h"

namespace gsv3d {
namespace {

TEST(OwnCancel, StopsThisThreadAlone) {
  std::atomic<bool> stop = false;
  {
    const OwnCancel own(stop);
    EXPECT_NO_THROW(throw_if_cancelled());
    stop = true;
    EXPECT_THROW(throw_if_cancelled(), Cancelled);
    bool other = true;
    std::thread([&] { other = cancel_requested(); }).join();
    EXPECT_FALSE(other);
    std::atomic<bool> inner = false;
    {
      const OwnCancel nested(inner);
      EXPECT_FALSE(cancel_requested());
    }
    EXPECT_TRUE(cancel_requested());
  }
  EXPECT_FALSE(cancel_requested());
}

TEST(CancelHeld, KeepsTheRequestForLater) {
  request_cancel();
  {
    const CancelHeld outer;
    {
      const CancelHeld inner;
      EXPECT_NO_THROW(throw_if_cancelled());
    }
    EXPECT_NO_THROW(throw_if_cancelled());
    EXPECT_TRUE(cancel_requested());
  }
  EXPECT_THROW(throw_if_cancelled(), Cancelled);
  clear_cancel();
  EXPECT_NO_THROW(throw_if_cancelled());
}

}  // namespace
}  // namespace gsv3d
