#include "core/markup.h"

#include <gtest/gtest.h>

namespace gsv3d {
namespace {

TEST(Markup, EscapesWhatHasAMeaning) {
  EXPECT_EQ(escaped("a<b & \"c\">d"), "a&lt;b &amp; &quot;c&quot;&gt;d");
  EXPECT_EQ(escaped("&amp;"), "&amp;amp;");
  EXPECT_EQ(escaped("Tür 'x'"), "Tür 'x'");
}

}  // namespace
}  // namespace gsv3d
