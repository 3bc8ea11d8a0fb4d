#include <ATen/Parallel.h>
#include <gmock/gmock.h>

#include <set>

#include "core/atomic_file.h"
#include "dataset/object_source.h"
#include "memory_files.h"
#include "objects/object_pack.h"
#include "objects/simplify_object.h"
#include "procedural/procedural_object.h"

namespace gsv3d {
namespace {

using testing::error_of;
using ::testing::HasSubstr;

/// Largest distance of a vertex from the sphere of this radius.
double off_sphere(const Object& object, double radius) {
  double worst = 0;
  for (const auto& p : object.positions) worst = std::max(worst, std::abs(static_cast<double>(length(p)) - radius));
  return worst;
}

TEST(Procedural, DependsOnSeedAndIndexAlone) {
  const auto few = procedural_objects(5, 7, "train"), many = procedural_objects(40, 7, "train");
  for (size_t i = 0; i < few.size(); ++i) {
    EXPECT_EQ(few[i].id, many[i].id);
    const Object a = few[i].load(), b = many[i].load();
    EXPECT_EQ(a.positions, b.positions);
    EXPECT_EQ(a.triangles, b.triangles);
    ASSERT_EQ(a.textures.size(), b.textures.size());
    for (size_t k = 0; k < a.textures.size(); ++k) EXPECT_EQ(a.textures[k].pixels, b.textures[k].pixels);
  }
  EXPECT_NE(procedural_object(7, 0).object.positions, procedural_object(8, 0).object.positions);
}

TEST(Procedural, ObjectsAreInOrder) {
  std::set<std::string> kinds;
  std::set<size_t> sizes;
  for (int64_t i = 0; i < 400; ++i) {
    const auto [kind, object] = procedural_object(3, i);
    kinds.insert(kind);
    sizes.insert(object.triangles.size());
    check_object(object, kind);
    EXPECT_GE(object.triangles.size(), 12U) << kind << i;
    EXPECT_LE(object.triangles.size(), 40'000U) << kind << i;
    float longest = 0, farthest = 0;
    for (int axis = 0; axis < 3; ++axis) {
      float low = 1, high = -1;
      for (const auto& p : object.positions) low = std::min(low, p[axis]), high = std::max(high, p[axis]);
      EXPECT_GE(low, -0.5001F) << kind << i;
      EXPECT_LE(high, 0.5001F) << kind << i;
      EXPECT_NEAR(low + high, 0, 1e-4F) << kind << i << ": centred";
      longest = std::max(longest, high - low);
    }
    for (const auto& p : object.positions) farthest = std::max(farthest, length(p));
    EXPECT_LE(farthest, 0.5701F) << kind << i;
    EXPECT_TRUE(longest > 0.999F || farthest > 0.569F) << kind << i << ": fills what it may, but has " << longest;
    for (const auto& n : object.normals) ASSERT_NEAR(length(n), 1, 1e-3F) << kind << i;
    for (const auto& texture : object.textures) EXPECT_LE(texture.width, 64);
  }
  EXPECT_EQ(kinds.size(), furniture_kinds().size() + outdoor_kinds().size() + free_kinds().size()) << "every kind within 400";
  EXPECT_GT(sizes.size(), 200U) << "hardly two alike";
}

TEST(Procedural, PackRoundTrip) {
  testing::TemporaryFolder folder;
  const auto entries = list_objects("procedural:12:5", {});
  ASSERT_EQ(entries.size(), 12U);
  const auto path = folder.path() / "made.pack";
  if (testing::lacks_library([&] { pack_object(entries[0].load(), {}); })) GTEST_SKIP() << "built without libwebp";
  EXPECT_EQ(write_object_pack(path, entries, {}), 12);
  const auto packed = list_objects(path, {});
  ASSERT_EQ(packed.size(), 12U);
  for (size_t i = 0; i < packed.size(); ++i) {
    EXPECT_EQ(packed[i].id, entries[i].id);
    EXPECT_EQ(packed[i].split, "train");
    const Object before = entries[i].load(), after = packed[i].load();
    // Triangles that are smaller than the grid's step vanish.
    EXPECT_LE(after.triangles.size(), before.triangles.size());
    EXPECT_GE(after.triangles.size(), before.triangles.size() * 9 / 10);
  }
  // The same bytes, however many threads share the work.
  const auto serial = folder.path() / "serial.pack";
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  write_object_pack(serial, entries, {});
  at::set_num_threads(3);
  write_object_pack(path, entries, {});
  at::set_num_threads(threads);
  EXPECT_EQ(read_file(serial), read_file(path));
}

TEST(Procedural, WrongNamesAreErrors) {
  for (const char* name : {"procedural:", "procedural:x", "procedural:0", "procedural:-3", "procedural:5:", "procedural:5:y"})
    EXPECT_THAT(error_of([&] { list_objects(name, {}); }), HasSubstr("procedural:COUNT")) << name;
}

TEST(ProceduralMesh, KnownShapes) {
  // Closed forms: every vertex of a ball lies on its sphere; a torus reaches from R - r to R + r.
  Object object;
  object.positions = ball(0.4F).positions;
  EXPECT_LT(off_sphere(object, 0.4), 1e-6);
  for (const auto& p : torus(0.5F, 0.1F).positions) EXPECT_NEAR(std::hypot(std::hypot(p[0], p[2]) - 0.5F, p[1]), 0.1F, 1e-6);
  float low = 1, high = -1;
  for (const auto& p : box(1, 2, 3, 0.1F).positions) {
    low = std::min(low, p[1]);
    high = std::max(high, p[1]);
    EXPECT_LE(std::abs(p[0]), 0.5F + 1e-6F);
    EXPECT_LE(std::abs(p[2]), 1.5F + 1e-6F);
  }
  EXPECT_FLOAT_EQ(low, 0);
  EXPECT_FLOAT_EQ(high, 2);
  EXPECT_EQ(repeated_around(box(1, 1, 1), 5).positions.size(), 5 * box(1, 1, 1).positions.size());
}

TEST(Simplify, FlatSurfacesLoseTrianglesAndShapesStay) {
  const Object sphere = testing::sphere(0.5F, 60, 120);
  const Object fewer = simplified(sphere, 0.005);
  if (fewer.triangles.size() == sphere.triangles.size()) GTEST_SKIP() << "built without meshoptimizer";
  EXPECT_LT(fewer.triangles.size(), sphere.triangles.size() / 4);
  EXPECT_GT(fewer.triangles.size(), 100U);
  check_object(fewer, "simplified");
  // Of a sphere of radius 0.5, edges as long as the error permits bring the middles of triangles inward by about that much.
  double deepest = 0;
  for (const auto& [a, b, c] : fewer.triangles) {
    Vector middle{};
    for (uint32_t index : {a, b, c})
      for (int axis = 0; axis < 3; ++axis) middle[axis] += fewer.positions[index][axis] / 3;
    deepest = std::max(deepest, 0.5 - static_cast<double>(length(middle)));
  }
  EXPECT_LT(deepest, 0.03);
  EXPECT_EQ(simplified(sphere, 0).triangles.size(), sphere.triangles.size());
}

}  // namespace
}  // namespace gsv3d
