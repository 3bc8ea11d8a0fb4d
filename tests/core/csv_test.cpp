#include "core/csv.h"

#include <gmock/gmock.h>

#include "core/atomic_file.h"
#include "errors.h"
#include "temporary_folder.h"

namespace gsv3d {
namespace {

using testing::error_of;
using ::testing::HasSubstr;

TEST(Csv, QuotesAndErrors) {
  testing::TemporaryFolder folder;
  const auto path = folder.path() / "t.csv";
  write_file(path, "a,b\r\n1,\"x, \"\"y\"\"\nz\"\r\n\n" + csv_field("p\"q") + ",2");
  const auto rows = read_csv(path);
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].at("b"), "x, \"y\"\nz");
  EXPECT_EQ(rows[1].at("a"), "p\"q");
  write_file(path, "a,b\n1\n");
  EXPECT_THAT(error_of([&] { read_csv(path); }), HasSubstr("record 2"));
}

}  // namespace
}  // namespace gsv3d
