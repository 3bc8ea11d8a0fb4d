// The whole way from Gaussians to files: a ball of two colours whose surface is known.
#include "mesh/gaussian_mesh.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "core/atomic_file.h"
#include "core/config.h"
#include "core/error.h"
#include "mesh/atlas.h"
#include "mesh/connectivity.h"
#include "mesh/crossings.h"
#include "mesh/mesh_files.h"
#include "toy_model.h"

namespace gsv3d {
namespace {

using testing::TemporaryFolder;

constexpr double kRadius = 0.4;

/// Small opaque discs on a sphere: red above, blue below; the rest of the world is empty.
Gaussians ball(double opacity = 0.99) {
  const int64_t count = 4000;
  const Tensor i = at::arange(count, at::kFloat) + 0.5;
  const Tensor y = 1 - 2 * i / count, angle = 2.39996323 * i, ring = (1 - y * y).sqrt();
  Gaussians g;
  g.means = kRadius * at::stack({ring * angle.cos(), y, ring * angle.sin()}, 1);
  const Tensor normal = g.means / kRadius;
  // The turn of +Z to the normal.
  g.quats = at::stack({1.00001 + normal.select(1, 2), -normal.select(1, 1), normal.select(1, 0), at::zeros({count})}, 1);
  g.scales = at::tensor({0.014F, 0.014F, 0.001F}).repeat({count, 1});
  g.opacities = at::full({count}, static_cast<float>(opacity));
  const Tensor up = (y > 0).to(at::kFloat);
  g.sh = rgb_to_sh(at::stack({0.9 * up, at::zeros({count}), 0.9 * (1 - up)}, 1));
  return g;
}

class GaussianMesh : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!has_mesh_libraries()) GTEST_SKIP() << "built without GSV3D_WITH_MESH_LIBRARIES";
  }
};

TEST_F(GaussianMesh, ABallBecomesABall) {
  MeshOptions options;
  options.resolution = 64;
  options.triangles = 3000;
  options.texture_size = 256;
  options.watertight = true;
  const Mesh mesh = mesh_gaussians(ball(), options);
  EXPECT_LE(mesh.triangles.size(), 3000U);
  const Topology found = topology(weld(mesh));
  EXPECT_TRUE(found.manifold()) << found.boundary_edges << " open, " << found.bad_edges << " bad";
  EXPECT_EQ(found.components, 1);
  EXPECT_EQ(found.euler, 2);
  EXPECT_TRUE(crossing_pairs(weld(mesh)).empty());
  double worst = 0;
  for (const Vector3& p : mesh.positions) worst = std::max(worst, std::abs(length(p) - kRadius));
  EXPECT_LT(worst,
            0.03);  // two samples of the grid: discs reach beyond their standard deviation, and outlines count from alpha 0.2
  EXPECT_NEAR(signed_volume(mesh), 4.0 / 3 * 3.14159265 * kRadius * kRadius * kRadius, 0.04);
  // The texture at the vertices, away from the line between the colours.
  int64_t wrong = 0, seen = 0;
  for (size_t i = 0; i < mesh.positions.size(); ++i) {
    if (std::abs(mesh.positions[i].y) < 0.08F) continue;
    const auto pick = [&](float place) { return std::clamp<int64_t>(static_cast<int64_t>(place * 256), 0, 255); };
    const uint8_t* pixel = mesh.texture.at(pick(mesh.uvs[i].x), pick(mesh.uvs[i].y));
    const bool up = mesh.positions[i].y > 0;
    wrong += std::abs(pixel[up ? 0 : 2] - 230) > 12 || pixel[1] > 12 || pixel[up ? 2 : 0] > 25;
    ++seen;
  }
  EXPECT_GT(seen, 500);
  EXPECT_LE(wrong, seen / 100);
}

/// A ball whose discs lie scattered through a shell, with holes and strays: what fuzzy Gaussians look like.
Gaussians fuzzy_ball() {
  Gaussians g = ball(0.6);
  const auto generator = make_generator(11);
  g.means = g.means * (1 + 0.06 * randn({g.means.size(0), 1}, generator));
  g.scales = g.scales * (0.5 + randn({g.scales.size(0), 1}, generator).abs());
  return g;
}

TEST_F(GaussianMesh, FuzzBecomesOnePieceThatCanBePrinted) {
  MeshOptions options;
  options.resolution = 64;
  options.triangles = 4000;
  options.texture = false;
  options.watertight = true;
  const Mesh mesh = mesh_gaussians(fuzzy_ball(), options);
  const Topology found = topology(weld(mesh));
  EXPECT_TRUE(found.manifold()) << found.boundary_edges << " open, " << found.bad_edges << " and " << found.bad_vertices
                                << " bad";
  EXPECT_EQ(found.components, 1);
  EXPECT_EQ(found.euler, 2);
  EXPECT_TRUE(crossing_pairs(weld(mesh)).empty());
}

TEST_F(GaussianMesh, FewLargeChartsFillTheTexture) {
  MeshOptions options;
  options.texture_size = 512;
  std::vector<int64_t> percents;
  const Mesh mesh = mesh_gaussians(fuzzy_ball(), options, [&](const std::string& stage, int64_t done, int64_t total) {
    EXPECT_EQ(total, 100);
    if (stage == "texture coordinates" || stage == "texture") percents.push_back(done);
  });
  const std::vector<uint32_t> labels = component_labels(mesh);
  int64_t charts = 0;
  for (size_t i = 0; i < labels.size(); ++i) charts += labels[i] == i;
  double used = 0;
  for (const auto& [a, b, c] : mesh.triangles) {
    const Vector2 p = mesh.uvs[a], q = mesh.uvs[b], r = mesh.uvs[c];
    used += 0.5 * std::abs((q.x - p.x) * (r.y - p.y) - (q.y - p.y) * (r.x - p.x));
  }
  EXPECT_LT(charts, 150);
  EXPECT_GT(used, 0.5);
  EXPECT_GT(percents.size(), 20U);  // nothing takes long in silence
  EXPECT_EQ(percents.back(), 100);
}

TEST_F(GaussianMesh, OfAnySizeAndAnywhere) {
  MeshOptions options;
  options.resolution = 48;
  options.triangles = 2000;
  options.texture_size = 128;
  const Mesh mesh = mesh_gaussians(ball(), options);
  for (const auto& [scale, shift] : {std::pair{0.005F, 0.02F}, {500.0F, -2000.0F}, {1e-6F, 0.0F}}) {
    Gaussians other = ball();
    other.means = other.means * scale + shift;
    other.scales = other.scales * scale;
    const Mesh found = mesh_gaussians(other, options);
    EXPECT_NEAR(static_cast<double>(found.triangles.size()), static_cast<double>(mesh.triangles.size()), 20);
    EXPECT_NEAR(signed_volume(mesh) / (signed_volume(found) / std::pow(scale, 3.0)), 1, 0.005);
    const Box was = bounding_box(mesh), is = bounding_box(found);
    EXPECT_NEAR(length((is.low - Vector3{shift, shift, shift}) * (1 / scale) - was.low), 0, 0.01);
    EXPECT_NEAR(length((is.high - Vector3{shift, shift, shift}) * (1 / scale) - was.high), 0, 0.01);
    for (const Vector3& p : found.positions) EXPECT_NEAR(length((p - Vector3{shift, shift, shift}) * (1 / scale)), kRadius, 0.04);
    const auto red = [](const Mesh& of) {
      int64_t sum = 0;
      for (size_t i = 0; i < of.texture.pixels.size(); i += 3) sum += of.texture.pixels[i];
      return static_cast<double>(sum) / (static_cast<double>(of.texture.pixels.size()) / 3);
    };
    EXPECT_NEAR(red(found), red(mesh), 8);
  }
}

TEST_F(GaussianMesh, TheSameTwice) {
  MeshOptions options;
  options.resolution = 32;
  options.texture_size = 64;
  const Mesh first = mesh_gaussians(ball(), options), second = mesh_gaussians(ball(), options);
  EXPECT_EQ(first.triangles, second.triangles);
  EXPECT_EQ(first.positions, second.positions);
  EXPECT_EQ(first.uvs, second.uvs);
  EXPECT_EQ(first.texture.pixels, second.texture.pixels);
}

TEST_F(GaussianMesh, NothingToSeeIsAnErrorThatSaysSo) {
  const auto message = [](const Gaussians& gaussians) -> std::string {
    try {
      mesh_gaussians(gaussians);
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_THAT(message(ball().select(at::zeros({4000}, at::kBool))), ::testing::HasSubstr("no Gaussians"));
  EXPECT_THAT(message(ball(0.01)), ::testing::HasSubstr("transparent"));
  EXPECT_THAT(message(ball(0.06).select(at::arange(20))), ::testing::HasSubstr("no surface"));
}

TEST_F(GaussianMesh, OptionsAreChecked) {
  EXPECT_THROW(mesh_gaussians(ball(), {.resolution = 8}), Error);
  EXPECT_THROW(mesh_gaussians(ball(), {.resolution = 513}), Error);
  EXPECT_THROW(mesh_gaussians(ball(), {.triangles = 3}), Error);
  EXPECT_THROW(mesh_gaussians(ball(), {.texture_size = 9000}), Error);
}

/// One triangle with everything.
Mesh one_triangle() {
  Mesh mesh;
  mesh.positions = {{0, 0, 0}, {1, 0, 0}, {0, 1, 0.5F}};
  mesh.triangles = {{0, 1, 2}};
  mesh.normals = vertex_normals(mesh);
  mesh.uvs = {{0, 0}, {1, 0}, {0, 1}};
  mesh.texture = blank_image(2, 2, 10, 20, 30);
  return mesh;
}

TEST(MeshFiles, GlbHoldsWhatItSays) {
  const TemporaryFolder folder;
  write_mesh(folder / "a.glb", one_triangle());
  const std::string bytes = read_file(folder / "a.glb");
  const auto word = [&](size_t place) {
    uint32_t value;
    std::memcpy(&value, bytes.data() + place, 4);
    return value;
  };
  EXPECT_EQ(bytes.substr(0, 4), "glTF");
  EXPECT_EQ(word(8), bytes.size());
  const Json json = Json::parse(bytes.substr(20, word(12)));
  EXPECT_EQ(json["materials"][0]["pbrMetallicRoughness"]["metallicFactor"], 0);
  EXPECT_EQ(json["materials"][0]["pbrMetallicRoughness"]["roughnessFactor"], 1);
  const Json position = json["accessors"][json["meshes"][0]["primitives"][0]["attributes"]["POSITION"].get<size_t>()];
  EXPECT_EQ(position["max"], Json::array({1, 1, 0.5}));
  const Json image = json["bufferViews"][json["images"][0]["bufferView"].get<size_t>()];
  const size_t binary = 20 + word(12) + 8;
  const Image texture =
      decode_png(std::string_view(bytes).substr(binary + image["byteOffset"].get<size_t>(), image["byteLength"].get<size_t>()));
  EXPECT_EQ(texture.pixels, one_triangle().texture.pixels);
}

TEST(MeshFiles, ObjPlyAndStl) {
  const TemporaryFolder folder;
  for (const char* name : {"a.obj", "a.ply", "a.STL"}) write_mesh(folder / name, one_triangle());
  const std::string obj = read_file(folder / "a.obj");
  EXPECT_THAT(obj, ::testing::HasSubstr("mtllib a.mtl"));
  EXPECT_THAT(obj, ::testing::HasSubstr("vt 0 1\n"));  // v counts upward
  EXPECT_THAT(obj, ::testing::HasSubstr("f 1/1/1 2/2/1 3/3/1\n"));
  EXPECT_THAT(read_file(folder / "a.mtl"), ::testing::HasSubstr("map_Kd a.png"));
  EXPECT_TRUE(std::filesystem::exists(folder / "a.png"));
  const std::string ply = read_file(folder / "a.ply");
  EXPECT_EQ(ply.size(), ply.find("end_header\n") + 11 + 3 * (6 * 4 + 3) + 13);
  EXPECT_THAT(ply, ::testing::HasSubstr("property uchar red"));
  EXPECT_THAT(ply, ::testing::Not(::testing::HasSubstr("property float s")));
  const std::string stl = read_file(folder / "a.STL");
  EXPECT_EQ(stl.size(), 84U + 50);
  float y;  // of the last corner, as it was given
  std::memcpy(&y, stl.data() + 84 + 12 + 24 + 4, 4);
  EXPECT_EQ(y, 1);
}

/// Two triangles over one edge that a seam of the texture runs along: files with numbered positions have it once.
TEST(MeshFiles, SeamsDoNotOpenTheSurface) {
  Mesh mesh = one_triangle();
  mesh.positions = {{0, 0, 0}, {1, 0, 0}, {0, 1, 0}, {1, 0, 0}, {1, 1, 0}, {0, 1, 0}};
  mesh.normals.assign(6, {0, 0, 1});
  mesh.uvs = {{0, 0}, {0.4F, 0}, {0, 0.4F}, {0.6F, 0}, {1, 1}, {0, 0.6F}};
  mesh.triangles = {{0, 1, 2}, {3, 4, 5}};
  const TemporaryFolder folder;
  for (const char* name : {"a.obj", "a.ply"}) write_mesh(folder / name, mesh);
  const std::string obj = read_file(folder / "a.obj"), ply = read_file(folder / "a.ply");
  EXPECT_THAT(obj, ::testing::HasSubstr("v 0 1 0\nv 1 1 0\nvt"));
  EXPECT_THAT(obj, ::testing::HasSubstr("vn 0.0000 0.0000 1.0000\nusemtl"));
  EXPECT_THAT(obj, ::testing::HasSubstr("f 1/1/1 2/2/1 3/3/1\nf 2/4/1 4/5/1 3/6/1\n"));
  EXPECT_THAT(ply, ::testing::HasSubstr("element vertex 4\n"));
  std::array<uint32_t, 3> second;
  std::memcpy(second.data(), ply.data() + ply.size() - sizeof second, sizeof second);
  EXPECT_EQ(second, (std::array<uint32_t, 3>{1, 3, 2}));
}

TEST(MeshFiles, BadMeshesAndNamesLeaveNoFile) {
  const TemporaryFolder folder;
  EXPECT_THROW(write_mesh(folder / "a.fbx", one_triangle()), UsageError);
  Mesh bad = one_triangle();
  bad.positions[1].x = NAN;
  for (const char* name : {"a.glb", "a.obj", "a.ply", "a.stl"}) {
    EXPECT_THROW(write_mesh(folder / name, bad), Error);
    EXPECT_THROW(write_mesh(folder / name, {}), Error);
  }
  bad = one_triangle();
  bad.triangles[0][2] = 3;
  EXPECT_THROW(write_mesh(folder / "a.glb", bad), Error);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

}  // namespace
}  // namespace gsv3d
