// Folders with weights, and sets that grow while shards are being written.
#include "training/training_set.h"

#include <gtest/gtest.h>

#include "core/atomic_file.h"
#include "core/error.h"
#include "dataset/shards.h"
#include "toy_data.h"
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
