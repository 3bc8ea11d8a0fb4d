// What a run leaves on disk: checkpoint, metrics, TensorBoard events.
#include <gtest/gtest.h>

#include <bit>
#include <cstring>

#include "core/atomic_file.h"
#include "core/error.h"
#include "goldens.h"
#include "toy_data.h"
#include "training/checkpoint.h"
#include "training/crc32c.h"
#include "training/metrics_csv.h"
#include "training/seeds.h"
#include "training/tensorboard.h"

namespace gsv3d {
namespace {

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
  const testing::TemporaryFolder folder("tensorboard");
  {
    TensorboardWriter writer(folder.path, 0);
    writer.scalar(300, "loss", 0.25);
    writer.image(301, "views", to_image(at::zeros({3, 4, 6})));
    writer.flush();
  }
  const auto file = *std::filesystem::directory_iterator(folder.path);
  EXPECT_TRUE(file.path().filename().string().starts_with("events.out.tfevents."));
  const auto all = records(read_file(file.path()));
  ASSERT_EQ(all.size(), 4u);
  EXPECT_NE(all[0].find("brain.Event:2"), std::string::npos);
  // wall_time: key 0x09 and 8 bytes; step: key 0x10, varint 300 = ac 02; summary: key 0x2a, 14 bytes; value: key 0x0a, 12 bytes;
  // tag "loss"; 0x15 and float.
  const std::string rest = all[2].substr(9);
  const float quarter = 0.25f;
  std::string expected = std::string("\x10\xac\x02\x2a\x0d\x0a\x0b\x0a\x04", 9) + "loss" + "\x15" + std::string(4, '\0');
  std::memcpy(expected.data() + expected.size() - 4, &quarter, 4);
  EXPECT_EQ(rest, expected);
  EXPECT_NE(all[3].find("\x89PNG"), std::string::npos);
}

TEST(MetricsCsv, DropsRowsAfterTheCheckpoint) {
  const testing::TemporaryFolder folder("metrics");
  const auto path = folder.path / "metrics.csv";
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

TEST(Checkpoint, RoundTrip) {
  const testing::TemporaryFolder folder("checkpoint");
  TrainingCheckpoint checkpoint;
  checkpoint.parameters["a.weight"] = randn({3, 2}, make_generator(1));
  checkpoint.ema["a.weight"] = randn({3, 2}, make_generator(2));
  checkpoint.adam_means["a.weight"] = randn({3, 2}, make_generator(3));
  checkpoint.adam_squares["a.weight"] = randn({3, 2}, make_generator(4));
  checkpoint.step = 17;
  checkpoint.updates = 16;
  checkpoint.elapsed_seconds = 0.1 + 0.2;
  checkpoint.settings_fingerprint = "abc";
  save_checkpoint(folder.path / "c.safetensors", checkpoint);
  const TrainingCheckpoint read = load_checkpoint(folder.path / "c.safetensors");
  EXPECT_TRUE(at::equal(read.parameters.at("a.weight"), checkpoint.parameters.at("a.weight")));
  EXPECT_TRUE(at::equal(read.ema.at("a.weight"), checkpoint.ema.at("a.weight")));
  EXPECT_TRUE(at::equal(read.adam_means.at("a.weight"), checkpoint.adam_means.at("a.weight")));
  EXPECT_TRUE(at::equal(read.adam_squares.at("a.weight"), checkpoint.adam_squares.at("a.weight")));
  EXPECT_EQ(read.step, 17);
  EXPECT_EQ(read.updates, 16);
  EXPECT_EQ(read.elapsed_seconds, checkpoint.elapsed_seconds);
  EXPECT_EQ(read.settings_fingerprint, "abc");
  NamedTensors other = {{"a.weight", at::zeros({2, 3})}};
  EXPECT_THROW(restore_tensors(other, read.parameters, "checkpoint"), Error);
  NamedTensors missing = {{"b", at::zeros({1})}};
  EXPECT_THROW(restore_tensors(missing, read.parameters, "checkpoint"), Error);
}

TEST(Seeds, DifferByStepPurposeAndSeed) {
  EXPECT_EQ(step_seed(1, 2, "noise"), step_seed(1, 2, "noise"));
  std::set<uint32_t> low_words;  // the generator is seeded with the low 32 bits
  for (uint64_t seed : {0, 1})
    for (int64_t step = 0; step < 1000; ++step)
      for (const char* purpose : {"noise", "sigma"}) low_words.insert(static_cast<uint32_t>(step_seed(seed, step, purpose)));
  EXPECT_GE(low_words.size(), 3998u) << "of 4000; a collision or two would be chance";
  const Tensor a = at::arange(100), b = a.clone();
  b[57] = 0;
  EXPECT_NE(fingerprint(a), fingerprint(b));
  EXPECT_NE(fingerprint(a), fingerprint(a.reshape({10, 10})));
}

}  // namespace
}  // namespace gsv3d
