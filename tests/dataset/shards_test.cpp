#include "dataset/shards.h"

#include <gmock/gmock.h>

#include <fstream>

#include "core/atomic_file.h"
#include "dataset/tar.h"
#include "goldens.h"
#include "memory_files.h"
#include "objects/compression.h"

namespace gsv3d {
namespace {

using testing::error_of;
using ::testing::HasSubstr;

ObjectViews random_views(const std::string& id, uint64_t seed, int64_t size = 16) {
  const at::Generator generator = make_generator(seed);
  ObjectViews views;
  views.id = id;
  views.group = "group of " + id;
  views.orbit_views = 3;
  views.elevation_degrees = 12.5;
  views.cameras = concatenate({orbit_cameras(3, 12.5, size), random_cameras(2, -20, 60, size, generator)});
  views.rgba = at::randint(0, 256, {5, 4, size, size}, generator, at::TensorOptions().dtype(at::kByte));
  views.depth = at::rand({5, size, size}, generator, at::TensorOptions().dtype(at::kFloat)) + 1.5;
  views.depth.masked_fill_(views.rgba.select(1, 3) < 128, 0);
  return views;
}

class Shards : public ::testing::Test {
 protected:
  std::filesystem::path one_shard() {
    ShardWriter writer(folder_.path(), "train");
    writer.add(random_views("scopia/0001-chair.x", 1));
    writer.finish();
    return folder_.path() / "train-000000.tar";
  }
  /// The error that reading the shard gives once `change` was applied to its bytes.
  std::string error_after(const std::function<void(std::string&)>& change) {
    const auto shard = one_shard();
    std::string bytes = read_file(shard);
    change(bytes);
    write_file(shard, bytes);
    return error_of([&] { read_all_views(shard); });
  }
  /// The error for a shard of these members.
  std::string error_of_members(const std::vector<std::pair<std::string, std::string>>& members) {
    const auto path = folder_.path() / "made.tar";
    AtomicFile file(path);
    for (const auto& [name, content] : members) append_tar_member(file, name, content);
    append_tar_end(file);
    file.commit();
    return error_of([&] { read_all_views(path); });
  }
  testing::TemporaryFolder folder_;
};

TEST_F(Shards, RoundTrip) {
  ShardWriter writer(folder_.path(), "train", 2);
  std::vector<ObjectViews> written;
  for (uint64_t i = 0; i < 5; ++i) {
    written.push_back(random_views(fmt::format("set/{}", i), i));
    writer.add(written.back());
  }
  writer.finish();
  EXPECT_EQ(find_shards(folder_.path()).size(), 3U);
  const auto read = read_all_views(folder_.path());
  ASSERT_EQ(read.size(), 5U);
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(read[i].id, written[i].id);
    EXPECT_EQ(read[i].group, written[i].group);
    EXPECT_EQ(read[i].orbit_views, 3);
    EXPECT_EQ(read[i].elevation_degrees, 12.5);
    EXPECT_TRUE(at::equal(read[i].rgba, written[i].rgba));
    EXPECT_TRUE(at::equal(read[i].cameras.world_to_camera, written[i].cameras.world_to_camera));
    EXPECT_TRUE(at::equal(read[i].cameras.intrinsics, written[i].cameras.intrinsics));
    EXPECT_TRUE(at::equal(read[i].depth == 0, written[i].depth == 0));
    // Half a step of a range of at most 1, and the rounding of float32.
    testing::expect_near(read[i].depth, written[i].depth, 0.5 / 65534 + 3e-7, "depth");
  }
}

TEST_F(Shards, EqualInputMakesEqualBytes) {
  const std::string first = read_file(one_shard());
  EXPECT_EQ(first, read_file(one_shard()));
  EXPECT_EQ(first.size() % 512, 0U);
}

/// Headers first, then one sample by its place.
TEST_F(Shards, AreReadSampleBySample) {
  ShardWriter writer(folder_.path(), "train", 2);
  for (uint64_t i = 0; i < 5; ++i) writer.add(random_views(fmt::format("set/{}", i), i));
  writer.finish();
  const auto all = read_all_views(folder_.path());
  std::vector<SamplePlace> places;
  list_shards(find_shards(folder_.path()), [&](const ObjectViews& views, const SamplePlace& place) {
    const ObjectViews& expected = all[places.size()];
    EXPECT_EQ(views.id, expected.id);
    EXPECT_EQ(views.group, expected.group);
    EXPECT_EQ(views.orbit_views, 3);
    EXPECT_FALSE(views.rgba.defined() || views.depth.defined());
    EXPECT_TRUE(at::equal(views.cameras.world_to_camera, expected.cameras.world_to_camera));
    places.push_back(place);
  });
  ASSERT_EQ(places.size(), 5U);
  EXPECT_EQ(places[3].shard.filename(), "train-000001.tar");
  for (const size_t i : {3U, 0U, 4U, 1U}) {
    const ObjectViews views = read_sample(places[i]);
    EXPECT_EQ(views.id, all[i].id);
    EXPECT_TRUE(at::equal(views.rgba, all[i].rgba));
    EXPECT_TRUE(at::equal(views.depth, all[i].depth));
    EXPECT_FALSE(read_sample(places[i], /*with_depth=*/false).depth.defined());
    EXPECT_NE(places[i].fingerprint, places[2].fingerprint);
  }
  write_file(places[1].shard, read_file(places[1].shard).substr(0, places[1].offset + 512));
  EXPECT_THAT(error_of([&] { read_sample(places[1]); }), HasSubstr("train-000000.tar: is shorter than it was"));
  EXPECT_THAT(error_of([&] { list_shards({places[1].shard}, [](const ObjectViews&, const SamplePlace&) {}); }),
              HasSubstr("truncated"));
}

TEST_F(Shards, EmptyDepthSurvives) {
  ObjectViews views = random_views("empty", 3);
  views.depth.zero_();
  ShardWriter writer(folder_.path(), "x");
  writer.add(views);
  writer.finish();
  EXPECT_EQ(read_all_views(folder_.path())[0].depth.abs().max().item<float>(), 0);
}

TEST_F(Shards, UnfinishedShardsAreThrownAway) {
  {
    ShardWriter writer(folder_.path(), "train");
    writer.add(random_views("a", 1));
  }
  EXPECT_THAT(error_of([&] { find_shards(folder_.path()); }), HasSubstr("no shards"));
}

TEST_F(Shards, WriterChecksShapes) {
  ShardWriter writer(folder_.path(), "train");
  ObjectViews views = random_views("a", 1);
  views.depth = views.depth.slice(0, 0, 4);
  EXPECT_THAT(error_of([&] { writer.add(views); }), HasSubstr("disagree"));
}

TEST_F(Shards, DamagedArchivesAreErrors) {
  EXPECT_THAT(error_after([](std::string& bytes) { bytes.resize(700); }), HasSubstr("truncated"));
  EXPECT_THAT(error_after([](std::string& bytes) { bytes[3] ^= 1; }), HasSubstr("not a tar archive, or damaged"));
  EXPECT_THAT(error_after([](std::string& bytes) { bytes = std::string(2000, 'x'); }), HasSubstr("not a tar archive"));
  EXPECT_THAT(error_after([](std::string& bytes) { bytes = "short"; }), HasSubstr("truncated"));
  // A size beyond the file, with a checksum that fits it.
  EXPECT_THAT(error_after([](std::string& bytes) {
                bytes.replace(124, 11, "77777777777");
                uint32_t sum = 0;
                for (size_t i = 0; i < 512; ++i) sum += i >= 148 && i < 156 ? ' ' : static_cast<unsigned char>(bytes[i]);
                bytes.replace(148, 6, fmt::format("{:06o}", sum));
              }),
              HasSubstr("truncated"));
}

TEST_F(Shards, HostileSamplesAreErrors) {
  const auto shard = one_shard();
  TarReader reader(shard);
  TarReader::Member json, rgba, depth;
  ASSERT_TRUE(reader.next(json, 1 << 20) && reader.next(rgba, 1 << 20) && reader.next(depth, 1 << 20));
  const auto changed = [&](const std::string& from, const std::string& to) {
    std::string text = json.content;
    const size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return error_of_members(
        {{"k.json", text.replace(at, from.size(), to)}, {"k.rgba.bin", rgba.content}, {"k.depth.bin", depth.content}});
  };
  EXPECT_THAT(changed("\"views\":5", "\"views\":4000000000"), HasSubstr("out of range"));
  EXPECT_THAT(changed("\"views\":5", "\"views\":-5"), HasSubstr("out of range"));
  EXPECT_THAT(changed("\"views\":5", "\"views\":4"), HasSubstr("cameras do not match"));
  EXPECT_THAT(changed("\"width\":16", "\"width\":17"), HasSubstr("damaged"));
  EXPECT_THAT(changed("\"orbit_views\":3", "\"orbit_views\":6"), HasSubstr("6 orbit views of 5"));
  EXPECT_THAT(changed("\"depth_far\":", "\"depth_far\":1e30,\"x\":"), HasSubstr("unknown key"));
  EXPECT_THAT(changed("\"elevation_degrees\":12.5", "\"elevation_degrees\":\"up\""), HasSubstr("expected a number"));
  EXPECT_THAT(changed("{", "["), HasSubstr("not valid JSON"));
  EXPECT_THAT(error_of_members({{"k.json", json.content}, {"k.rgba.bin", rgba.content}}), HasSubstr("has no .depth.bin"));
  EXPECT_THAT(error_of_members({{"k.json", json.content}, {"k.rgba.bin", "junk"}, {"k.depth.bin", depth.content}}),
              HasSubstr("k.rgba.bin"));
  EXPECT_THAT(error_of_members(
                  {{"k.json", json.content}, {"k.rgba.bin", compress(std::string(100, 'a'), 3)}, {"k.depth.bin", depth.content}}),
              HasSubstr("damaged"));
  EXPECT_EQ(error_of_members(
                {{"k.json", json.content}, {"k.note.txt", "more"}, {"k.rgba.bin", rgba.content}, {"k.depth.bin", depth.content}}),
            "")
      << "further members are left alone";
}

TEST_F(Shards, ReadsArchivesOfOtherTools) {
  // A folder entry, a name with a path, and no end blocks, as GNU tar and Python's tarfile make them.
  const auto shard = one_shard();
  std::string bytes = read_file(shard);
  bytes.resize(bytes.size() - 1024);
  std::string folder = bytes.substr(0, 512);
  folder[156] = '5';
  folder.replace(124, 11, "00000000000");
  uint32_t sum = 0;
  for (size_t i = 0; i < 512; ++i) sum += i >= 148 && i < 156 ? ' ' : static_cast<unsigned char>(folder[i]);
  folder.replace(148, 6, fmt::format("{:06o}", sum));
  write_file(shard, folder + bytes);
  EXPECT_EQ(read_all_views(shard).size(), 1U);
}

TEST(Tar, LongNamesAreErrors) {
  testing::TemporaryFolder folder;
  AtomicFile file(folder.path() / "a.tar");
  EXPECT_THROW(append_tar_member(file, std::string(101, 'a'), ""), Error);
}

TEST(Compression, RoundTripAndClaims) {
  const std::string text(10000, 'a'), packed = compress(text, 3);
  EXPECT_EQ(decompress(packed, 10000, "x"), text);
  EXPECT_THAT(error_of([&] { decompress(packed, 9999, "x"); }), HasSubstr("x: damaged"));
  EXPECT_THAT(error_of([&] { decompress(packed.substr(0, packed.size() - 2), 10000, "x"); }), HasSubstr("damaged"));
}

}  // namespace
}  // namespace gsv3d
