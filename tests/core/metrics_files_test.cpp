// Numbers of a run on disk: the growing table, and TensorBoard's events.
#include <gtest/gtest.h>

#include <bit>
#include <cstring>
#include <vector>

#include "core/atomic_file.h"
#include "core/crc32c.h"
#include "core/error.h"
#include "core/metrics_csv.h"
#include "core/tensorboard.h"
#include "temporary_folder.h"

namespace gsv3d {
namespace {

using testing::TemporaryFolder;

// RFC 3720, appendix B.4, and the catalogue's check value.
TEST(Crc32cGolden, KnownValues) {
  EXPECT_EQ(crc32c("123456789"), 0xe3069283u);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aau);
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43u);
  std::string ascending, descending;
  for (int i = 0; i < 32; ++i) ascending.push_back(static_cast<char>(i)), descending.push_back(static_cast<char>(31 - i));
  EXPECT_EQ(crc32c(ascending), 0x46dd794eu);
  EXPECT_EQ(crc32c(descending), 0x113fdb5cu);
  EXPECT_EQ(crc32c(""), 0u);
}

// The first record of every TensorBoard file that TensorFlow writes: 24 bytes of event data (wall time, file version), with its
// frame of length and CRCs. The bytes before the wall time do not depend on it: length 24 and its masked CRC a3 7f 4b 22.
TEST(TensorboardGolden, FirstRecordStartsAsTensorFlowWritesIt) {
  const std::string data(24, 'x');
  const std::string record = tfrecord(data);
  const unsigned char expected[12] = {0x18, 0, 0, 0, 0, 0, 0, 0, 0xa3, 0x7f, 0x4b, 0x22};
  ASSERT_EQ(record.size(), 24u + 16u);
  EXPECT_EQ(std::memcmp(record.data(), expected, 12), 0);
}

/// Splits a file into records, checking both CRCs of each.
std::vector<std::string> records(const std::string& file) {
  std::vector<std::string> all;
  for (size_t at = 0; at < file.size();) {
    uint64_t length = 0;
    uint32_t crc = 0;
    std::memcpy(&length, file.data() + at, 8);
    std::memcpy(&crc, file.data() + at + 8, 4);
    EXPECT_EQ(crc, masked_crc32c(std::string_view(file).substr(at, 8)));
    all.push_back(file.substr(at + 12, length));
    std::memcpy(&crc, file.data() + at + 12 + length, 4);
    EXPECT_EQ(crc, masked_crc32c(all.back()));
    at += 16 + length;
  }
  return all;
}

TEST(Tensorboard, EventsParseBack) {
  const TemporaryFolder folder;
  {
    TensorboardWriter writer(folder.path(), 0);
    writer.scalar(300, "loss", 0.25);
    writer.image(301, "views", {"\x89PNG and so on", 6, 4});
    writer.flush();
  }
  const auto file = *std::filesystem::directory_iterator(folder.path());
  EXPECT_TRUE(file.path().filename().string().starts_with("events.out.tfevents."));
  const auto all = records(read_file(file.path()));
  ASSERT_EQ(all.size(), 4u);
  EXPECT_NE(all[0].find("brain.Event:2"), std::string::npos);
  // wall_time: key 0x09 and 8 bytes; step: key 0x10, varint 300 = ac 02; summary: key 0x2a, 14 bytes; value: key 0x0a, 12 bytes;
  // tag "loss"; 0x15 and float.
  const std::string rest = all[2].substr(9);
  const float quarter = 0.25f;
  std::string expected = "\x10\xac\x02\x2a\x0d\x0a\x0b\x0a\x04loss\x15";
  expected.resize(expected.size() + 4);
  std::memcpy(expected.data() + expected.size() - 4, &quarter, 4);
  EXPECT_EQ(rest, expected);
  // height 4, width 6, 4 channels, then the picture's bytes.
  EXPECT_NE(all[3].find("\x08\x04\x10\x06\x18\x04\x22\x0e\x89PNG and so on"), std::string::npos);
}

TEST(MetricsCsv, DropsRowsAfterTheCheckpoint) {
  const TemporaryFolder folder;
  const auto path = folder / "metrics.csv";
  {
    MetricsCsv csv(path, {"step", "loss"}, 0);
    for (int step : {10, 20, 30}) csv.row(step, {0.5});
  }
  write_file(path, read_file(path) + "40,0.");  // killed while writing
  {
    MetricsCsv csv(path, {"step", "loss"}, 20);
    csv.row(30, {0.125});
  }
  EXPECT_EQ(read_file(path), "step,loss\n10,0.5\n20,0.5\n30,0.125\n");
  EXPECT_THROW(MetricsCsv(path, {"step", "other"}, 20), Error);
}

}  // namespace
}  // namespace gsv3d
