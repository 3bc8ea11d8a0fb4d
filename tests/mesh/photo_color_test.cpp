// A photo of the object gives its colours to the texture where it sees the surface; splats, mesh and photo look alike there.
#include <gtest/gtest.h>

#include <cmath>

#include "core/error.h"
#include "mesh/atlas.h"
#include "mesh/bake.h"
#include "mesh/gaussian_mesh.h"
#include "pipeline/photo_surface.h"
#include "rasterizer/rasterizer.h"

namespace gsv3d {
namespace {

constexpr int64_t texture_size = 64;

/// A square in the plane z = 0 that looks at +Z (or at -Z), its texture upright: u along +x, v along -y.
Mesh square(bool front) {
  Mesh mesh;
  const float h = 0.3F;
  mesh.positions = {{-h, h, 0}, {h, h, 0}, {h, -h, 0}, {-h, -h, 0}};
  mesh.uvs = {{0, 0}, {1, 0}, {1, 1}, {0, 1}};
  mesh.normals.assign(4, {0, 0, front ? 1.0F : -1.0F});
  mesh.triangles = front ? std::vector<std::array<uint32_t, 3>>{{0, 2, 1}, {0, 3, 2}}
                         : std::vector<std::array<uint32_t, 3>>{{0, 1, 2}, {0, 2, 3}};
  return mesh;
}

/// Grey from before and behind.
SurfaceViews grey_views() {
  const Cameras cameras = look_at_cameras({0, 180}, {0, 0}, 32);
  Tensor color = at::full({2, 32, 32, 4}, 0.5);
  color.select(3, 3).fill_(1);
  return {color, {}, cameras};
}

/// Red on the left, blue on the right; `alpha` everywhere.
PosedPhoto two_colors(double azimuth, double alpha = 1) {
  Tensor rgba = at::zeros({4, 96, 96});
  rgba[0].slice(1, 0, 48).fill_(1);
  rgba[2].slice(1, 48).fill_(1);
  rgba[3].fill_(alpha);
  return {rgba, look_at_cameras({azimuth}, {0}, 96)};
}

std::array<int, 3> texel(const Mesh& mesh, int64_t x, int64_t y) {
  const uint8_t* p = mesh.texture.at(x, y);
  return {p[0], p[1], p[2]};
}

std::array<int, 3> baked(Mesh mesh, const std::vector<PosedPhoto>& photos, int64_t x) {
  bake_texture(mesh, grey_views(), texture_size, {}, photos);
  return texel(mesh, x, texture_size / 2);
}

using Rgb = std::array<int, 3>;

TEST(TexturePhoto, IsTakenWhereItSeesTheSurface) {
  EXPECT_EQ(baked(square(true), {}, 16), (Rgb{128, 128, 128}));
  EXPECT_EQ(baked(square(true), {two_colors(0)}, 16), (Rgb{255, 0, 0}));
  EXPECT_EQ(baked(square(true), {two_colors(0)}, 48), (Rgb{0, 0, 255}));
  EXPECT_EQ(baked(square(false), {two_colors(0)}, 16), (Rgb{128, 128, 128})) << "a surface that looks away";
}

TEST(TexturePhoto, GivesWayToTheViewsFromTheSideAndAtItsEdges) {
  // The texel at x = -0.1453 seen from (2 sin 72°, 0, 2 cos 72°): the cosine of the angle to the normal is 0.2890.
  const double share = (0.2890 - 0.2) / 0.25;
  const Rgb mixed = baked(square(true), {two_colors(72)}, 16);
  EXPECT_NEAR(mixed[0], 255 * (0.5 * (1 - share) + share), 2);
  EXPECT_NEAR(mixed[1], 255 * 0.5 * (1 - share), 2);
  EXPECT_EQ(baked(square(true), {two_colors(85)}, 48), (Rgb{128, 128, 128}));
  EXPECT_EQ(baked(square(true), {two_colors(0, 0.9)}, 16), (Rgb{128, 128, 128})) << "half transparent: not surely the object";
}

TEST(TexturePhoto, OfSeveralTheLeastFromTheSideCounts) {
  PosedPhoto green = two_colors(40);
  green.rgba.slice(0, 0, 3).zero_();
  green.rgba[1].fill_(1);
  EXPECT_EQ(baked(square(true), {two_colors(0), green}, 16), (Rgb{255, 0, 0}));
  EXPECT_EQ(baked(square(true), {green, two_colors(0)}, 16), (Rgb{255, 0, 0}));
  EXPECT_EQ(baked(square(true), {green, two_colors(70)}, 16), (Rgb{0, 255, 0}));
}

TEST(TexturePhoto, MustBeOfItsCamerasSize) {
  PosedPhoto photo = two_colors(0);
  photo.camera = photo.camera.resized(48, 48);
  Mesh mesh = square(true);
  EXPECT_THROW(bake_texture(mesh, grey_views(), texture_size, {}, {photo}), Error);
}

/// CIE L*a*b* (D65) of sRGB colours [P, 3] in 0-1.
Tensor lab(const Tensor& rgb) {
  const Tensor linear = at::where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055).pow(2.4));
  const Tensor to_xyz =
      at::tensor({0.4124, 0.3576, 0.1805, 0.2126, 0.7152, 0.0722, 0.0193, 0.1192, 0.9505}, at::kFloat).view({3, 3});
  const Tensor t = at::matmul(linear, to_xyz.t()) / at::tensor({0.9505, 1.0, 1.089}, at::kFloat);
  const Tensor f = at::where(t > 0.008856, t.clamp_min(1e-9).pow(1.0 / 3), 7.787 * t + 16.0 / 116);
  const Tensor x = f.select(1, 0), y = f.select(1, 1), z = f.select(1, 2);
  return at::stack({116 * y - 16, 500 * (x - y), 200 * (y - z)}, 1);
}
double mean_difference(const Tensor& a, const Tensor& b) {
  return at::linalg_vector_norm(lab(a) - lab(b), 2, {1}).mean().item<double>();
}

struct AgreeingColors : ::testing::Test {
  static constexpr int64_t count = 24'000, side = 256;
  Cameras camera = look_at_cameras({0}, {10}, side);
  Gaussians object = grey_ball();
  Tensor photo = wavy_photo();

  static Gaussians grey_ball() {
    const Tensor index = at::arange(count, at::kDouble) + 0.5;
    const Tensor y = 1 - 2 * index / count, ring = (1 - y * y).sqrt(), angle = index * 2.399963229728653;
    const Tensor means = (0.35 * at::stack({ring * angle.cos(), y, ring * angle.sin()}, 1)).to(at::kFloat);
    Tensor quats = at::zeros({count, 4});
    quats.select(1, 0).fill_(1);
    return {means, quats, at::full({count, 3}, 0.006), at::full({count}, 0.9), rgb_to_sh(at::full({count, 3}, 0.5))};
  }
  /// The ball in colours that change over some ten pixels.
  Tensor wavy_photo() const {
    const Tensor x = at::arange(side, at::kFloat) / 6;
    const Tensor across = (0.5 + 0.4 * x.sin()).view({1, 1, side}).expand({1, side, side});
    const Tensor down = (0.5 + 0.4 * (x / 2).sin()).view({1, side, 1}).expand({1, side, side});
    return at::cat({across, down, 1 - across, rasterize(object, camera).alpha[0].gt(0.5).to(at::kFloat)});
  }
  Tensor at_places(const Tensor& image, const Tensor& column, const Tensor& row) const {
    return image.flatten(1).index_select(1, row * side + column).t();
  }
};

TEST_F(AgreeingColors, SplatsMeshAndPhotoLookAlike) {
  const Gaussians splats = with_photo_surface(object, photo, camera);
  const Rendering seen = rasterize(splats, camera);
  // Where the surface looks at the camera well: the middle of the ball.
  const Tensor middle = at::arange(side / 2 - 40, side / 2 + 40, at::kLong);
  const Tensor row = middle.repeat_interleave(80), column = middle.repeat({80});
  EXPECT_LT(mean_difference(at_places((seen.rgb / seen.alpha)[0].clamp(0, 1), column, row),
                            at_places(photo.slice(0, 0, 3), column, row)),
            3);
  EXPECT_GT(
      mean_difference(at_places(rasterize(object, camera).rgb[0], column, row), at_places(photo.slice(0, 0, 3), column, row)), 30)
      << "what it was before";

  if (!has_mesh_libraries()) return;
  const Mesh mesh = mesh_gaussians(splats, {}, {}, {{photo, camera}});
  const Tensor pose = camera.world_to_camera[0], intrinsics = camera.intrinsics[0];
  std::vector<float> texture, truth;
  for (const auto& triangle : mesh.triangles) {
    const Vector3 point = (mesh.positions[triangle[0]] + mesh.positions[triangle[1]] + mesh.positions[triangle[2]]) * (1.0F / 3);
    if (point.z < 0.25F || std::abs(point.x) > 0.2F) continue;  // what the photo sees well
    const Tensor in_camera = at::matmul(pose, at::tensor({point.x, point.y, point.z, 1.0F})).slice(0, 0, 3);
    const Tensor place = at::matmul(intrinsics, in_camera) / in_camera[2];
    const auto x = static_cast<int64_t>(place[0].item<float>()), y = static_cast<int64_t>(place[1].item<float>());
    float u = 0, v = 0;
    for (const uint32_t corner : triangle) u += mesh.uvs[corner].x / 3, v += mesh.uvs[corner].y / 3;
    const uint8_t* p = mesh.texture.at(static_cast<int64_t>(u * static_cast<float>(mesh.texture.width)),
                                       static_cast<int64_t>(v * static_cast<float>(mesh.texture.height)));
    for (int64_t i = 0; i < 3; ++i)
      texture.push_back(static_cast<float>(p[i]) / 255), truth.push_back(photo[i][y][x].item<float>());
  }
  ASSERT_GT(texture.size(), 300);
  EXPECT_LT(mean_difference(at::tensor(texture).view({-1, 3}), at::tensor(truth).view({-1, 3})), 4);
}

}  // namespace
}  // namespace gsv3d
