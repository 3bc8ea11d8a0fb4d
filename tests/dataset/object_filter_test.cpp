// Hostile objects through render_dataset: each is rendered or named in the report with its outcome, and the counts add up.
#include "dataset/object_filter.h"

#include <gmock/gmock.h>

#include <map>

#include "captured_log.h"
#include "core/atomic_file.h"
#include "core/csv.h"
#include "dataset/render_dataset.h"
#include "dataset/shards.h"
#include "memory_files.h"

namespace gsv3d {
namespace {

using testing::error_of;
using ::testing::HasSubstr;

/// A grid of side² · 2 triangles, slightly curved.
Object many_triangles(uint32_t side) {
  Object object;
  const float step = 1.0F / static_cast<float>(side);
  for (uint32_t y = 0; y <= side; ++y)
    for (uint32_t x = 0; x <= side; ++x) {
      const float u = static_cast<float>(x) * step - 0.5F, v = static_cast<float>(y) * step - 0.5F;
      object.positions.push_back({u, v, 0.4F * u * u});
    }
  object.normals.assign(object.positions.size(), {0, 0, 1});
  object.uvs.assign(object.positions.size(), {0, 0});
  for (uint32_t y = 0; y < side; ++y)
    for (uint32_t x = 0; x < side; ++x) {
      const uint32_t a = y * (side + 1) + x, b = a + 1, c = a + side + 1, d = c + 1;
      object.triangles.push_back({a, b, d});
      object.triangles.push_back({a, d, c});
    }
  object.triangle_materials.assign(object.triangles.size(), 0);
  object.materials = {Material{}};
  return object;
}

std::string tetrahedron(double size, const std::string& more = "") {
  return fmt::format("{0}v 0 0 0\nv 0 {1} 0\nv {1} 0 0\nv 0 0 {1}\nf 1 2 3\nf 1 2 4\nf 1 3 4\nf 2 3 4\n", more, size);
}

/// A box of these half sides.
std::string box(double x, double y, double z) {
  std::string text;
  for (const int i : {0, 1, 2, 3, 4, 5, 6, 7})
    text += fmt::format("v {} {} {}\n", i & 1 ? x : -x, i & 2 ? y : -y, i & 4 ? z : -z);
  return text + "f 1 2 4 3\nf 5 6 8 7\nf 1 2 6 5\nf 3 4 8 7\nf 1 3 7 5\nf 2 4 8 6\n";
}

class HostileObjects : public ::testing::Test {
 protected:
  void SetUp() override {
    if (testing::lacks_library([] { ObjectRenderer renderer(testing::sphere(0.1F, 3, 4)); }))
      GTEST_SKIP() << "built without Embree";
    job.plan.size = 32;
    job.plan.orbit_views = 4;
    job.plan.random_views = 0;
    job.options.samples = 2;
  }
  void put(const std::string& name, const std::string& text) const { write_file(folder.path() / "in" / name, text); }
  RenderReport render(const std::vector<ObjectEntry>& entries, const char* name = "out") {
    RenderReport report = render_dataset(entries, job, folder.path() / name);
    EXPECT_EQ(report.records.size(), entries.size()) << "one record per object";
    EXPECT_EQ(report.objects + static_cast<int64_t>(report.failures.size()), static_cast<int64_t>(entries.size()));
    table.clear();
    for (const auto& row : read_csv(folder.path() / name / "report.csv")) table[row.at("id")] = row;
    EXPECT_EQ(table.size(), entries.size());
    return report;
  }
  std::string outcome(const std::string& id) { return table.at(id).at("outcome"); }

  testing::TemporaryFolder folder;
  RenderJob job;
  std::map<std::string, std::map<std::string, std::string>> table;
};

TEST_F(HostileObjects, AreRenderedOrNamedAndTheCountsAddUp) {
  put("plain.obj", tetrahedron(1));
  put("microscopic.obj", tetrahedron(1e-6));
  put("gigantic.obj", tetrahedron(1e6));
  put("untextured.obj", tetrahedron(1, "mtllib untextured.mtl\nusemtl m\n"));
  put("untextured.mtl", "newmtl m\nKd 0.2 0.4 0.8\nmap_Kd nowhere.png\n");
  put("nonmanifold.obj", "v 0 0 0\nv 0 0 1\nv 1 0 0\nv 0 1 0\nv -1 -1 0\nf 1 2 3\nf 1 2 4\nf 1 2 5\nf 1 2 5\n");
  put("empty.obj", "v 0 0 0\nv 1 0 0\n");
  put("point.obj", "v 1 1 1\nv 1 1 1\nv 1 1 1\nf 1 2 3\n");
  put("cut.obj", "v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 9\n");
  put("no_mesh.glb", "glTF, or what claims to be");
  const testing::CapturedLog log;
  const RenderReport report = render(list_objects(folder.path() / "in", {}));
  for (const char* id : {"plain", "microscopic", "gigantic", "untextured", "nonmanifold"})
    EXPECT_EQ(outcome(id), "rendered") << id;
  for (const char* id : {"empty", "point"}) EXPECT_EQ(outcome(id), "empty") << id << table.at(id).at("reason");
  for (const char* id : {"cut", "no_mesh"}) EXPECT_EQ(outcome(id), "broken") << id;
  EXPECT_EQ(outcome_text(report.records), "2 broken, 2 empty");
  EXPECT_THAT(table.at("cut").at("reason"), HasSubstr("vertex that does not exist"));
  EXPECT_THAT(table.at("untextured").at("warnings"), HasSubstr("nowhere.png is not there"));
  EXPECT_EQ(table.at("plain").at("warnings"), "");
  // Scale is no property of what is seen.
  std::map<std::string, ObjectViews> views;
  for (ObjectViews& sample : read_all_views(folder.path() / "out")) views[sample.id] = std::move(sample);
  const auto difference = [&](const char* id) {
    return (views.at(id).rgba.to(at::kFloat) - views.at("plain").rgba.to(at::kFloat)).abs().mean().item<double>();
  };
  EXPECT_LT(difference("microscopic"), 0.05) << "of 255; rounding of coordinates moves single samples at edges";
  EXPECT_LT(difference("gigantic"), 0.05);
}

TEST_F(HostileObjects, LimitsLeaveOutWhatTheySay) {
  put("cube.obj", box(1, 1, 1));
  put("card.obj", box(1, 1, 0.004));
  put("rod.obj", box(1, 0.03, 0.03));
  const auto entries = list_objects(folder.path() / "in", {});
  EXPECT_EQ(outcome_text(render(entries).records), "");
  job.limits.least_thickness = 0.005;
  EXPECT_EQ(outcome_text(render(entries, "flat").records), "1 flat") << "0.004 < 0.005 < 0.03";
  EXPECT_EQ(outcome("card"), "flat");
  EXPECT_THAT(table.at("card").at("reason"), HasSubstr("0.0040 of the longest"));
  job.limits = {.least_coverage = 0.05};
  render(entries, "thin");
  EXPECT_EQ(outcome("rod"), "thin");
  EXPECT_EQ(outcome("cube"), "rendered");
  job.limits = {.textured_only = true};
  EXPECT_THAT(error_of([&] { render_dataset(entries, job, folder.path() / "none"); }), HasSubstr("neither textures nor colours"));
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "none"));
}

TEST_F(HostileObjects, TwoMillionTrianglesAreRenderedOrHuge) {
  constexpr uint32_t side = 1000;
  std::vector<ObjectEntry> entries(2);
  entries[0].id = "large";
  entries[0].load = [] { return many_triangles(side); };
  entries[1].id = "small";
  entries[1].load = [] { return testing::sphere(0.4F, 8, 12); };
  EXPECT_EQ(outcome_text(render(entries).records), "");
  job.limits.most_triangles = 1'000'000;
  EXPECT_EQ(outcome_text(render(entries, "triangles").records), "1 huge");
  EXPECT_THAT(table.at("large").at("reason"), HasSubstr("2000000 triangles; the limit is 1000000"));
  // 1001² vertices of 32 bytes and 2·10⁶ triangles of 16, twice, and 100 bytes of tree per triangle.
  EXPECT_DOUBLE_EQ(rendering_bytes(many_triangles(side)), 2 * (1001.0 * 1001 * 32 + 2e6 * 16) + 2e8);
  job.limits = {.most_megabytes = 300};
  EXPECT_EQ(outcome_text(render(entries, "memory").records), "1 huge") << "328 MB";
  job.limits = {.most_megabytes = 400};
  EXPECT_EQ(outcome_text(render(entries, "enough").records), "");
}

TEST_F(HostileObjects, SlowOnesDoNotHoldUpTheOthers) {
  std::vector<ObjectEntry> entries(2);
  entries[0].id = "endless";
  // 64 · 64 rays for each of 64 · 256² pixels would take hours.
  entries[0].load = [] { return testing::sphere(0.4F, 64, 64); };
  entries[1] = entries[0];
  entries[1].id = "another";
  job.plan.size = 256;
  job.plan.orbit_views = 64;
  job.options.samples = 64;
  job.limits.most_seconds = 0.05;
  EXPECT_THAT(error_of([&] { render_dataset(entries, job, folder.path() / "out"); }),
              HasSubstr("none of the 2 objects could be rendered; the first: endless: takes longer than 0.05 seconds"));
}

TEST(ObjectLimits, ThicknessIsOfTheBoxAndTexturesMayBeColoursOfVertices) {
  Object object = testing::rectangle(0.5F, 0, Material{});
  EXPECT_THAT(error_of([&] { check_limits(object, {.least_thickness = 1e-6}); }), HasSubstr("shortest side"));
  object.positions[0][2] = 0.1F;
  EXPECT_EQ(error_of([&] { check_limits(object, {.least_thickness = 0.09}); }), "");
  EXPECT_THAT(error_of([&] { check_limits(object, {.textured_only = true}); }), HasSubstr("neither textures"));
  object.colors.assign(4, {1, 0, 0, 1});
  EXPECT_EQ(error_of([&] { check_limits(object, {.textured_only = true}); }), "");
}

}  // namespace
}  // namespace gsv3d
