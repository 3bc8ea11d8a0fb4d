// Folders with weights, and sets that grow while shards are being written.
#include "training/training_set.h"

#include <gtest/gtest.h>

#include <thread>

#include "core/atomic_file.h"
#include "core/error.h"
#include "core/resident_memory.h"
#include "dataset/shards.h"
#include "toy_data.h"
#include "training/orbit_store.h"
#include "training/shard_follower.h"

namespace gsv3d {
namespace {

TEST(TrainingSet, FoldersAreDrawnByTheirWeight) {
  TrainingSet set({3, 1, 5}, false);
  set.append({testing::ball_views("a", 0.3, 10, 32), testing::ball_views("b", 0.3, 10, 32)}, 0);
  set.append({testing::ball_views("c", 0.3, 10, 32), testing::ball_views("c", 0.3, 20, 32)}, 1);  // the third has nothing yet
  EXPECT_EQ(set.group_count(), 3);
  constexpr int draws = 4000;
  const auto numbers = uniform_numbers(3 * draws, make_generator(2));
  std::map<int64_t, int> orbits;
  for (size_t i = 0; i < draws; ++i) ++orbits[set.draw(numbers[3 * i], numbers[3 * i + 1], numbers[3 * i + 2])];
  EXPECT_NEAR(orbits[0], draws * 3 / 8, 4 * 31);
  EXPECT_NEAR(orbits[1], draws * 3 / 8, 4 * 31);
  EXPECT_NEAR(orbits[2], draws / 8, 4 * 21);
  EXPECT_NEAR(orbits[3], draws / 8, 4 * 21);
  EXPECT_EQ(set.draw(0, 0, 0), 0);
  EXPECT_EQ(set.draw(std::nextafter(1.0, 0.0), 0.9, 0.9), 3);
}

TEST(TrainingSet, FoldersAreReadFromTheirText) {
  EXPECT_EQ(parse_data_folder("some/where").path, "some/where");
  EXPECT_EQ(parse_data_folder("some/where").weight, 1);
  EXPECT_EQ(parse_data_folder("some/where:0.25").path, "some/where");
  EXPECT_EQ(parse_data_folder("some/where:0.25").weight, 0.25);
  EXPECT_THROW(parse_data_folder("some/where:0"), UsageError);
  EXPECT_THROW(parse_data_folder("some/where:two"), UsageError);
}

TEST(TrainingSet, GrownIsAsReadAtOnce) {
  const TrainingSet whole = make_training_set(testing::toy_views(), true);
  TrainingSet grown;
  grown.set_grows();
  for (auto& views : testing::toy_views()) {
    std::vector<ObjectViews> one;
    one.push_back(std::move(views));
    grown.append(std::move(one));
  }
  EXPECT_TRUE(at::equal(grown.rgba(), whole.rgba()));
  EXPECT_TRUE(at::equal(grown.depth(), whole.depth()));
  EXPECT_TRUE(at::equal(grown.cameras().world_to_camera, whole.cameras().world_to_camera));
  EXPECT_EQ(grown.size(), 3);
  EXPECT_EQ(grown.group_count(), 2);
  EXPECT_EQ(grown.orbit(2).first, 48);
  EXPECT_EQ(grown.draw(0, 0, 0), whole.draw(0, 0, 0));
  std::vector<ObjectViews> other;
  other.push_back(testing::ball_views("other", 0.3, 10, 16));
  EXPECT_THROW(grown.append(std::move(other)), Error) << "another size";
}

/// The toy's shards, two orbits in each.
void write_toy_shards(const std::filesystem::path& folder) {
  ShardWriter writer(folder, "train", 2);
  for (const ObjectViews& views : testing::toy_views()) writer.add(views);
  writer.finish();
}

TEST(TrainingSet, InItsShardsIsAsInMemory) {
  const testing::TemporaryFolder folder("in-shards");
  write_toy_shards(folder.path);
  const TrainingSet memory = load_training_set({{folder.path, 1}}, true);
  constexpr int64_t orbit_bytes = 24 * 32 * 32 * 6;
  for (const int64_t bytes : {int64_t{1}, 2 * orbit_bytes, int64_t{1} << 30}) {
    const TrainingSet shards = list_training_set({{folder.path, 1}}, true, bytes);
    EXPECT_TRUE(shards.in_shards());
    EXPECT_EQ(shards.size(), 3);
    EXPECT_EQ(shards.image_size(), 32);
    EXPECT_EQ(shards.least_views(), 24);
    EXPECT_EQ(shards.decoded_bytes(), 3 * orbit_bytes);
    EXPECT_EQ(shards.orbit(2).id, "large");
    EXPECT_EQ(shards.draw(0.3, 0.9, 0.9), memory.draw(0.3, 0.9, 0.9));
    EXPECT_TRUE(at::equal(shards.cameras().world_to_camera, memory.cameras().world_to_camera));
    shards.prefetch({2, 0});
    const std::vector<int64_t> views = {71, 0, 23, 24, 48, 0}, planes = {287, 3, 95, 96, 190, 0};
    EXPECT_TRUE(at::equal(shards.planes(planes, at::kCPU), memory.planes(planes, at::kCPU)));
    EXPECT_TRUE(at::equal(shards.depths(views, at::kCPU), memory.depths(views, at::kCPU)));
    EXPECT_TRUE(at::equal(shards.planes(planes, at::kCPU), memory.rgba().flatten(0, 1).index_select(0, at::tensor(planes))));
  }
}

/// Sixty times as many views as may be kept: all are seen, twice, and the process grows by little.
TEST(TrainingSet, InItsShardsTakesLittleMemory) {
  const testing::TemporaryFolder folder("in-shards-memory");
  constexpr int64_t orbits = 240, orbit_bytes = 24 * 32 * 32 * 6, most = 4 * orbit_bytes;
  ShardWriter writer(folder.path, "train", 32);
  EncodedSample sample = encode_sample(testing::toy_views()[0]);
  const std::string id = "\"small\"";
  const size_t at = sample.header.find(id);
  const std::string before = sample.header.substr(0, at), after = sample.header.substr(at + id.size());
  for (int64_t i = 0; i < orbits; ++i) {
    sample.header = before + fmt::format("\"ball {}\"", i) + after;
    writer.add(sample);
  }
  writer.finish();
  const TrainingSet set = list_training_set({{folder.path, 1}}, true, most);
  ASSERT_EQ(set.decoded_bytes(), orbits * orbit_bytes);
  EXPECT_EQ(set.group_count(), orbits);
  const Tensor first = set.planes({3}, at::kCPU);
  const int64_t start = resident_bytes();
  int64_t largest = 0;
  for (int64_t i = 0; i < 2 * orbits; ++i) {
    const int64_t orbit = i * 101 % orbits;  // without an order
    set.prefetch({(i + 1) * 101 % orbits});
    EXPECT_TRUE(at::equal(set.planes({4 * 24 * orbit + 3}, at::kCPU), first)) << orbit;
    EXPECT_LE(set.kept_bytes(), most);
    largest = std::max(largest, resident_bytes());
  }
  printf("%.1f MB of views, %.1f MB kept, the process grew by %.1f MB\n", static_cast<double>(set.decoded_bytes()) / 1e6,
         static_cast<double>(most) / 1e6, static_cast<double>(largest - start) / 1e6);
#ifndef __SANITIZE_ADDRESS__  // which keeps freed memory for a while
  EXPECT_LT(largest - start, set.decoded_bytes() / 2);
#endif
  EXPECT_GT(whole_memory_bytes().value_or(0), resident_bytes());
}

TEST(TrainingSet, SetsInShardsKnowTheirPicturesBySize) {
  const testing::TemporaryFolder folder("in-shards-print");
  write_toy_shards(folder.path / "a");
  write_toy_shards(folder.path / "b");
  const auto print = [&](const char* name) { return list_training_set({{folder.path / name, 1}}, true, 1).fingerprint; };
  EXPECT_EQ(print("a"), print("b"));
  std::filesystem::remove_all(folder.path / "b");
  ShardWriter writer(folder.path / "b", "train", 2);
  for (ObjectViews& views : testing::toy_views()) {
    views.rgba[0] = at::randint(256, {4, 32, 32}, make_generator(1), at::TensorOptions(at::kByte));
    writer.add(views);
  }
  writer.finish();
  EXPECT_NE(print("a"), print("b"));
}

TEST(OrbitStore, KeepsWhatItMayAndReadsAhead) {
  const testing::TemporaryFolder folder("orbit-store");
  write_toy_shards(folder.path);
  constexpr int64_t bytes = 24 * 32 * 32 * 6;
  OrbitStore store(2 * bytes, true);
  list_shards(find_shards(folder.path), [&](const ObjectViews& views, const SamplePlace& place) {
    EXPECT_FALSE(views.rgba.defined());
    store.add(place, bytes);
  });
  store.prefetch({0, 1});
  while (store.bytes() < 2 * bytes) std::this_thread::yield();
  EXPECT_EQ(store.reads(), 2);
  store.get(0);
  store.get(1);
  EXPECT_EQ(store.reads(), 2);
  EXPECT_EQ(store.waits(), 0) << "both were read ahead";
  EXPECT_TRUE(at::equal(store.get(2)->rgba, testing::toy_views()[2].rgba));
  EXPECT_EQ(store.bytes(), 2 * bytes);
  store.get(1);
  EXPECT_EQ(store.reads(), 3) << "still there: 0 was used before it";
  store.get(0);
  EXPECT_EQ(store.reads(), 4);
  EXPECT_THROW(store.get(3), Error);
}

TEST(OrbitStore, DamagedSamplesAreNamed) {
  const testing::TemporaryFolder folder("orbit-store-damaged");
  write_toy_shards(folder.path);
  const TrainingSet set = list_training_set({{folder.path, 1}}, true, 1 << 30);
  const auto shard = folder.path / "train-000000.tar";
  std::string text = read_file(shard);
  const size_t at = text.find("000001-small.rgba.bin") + 512;
  for (size_t i = 0; i < 64; ++i) text[at + i] = 'x';
  write_file(shard, text);
  set.prefetch({1});  // a thread's error waits until the orbit is needed
  EXPECT_EQ(set.planes({0}, at::kCPU).size(0), 1);
  try {
    set.planes({4 * 24}, at::kCPU);
    ADD_FAILURE() << "read a damaged sample";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("train-000000.tar: 000001-small"), std::string::npos) << error.what();
  }
}

TEST(ShardFollower, TakesInShardsAsTheyAppear) {
  const testing::TemporaryFolder folder("follow");
  const auto one = folder.path / "one", two = folder.path / "two";  // the second does not exist at first
  std::filesystem::create_directories(one);
  ShardWriter writer(one, "train", 1);
  const auto views = testing::toy_views();
  TrainingSet set({1, 1}, true);
  set.set_grows();
  ShardFollower follower({{one, 1}, {two, 1}}, true);
  EXPECT_EQ(follower.extend(set), 0);
  writer.add(views[0]);  // a shard holds one orbit, so this one appears
  follower.wait();
  EXPECT_EQ(follower.extend(set), 1);
  EXPECT_EQ(set.orbit(0).id, "small");
  EXPECT_TRUE(at::equal(set.rgba(), views[0].rgba));
  EXPECT_FALSE(follower.finished());
  std::filesystem::create_directories(two);
  ShardWriter second(two, "train", 1);
  second.add(views[2]);
  second.finish();
  follower.wait();
  EXPECT_EQ(follower.extend(set), 1);
  EXPECT_EQ(set.group_count(), 2);
  EXPECT_FALSE(follower.finished());
  writer.add(views[1]);
  writer.finish();
  write_file(one / "objects.csv", "id\n");
  write_file(two / "objects.csv", "id\n");
  while (!follower.finished()) {
    follower.wait();
    follower.extend(set);
  }
  EXPECT_EQ(set.size(), 3);
}

TEST(ShardFollower, PassesErrorsOn) {
  const testing::TemporaryFolder folder("follow-damaged");
  write_file(folder.path / "train-000000.tar", std::string(2000, 'x'));
  TrainingSet set;
  ShardFollower follower({{folder.path, 1}}, true);
  follower.wait();
  EXPECT_THROW(follower.extend(set), Error);
}

}  // namespace
}  // namespace gsv3d
