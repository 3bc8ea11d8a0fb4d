#include "dataset/render_dataset.h"

#include <ATen/Parallel.h>
#include <gmock/gmock.h>

#include <map>
#include <set>
#include <sstream>

#include "captured_log.h"
#include "core/atomic_file.h"
#include "core/csv.h"
#include "dataset/inspect.h"
#include "dataset/shards.h"
#include "memory_files.h"
#include "objects/vector.h"

namespace gsv3d {
namespace {

using testing::error_of;
using ::testing::HasSubstr;

class RenderedShards : public ::testing::Test {
 protected:
  void SetUp() override {
    if (testing::lacks_library([] { ObjectRenderer renderer(testing::sphere(0.1F, 3, 4)); }))
      GTEST_SKIP() << "built without Embree";
    job.plan.size = 24;
    job.plan.orbit_views = 2;
    job.plan.random_views = 1;
    job.options.samples = 1;
    job.elevations_degrees = {10.0, std::nullopt};
    job.samples_per_shard = 4;
  }
  void TearDown() override { at::set_num_threads(threads); }
  std::string bytes_with(int count, const char* name) {
    at::set_num_threads(count);
    render_dataset(entries, job, folder.path() / name);
    std::string all;
    for (const auto& shard : find_shards(folder.path() / name)) all += shard.filename().string() + read_file(shard);
    return all + read_file(folder.path() / name / "objects.csv");
  }

  const int threads = at::get_num_threads();
  testing::TemporaryFolder folder;
  std::vector<ObjectEntry> entries = list_objects("procedural:10:2", {});
  RenderJob job;
};

TEST_F(RenderedShards, ParallelIsSerial) {
  job.light_jitter = 1;
  job.smallest_scale = 0.85;
  job.shuffle = true;
  const std::string serial = bytes_with(1, "serial");
  EXPECT_TRUE(serial == bytes_with(4, "parallel"));
  EXPECT_EQ(find_shards(folder.path() / "parallel").size(), 5U) << "20 samples, 4 in each; no empty shard at the end";
}

/// id of every sample of a folder, sorted, with its pictures' bytes.
std::map<std::string, std::string> samples_of(const std::filesystem::path& folder) {
  std::map<std::string, std::string> samples;
  for (const ObjectViews& views : read_all_views(folder)) {
    const Tensor rgba = views.rgba.contiguous();
    samples[views.id + fmt::format(" {}", views.elevation_degrees)] = {static_cast<const char*>(rgba.const_data_ptr()),
                                                                       rgba.nbytes()};
  }
  return samples;
}

TEST_F(RenderedShards, PartsTogetherAreTheWhole) {
  job.shuffle = true;
  render_dataset(entries, job, folder.path() / "whole");
  const auto parts = folder.path() / "parts";
  int64_t objects = 0;
  for (const int64_t index : {2, 0, 1}) {
    EXPECT_FALSE(std::filesystem::exists(parts / "objects.csv")) << "not before all parts are done";
    job.part = {index, 3};
    const RenderReport report = render_dataset(entries, job, parts);
    EXPECT_EQ(report.objects, index == 0 ? 4 : 3);
    objects += report.objects;
  }
  EXPECT_EQ(objects, 10);
  EXPECT_TRUE(samples_of(parts) == samples_of(folder.path() / "whole"));
  const auto ids = [](const std::filesystem::path& path) {
    std::multiset<std::string> lines;
    std::istringstream text(read_file(path));
    for (std::string line; std::getline(text, line);) lines.insert(line);
    return lines;
  };
  EXPECT_EQ(ids(parts / "objects.csv"), ids(folder.path() / "whole" / "objects.csv"));
  // A part that is done is left alone; one that was interrupted begins again.
  const std::string before = read_file(parts / "views-1of3-000000.tar");
  EXPECT_TRUE(render_dataset(entries, job, parts).was_done);
  std::filesystem::remove(parts / "objects-views-1of3.csv");
  write_file(parts / "views-1of3-000007.tar", "left by an interrupted part");
  EXPECT_FALSE(render_dataset(entries, job, parts).was_done);
  EXPECT_FALSE(std::filesystem::exists(parts / "views-1of3-000007.tar"));
  EXPECT_TRUE(before == read_file(parts / "views-1of3-000000.tar"));
  job.part = {3, 20};  // fewer objects than parts: an empty one is fine
  EXPECT_EQ(render_dataset({entries[0]}, job, folder.path() / "few").objects, 0);
}

TEST_F(RenderedShards, JittersAreDrawnByTheSeedAndLeaveCamerasAlone) {
  const auto views_of = [&](const char* name) {
    render_dataset(entries, job, folder.path() / name);
    return read_all_views(folder.path() / name);
  };
  const auto plain = views_of("plain");
  job.light_jitter = 1;
  const auto lit = views_of("lit"), again = views_of("again");
  job.light_jitter = 0;
  job.smallest_scale = 0.6;
  const auto small = views_of("small");
  double smallest = 1, largest = 0;
  for (size_t i = 0; i < plain.size(); ++i) {
    EXPECT_TRUE(at::equal(lit[i].rgba, again[i].rgba));
    EXPECT_FALSE(at::equal(lit[i].rgba, plain[i].rgba));
    EXPECT_TRUE(at::equal(lit[i].rgba.select(1, 3), plain[i].rgba.select(1, 3))) << "light does not move silhouettes";
    EXPECT_TRUE(at::equal(small[i].cameras.world_to_camera, plain[i].cameras.world_to_camera));
    const auto area = [](const ObjectViews& views) { return views.rgba.select(1, 3).to(at::kDouble).mean().item<double>(); };
    const double share = area(small[i]) / area(plain[i]);
    smallest = std::min(smallest, share);
    largest = std::max(largest, share);
  }
  EXPECT_LT(largest, 1.05);
  EXPECT_LT(smallest, 0.75);
  EXPECT_GT(smallest, 0.25) << "0.6² of the area and a little more perspective, on 24 pixels";
  // The two samples of one object have different lights.
  EXPECT_FALSE(at::equal(lit[0].rgba.slice(0, 0, 2), lit[1].rgba.slice(0, 0, 2)));
}

TEST_F(RenderedShards, ShuffledOrderHoldsTheSameSamples) {
  const auto ids = [&](const char* name) {
    render_dataset(entries, job, folder.path() / name);
    std::vector<std::string> result;
    for (const auto& row : read_csv(folder.path() / name / "objects.csv")) result.push_back(row.at("id"));
    return result;
  };
  const auto listed = ids("listed");
  job.shuffle = true;
  const auto drawn = ids("drawn");
  EXPECT_NE(listed, drawn);
  EXPECT_EQ(std::set<std::string>(listed.begin(), listed.end()), std::set<std::string>(drawn.begin(), drawn.end()));
  job.light_jitter = 2;
  EXPECT_THAT(error_of([&] { render_dataset(entries, job, folder.path() / "none"); }), HasSubstr("jitter"));
}

TEST(RenderDataset, SkipsFailuresAndListsLicences) {
  testing::TemporaryFolder folder;
  std::vector<ObjectEntry> entries(3);
  for (size_t i = 0; i < 3; ++i) {
    entries[i].id = fmt::format("set/{}", i);
    entries[i].author = "A, B";
    entries[i].load = [i]() -> Object {
      if (i == 1) fail("broken on purpose");
      return testing::sphere(0.5F, 8, 12);
    };
  }
  if (testing::lacks_library([&] { ObjectRenderer renderer(entries[0].load()); })) GTEST_SKIP() << "built without Embree";
  RenderJob job;
  job.plan.size = 16;
  job.plan.orbit_views = 2;
  job.plan.random_views = 1;
  job.elevations_degrees = {10.0, std::nullopt};
  const RenderReport report = render_dataset(entries, job, folder.path() / "out");
  EXPECT_EQ(report.objects, 2);
  EXPECT_EQ(report.samples, 4);
  EXPECT_THAT(report.failures, ::testing::ElementsAre("set/1: broken on purpose"));
  const auto views = read_all_views(folder.path() / "out");
  ASSERT_EQ(views.size(), 4U);
  EXPECT_EQ(views[0].elevation_degrees, 10);
  EXPECT_NE(views[1].elevation_degrees, views[3].elevation_degrees);
  const auto list = read_csv(folder.path() / "out" / "objects.csv");
  ASSERT_EQ(list.size(), 2U);
  EXPECT_EQ(list[1].at("author"), "A, B");

  EXPECT_THAT(error_of([&] { render_dataset(entries, job, folder.path() / "out"); }), HasSubstr("holds shards already"));
  EXPECT_THAT(error_of([&] { render_dataset({entries[1]}, job, folder.path() / "none"); }), HasSubstr("none of the 1 objects"));
  // What an object looks like depends on itself and the seed alone.
  render_dataset({entries[2]}, job, folder.path() / "alone");
  const auto alone = read_all_views(folder.path() / "alone");
  EXPECT_TRUE(at::equal(alone[1].rgba, views[3].rgba));
  EXPECT_TRUE(at::equal(alone[1].cameras.world_to_camera, views[3].cameras.world_to_camera));
}

TEST(RenderDataset, ObjectsThatRenderEmptyAreCountedAndNamed) {
  testing::TemporaryFolder folder;
  for (const char* name : {"good", "ghost"})
    write_file(folder.path() / "in" / (std::string(name) + ".obj"),
               std::string("mtllib ") + name +
                   ".mtl\nv 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nusemtl m\nf 1 2 3\nf 1 2 4\nf 1 3 4\nf 2 3 4\n");
  write_file(folder.path() / "in" / "good.mtl", "newmtl m\nd 1\n");
  write_file(folder.path() / "in" / "ghost.mtl", "newmtl m\nd 0\n");
  const auto entries = list_objects(folder.path() / "in", {});
  if (testing::lacks_library([&] { ObjectRenderer renderer(entries[0].load()); })) GTEST_SKIP() << "built without Embree";
  RenderJob job;
  job.plan.size = 16;
  const testing::CapturedLog log;
  const RenderReport report = render_dataset(entries, job, folder.path() / "out");
  EXPECT_EQ(report.objects, 1);
  ASSERT_EQ(report.failures.size(), 1U);
  EXPECT_THAT(report.failures[0], HasSubstr("ghost: nothing of the object is seen in any of its 29 views"));
  EXPECT_THAT(log.text(), HasSubstr("warning: skipped ghost"));
  const std::string inspected = inspect_dataset(folder.path() / "in", {}, {});
  EXPECT_THAT(inspected,
              HasSubstr("objects       2 (0 with textures, 1 bad)\nbad           ghost: nothing of the object is seen"));
}

TEST(RandomLighting, StaysInRangeAndBeginsAtTheStudio) {
  Dice none(1);
  const Lighting still = random_lighting(none, 0), studio = studio_lighting();
  const std::array<Vector, 6> normals{Vector{1, 0, 0}, {-1, 0, 0}, {0, 1, 0}, {0, -1, 0}, {0, 0, 1}, {0, 0, -1}};
  for (const Vector& normal : normals) {
    const auto a = still.reflected(normal, 1), b = studio.reflected(normal, 1);
    for (int channel = 0; channel < 3; ++channel) EXPECT_NEAR(a[channel], b[channel], 1e-6);
  }
  float darkest = 1, brightest = 0;
  for (uint64_t seed = 0; seed < 300; ++seed) {
    Dice dice(seed);
    const Lighting lighting = random_lighting(dice, 1);
    for (const Vector& normal : normals)
      for (float value : lighting.reflected(normal, 1))
        darkest = std::min(darkest, value), brightest = std::max(brightest, value);
  }
  EXPECT_GT(darkest, 0.15F);
  EXPECT_LT(darkest, 0.4F);
  EXPECT_LE(brightest, 1.00001F);
  EXPECT_GT(brightest, 0.85F);
}

}  // namespace
}  // namespace gsv3d
