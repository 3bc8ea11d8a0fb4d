#include "dataset/renderer.h"

#include <ATen/Parallel.h>
#include <omp.h>

#include "goldens.h"
#include "memory_files.h"

namespace gsv3d {
namespace {

using testing::append;
using testing::rectangle;
using testing::sphere;

class Renderer : public ::testing::Test {
 protected:
  void SetUp() override {
    if (testing::lacks_library([] { ObjectRenderer renderer(sphere(0.1F, 3, 4)); })) GTEST_SKIP() << "built without Embree";
  }
  /// Light that returns colours unchanged.
  static RenderOptions flat(int64_t samples = 1) {
    RenderOptions options;
    options.samples = samples;
    options.lighting = {};
    for (float& value : options.lighting.ambient[0]) value = 1 / 0.282095F;
    return options;
  }
  static std::array<int, 4> pixel(const TracedViews& rendering, int64_t x, int64_t y, int64_t view = 0) {
    const Tensor values = rendering.rgba.select(0, view).select(1, y).select(1, x);
    return {values[0].item<int>(), values[1].item<int>(), values[2].item<int>(), values[3].item<int>()};
  }
  static Image four_colours() {
    Image image = blank_image(64, 64, 255, 0, 0);  // upper left red
    for (int64_t y = 0; y < 64; ++y)
      for (int64_t x = 0; x < 64; ++x) {
        uint8_t* texel = image.at(x, y);
        texel[0] = x < 32 && y < 32 ? 255 : 0;
        texel[1] = x >= 32 && y < 32 ? 255 : 0;  // upper right green
        texel[2] = y >= 32 ? 255 : 0;            // below blue
      }
    return image;
  }
};

TEST_F(Renderer, SphereDepthAndSilhouette) {
  const int64_t size = 65;
  const double radius = 0.4;
  const ObjectRenderer renderer(sphere(0.4F, 200, 400));
  const Cameras cameras = orbit_cameras(3, 20, size);
  const TracedViews rendering = renderer.render(cameras, flat());
  const double focal = cameras.intrinsics[0][0][0].item<double>();
  // A ray through (x, y, 1) from distance 2 meets the sphere at camera z of the nearer root of |z (x, y, 1) - (0, 0, 2)|² = r².
  Tensor expected = at::zeros({size, size}, at::kDouble);
  for (int64_t i = 0; i < size; ++i)
    for (int64_t j = 0; j < size; ++j) {
      const double x = (static_cast<double>(j) + 0.5 - size / 2.0) / focal,
                   y = (static_cast<double>(i) + 0.5 - size / 2.0) / focal;
      const double a = x * x + y * y + 1, discriminant = 4 - a * (4 - radius * radius);
      if (discriminant > 0) expected[i][j] = (2 - std::sqrt(discriminant)) / a;
    }
  const Tensor inside = expected > 0;
  for (int64_t view = 0; view < 3; ++view) {
    const Tensor depth = rendering.depth[view].to(at::kDouble);
    EXPECT_EQ(((depth > 0) != inside).sum().item<int64_t>(), 0) << "silhouette of view " << view;
    // The polyhedron lies within 4e-5 of the sphere; at the rim that is seen at a slant.
    testing::expect_near(at::where(expected < 1.75, depth, expected), expected, 1e-3, "depth");
    EXPECT_EQ(((rendering.rgba[view][3] == 255) != inside).sum().item<int64_t>(), 0);
  }
}

TEST_F(Renderer, PlaneDepthIsCameraZ) {
  const ObjectRenderer renderer(rectangle(5, 0.25F, {}));
  const TracedViews rendering = renderer.render(orbit_cameras(1, 0, 32), flat(2));
  testing::expect_near(rendering.depth, at::full({1, 32, 32}, 1.75F), 1e-5, "depth of a wall facing the camera");
}

TEST_F(Renderer, AntiAliasedCoverageIsTheArea) {
  // The rectangle at distance 2 covers (2 · 0.3 · f / 2)² pixels.
  const ObjectRenderer renderer(rectangle(0.3F, 0, {{0.5F, 0.25F, 1}, 1, -1}));
  const Cameras cameras = orbit_cameras(1, 0, 50);
  const TracedViews rendering = renderer.render(cameras, flat(16));
  const double side = 0.3 * cameras.intrinsics[0][0][0].item<double>();
  const double covered = rendering.rgba[0][3].to(at::kDouble).sum().item<double>() / 255;
  EXPECT_NEAR(covered, side * side, 0.02 * side * side);
  // Colour is not premultiplied: rim pixels have the colour of the middle.
  const Tensor rim = (rendering.rgba[0][3] > 0).logical_and(rendering.rgba[0][3] < 255);
  ASSERT_GT(rim.sum().item<int64_t>(), 10);
  const Tensor red = rendering.rgba[0][0].masked_select(rim).to(at::kInt);
  EXPECT_NEAR(red.min().item<int>(), 128, 1);
  EXPECT_NEAR(red.max().item<int>(), 128, 1);
}

TEST_F(Renderer, TextureIsUprightAndFrontFacesAzimuthZero) {
  Object object = rectangle(0.4F, 0.1F, {{1, 1, 1}, 1, 0});
  object.textures = {four_colours()};
  append(object, rectangle(0.4F, -0.1F, {{0.2F, 0.2F, 0.2F}, 1, -1}));
  const ObjectRenderer renderer(object);
  const TracedViews rendering = renderer.render(orbit_cameras(2, 0, 64), flat(2));
  EXPECT_EQ(pixel(rendering, 24, 24), (std::array<int, 4>{255, 0, 0, 255}));
  EXPECT_EQ(pixel(rendering, 40, 24), (std::array<int, 4>{0, 255, 0, 255}));
  EXPECT_EQ(pixel(rendering, 24, 40), (std::array<int, 4>{0, 0, 255, 255}));
  EXPECT_EQ(pixel(rendering, 32, 32, 1)[0], 51) << "from behind the other side of the back is seen";
}

TEST_F(Renderer, TextureRepeats) {
  Object object = rectangle(0.4F, 0, {{1, 1, 1}, 1, 0}, 2);
  object.textures = {four_colours()};
  const ObjectRenderer renderer(object);
  const TracedViews rendering = renderer.render(orbit_cameras(1, 0, 128), flat());
  // The wall spans 128 · 0.8 / 1.215 = 84.3 pixels, a repeat 42.1: equal colours that far apart.
  EXPECT_EQ(pixel(rendering, 30, 30), (std::array<int, 4>{255, 0, 0, 255}));
  EXPECT_EQ(pixel(rendering, 72, 30), (std::array<int, 4>{255, 0, 0, 255}));
  EXPECT_EQ(pixel(rendering, 50, 72), (std::array<int, 4>{0, 255, 0, 255}));
}

TEST_F(Renderer, FineTexturesDoNotAlias) {
  // A checkerboard of single texels, far below a pixel: grey of half the light (188 in sRGB), the same everywhere.
  Object object = rectangle(0.4F, 0, {{1, 1, 1}, 1, 0}, 8);
  Image board = blank_image(128, 128, 0, 0, 0);
  for (int64_t y = 0; y < 128; ++y)
    for (int64_t x = 0; x < 128; ++x)
      for (int k = 0; k < 3; ++k) board.at(x, y)[k] = (x + y) % 2 ? 255 : 0;
  object.textures = {board};
  const ObjectRenderer renderer(object);
  const TracedViews rendering = renderer.render(orbit_cameras(1, 0, 32), flat(2));
  const Tensor middle = rendering.rgba[0][0].slice(0, 8, 24).slice(1, 8, 24).to(at::kInt);
  EXPECT_NEAR(middle.min().item<int>(), 188, 2);
  EXPECT_NEAR(middle.max().item<int>(), 188, 2);
}

TEST_F(Renderer, TransparentTexelsAreHoles) {
  Object object = rectangle(0.4F, 0.1F, {{1, 1, 1}, 1, 0});
  Image image = four_colours();
  for (int64_t y = 0; y < 64; ++y)
    for (int64_t x = 0; x < 64; ++x) image.at(x, y)[3] = x < 32 ? 100 : 200;  // below and above one half
  image.has_alpha = true;
  object.textures = {image};
  append(object, rectangle(0.2F, -0.1F, {{0, 0, 1}, 1, -1}));
  const ObjectRenderer renderer(object);
  const TracedViews rendering = renderer.render(orbit_cameras(1, 0, 64), flat());
  EXPECT_EQ(pixel(rendering, 40, 24), (std::array<int, 4>{0, 255, 0, 255})) << "above one half is solid";
  EXPECT_EQ(pixel(rendering, 26, 26), (std::array<int, 4>{0, 0, 255, 255})) << "what is behind the hole";
  EXPECT_NEAR(rendering.depth[0][26][26].item<float>(), 2.1, 1e-5);
  EXPECT_EQ(pixel(rendering, 14, 32), (std::array<int, 4>{0, 0, 0, 0})) << "nothing behind the hole";
}

TEST_F(Renderer, OpacityBlendsAlongTheRay) {
  Object object = rectangle(0.3F, 0.1F, {{1, 0, 0}, 0.25F, -1});
  append(object, rectangle(0.3F, -0.1F, {{0, 0, 1}, 0.5F, -1}));
  const ObjectRenderer renderer(object);
  const TracedViews rendering = renderer.render(orbit_cameras(1, 0, 33), flat());
  // alpha = 1 - 0.75 · 0.5 = 0.625; linear colour (0.25, 0, 0.375) / 0.625 = (0.4, 0, 0.6) → sRGB 0.6652, 0.7974.
  const auto [red, green, blue, alpha] = pixel(rendering, 16, 16);
  EXPECT_NEAR(alpha, 0.625 * 255, 1);
  EXPECT_NEAR(red, 0.6652 * 255, 1);
  EXPECT_EQ(green, 0);
  EXPECT_NEAR(blue, 0.7974 * 255, 1);
  EXPECT_NEAR(rendering.depth[0][16][16].item<float>(), 2.1, 1e-5) << "where half of the light is taken";
}

TEST_F(Renderer, TextureAlphaIsIgnoredTestedOrBlended) {
  Object object = rectangle(0.4F, 0.1F, {{1, 1, 1}, 1, 0});
  object.textures = {blank_image(4, 4, 255, 0, 0, 102)};  // alpha 0.4
  object.textures[0].has_alpha = true;
  const auto middle = [&](float cutoff, bool blends) {
    object.materials[0].alpha_cutoff = cutoff;
    object.materials[0].alpha_blends = blends;
    return pixel(ObjectRenderer(object).render(orbit_cameras(1, 0, 33), flat()), 16, 16);
  };
  EXPECT_EQ(middle(0, false), (std::array<int, 4>{255, 0, 0, 255})) << "OPAQUE";
  EXPECT_EQ(middle(0.5F, false)[3], 0) << "MASK, below";
  EXPECT_EQ(middle(0.3F, false), (std::array<int, 4>{255, 0, 0, 255})) << "MASK, above";
  EXPECT_EQ(middle(0, true), (std::array<int, 4>{255, 0, 0, 102})) << "BLEND";
}

TEST_F(Renderer, ClearTexelsAreNoLayers) {
  // Twelve sheets of nothing before a wall: they must not use up the eight layers of a ray.
  Object object = rectangle(0.4F, 0.3F, {{1, 1, 1}, 1, 0});
  object.materials[0].alpha_cutoff = 0;
  object.materials[0].alpha_blends = true;
  object.textures = {blank_image(4, 4, 255, 0, 0, 0)};
  object.textures[0].has_alpha = true;
  const Object sheet = object;
  for (int i = 1; i < 12; ++i) {
    Object next = sheet;
    for (auto& position : next.positions) position[2] -= 0.01F * static_cast<float>(i);
    append(object, next);
  }
  append(object, rectangle(0.4F, -0.1F, {{0, 0, 1}, 1, -1}));
  EXPECT_EQ(pixel(ObjectRenderer(object).render(orbit_cameras(1, 0, 33), flat()), 16, 16), (std::array<int, 4>{0, 0, 255, 255}));
}

TEST_F(Renderer, VertexColoursMultiplyAndBlendInLinearLight) {
  Object object = rectangle(0.4F, 0, {{1, 0, 1}, 1, -1});
  object.colors.assign(4, {0, 1, 1, 0.5F});
  object.colors[1][0] = object.colors[2][0] = 1;  // red grows to the right
  const auto middle = [&] { return pixel(ObjectRenderer(object).render(orbit_cameras(1, 0, 33), flat()), 16, 16); };
  EXPECT_EQ(middle(), (std::array<int, 4>{188, 0, 255, 255})) << "half of the light, and alpha not below the cutoff";
  object.materials[0].alpha_blends = true;
  object.materials[0].alpha_cutoff = 0;
  EXPECT_EQ(middle()[3], 128);
  object.materials[0].alpha_cutoff = 0.6F;
  EXPECT_EQ(middle()[3], 0);
}

TEST_F(Renderer, EmissionShinesAndUnlitIsAsItIs) {
  Object object = rectangle(0.4F, 0, {{0, 0, 0}, 1, -1});
  object.materials[0].emission = {0.5F, 1, 0};
  const auto middle = [&] { return pixel(ObjectRenderer(object).render(orbit_cameras(1, 0, 33), {}), 16, 16); };
  EXPECT_EQ(middle(), (std::array<int, 4>{128, 255, 0, 255})) << "black before";
  object.textures = {blank_image(4, 4, 255, 0, 255)};
  object.materials[0].emission_texture = 0;
  EXPECT_EQ(middle(), (std::array<int, 4>{128, 0, 0, 255}));
  object.materials[0] = {{0.5F, 0.25F, 1}, 1, -1};
  EXPECT_NE(middle()[2], 255) << "the studio's light is below 1 here";
  object.materials[0].unlit = true;
  EXPECT_EQ(middle(), (std::array<int, 4>{128, 64, 255, 255}));
}

TEST_F(Renderer, TexturesClampAndMirror) {
  // Texture coordinates 0 to 2 over 84.3 of 128 pixels: pixel (72, 30) is at (1.19, 1.8), pixel (30, 72) at (0.19, 0.8).
  Object object = rectangle(0.4F, 0, {{1, 1, 1}, 1, 0}, 2);
  object.textures = {four_colours()};
  const auto picture = [&](Wrap u, Wrap v) {
    object.materials[0].wrap = {u, v};
    return ObjectRenderer(object).render(orbit_cameras(1, 0, 128), flat());
  };
  const std::array<int, 4> red{255, 0, 0, 255}, green{0, 255, 0, 255}, blue{0, 0, 255, 255};
  const TracedViews mirrored = picture(Wrap::mirror, Wrap::mirror);
  EXPECT_EQ(pixel(mirrored, 72, 30), blue) << "(0.81, 0.2)";
  EXPECT_EQ(pixel(mirrored, 30, 72), red) << "(0.19, 0.8)";
  EXPECT_EQ(pixel(mirrored, 72, 72), green) << "(0.81, 0.8)";
  const TracedViews clamped = picture(Wrap::clamp, Wrap::clamp);
  EXPECT_EQ(pixel(clamped, 72, 30), green) << "(1, 1)";
  EXPECT_EQ(pixel(clamped, 30, 30), red) << "(0.19, 1)";
  EXPECT_EQ(pixel(picture(Wrap::clamp, Wrap::repeat), 72, 30), green) << "(1, 0.8)";
}

TEST_F(Renderer, AnObjectThatIsNotSeenIsAnError) {
  ViewPlan plan;
  plan.orbit_views = 2;
  const auto error_with = [&](float opacity) {
    const ObjectRenderer renderer(rectangle(0.4F, 0, {{1, 1, 1}, opacity, -1}));
    return testing::error_of([&] { render_views(renderer, plan, {}, make_generator(1)); });
  };
  EXPECT_EQ(error_with(1), "");
  EXPECT_EQ(error_with(0), "nothing of the object is seen in any of its 10 views (are all of its materials transparent?)");
}

TEST_F(Renderer, BothSidesAreLitAndWindingIsIgnored) {
  Object object = rectangle(0.4F, 0, {{1, 1, 1}, 1, -1});
  Object reversed = object;
  for (auto& triangle : reversed.triangles) std::swap(triangle[0], triangle[1]);
  for (auto& normal : reversed.normals) normal = {0, 0, -1};
  const Cameras cameras = orbit_cameras(2, 10, 32);
  const TracedViews a = ObjectRenderer(object).render(cameras, {}), b = ObjectRenderer(reversed).render(cameras, {});
  EXPECT_TRUE(at::equal(a.rgba, b.rgba));
  EXPECT_GT(pixel(a, 16, 16, 1)[0], 150) << "the back is not black";
}

TEST_F(Renderer, StudioLightIsModerate) {
  const Lighting lighting = studio_lighting();
  const Object directions = sphere(1, 20, 40);
  float low = 10, high = 0;
  for (const auto& normal : directions.normals) {
    const float light = lighting.reflected(normal, 1)[1];
    low = std::min(low, light);
    high = std::max(high, light);
  }
  EXPECT_GE(low, 0.44F);
  EXPECT_LE(high, 1.0F);
  EXPECT_GE(high, 0.9F);
}

TEST_F(Renderer, UniformEnvironmentLightsEvenly) {
  const Lighting lighting = environment_lighting(blank_image(64, 32, 200, 200, 200));
  for (const auto& normal : sphere(1, 8, 12).normals) EXPECT_NEAR(lighting.reflected(normal, 1)[0], 0.8, 0.01);
  Image sky = blank_image(64, 32, 0, 0, 0);
  for (int64_t y = 0; y < 16; ++y)
    for (int64_t x = 0; x < 64; ++x) sky.at(x, y)[2] = 255;
  const Lighting blue = environment_lighting(sky);
  // A hemisphere of light: a surface that faces it gets all of it, one at a right angle half, one turned away nothing.
  EXPECT_NEAR(blue.reflected({0, 0, 1}, 1)[2] / blue.reflected({0, 1, 0}, 1)[2], 0.5, 0.05);
  EXPECT_NEAR(blue.reflected({0, -1, 0}, 1)[2] / blue.reflected({0, 1, 0}, 1)[2], 0, 0.05);
}

TEST_F(Renderer, OcclusionDarkensCorners) {
  Object object = rectangle(0.4F, 0, {{1, 1, 1}, 1, -1});
  Object floor = rectangle(0.4F, 0, {{1, 1, 1}, 1, -1});
  transform_object(floor, {1, 0, 0, 0, 0, 1, 0, -1, 0});  // lies along y = 0 through the wall's middle
  append(object, floor);
  const ObjectRenderer renderer(object);
  RenderOptions options = flat(2);
  const Cameras cameras = orbit_cameras(1, 30, 64);
  const TracedViews without = renderer.render(cameras, options);
  options.occlusion_samples = 16;
  const TracedViews with = renderer.render(cameras, options);
  EXPECT_EQ(pixel(without, 32, 30)[0], 255);
  EXPECT_LT(pixel(with, 32, 30)[0], 235) << "just above the corner";
  EXPECT_EQ(pixel(with, 32, 14)[0], 255) << "far from it";
}

TEST_F(Renderer, ThreadsDoNotChangeTheResult) {
  const ObjectRenderer renderer(sphere(0.45F, 30, 40));
  ViewPlan plan;
  plan.size = 24;
  plan.orbit_views = 5;
  plan.random_views = 3;
  RenderOptions options;
  options.occlusion_samples = 2;
  const int threads = omp_get_max_threads();
  omp_set_num_threads(1);
  const ObjectViews one = render_views(renderer, plan, options, make_generator(4));
  omp_set_num_threads(4);
  const ObjectViews four = render_views(renderer, plan, options, make_generator(4));
  omp_set_num_threads(threads);
  EXPECT_TRUE(at::equal(one.rgba, four.rgba));
  EXPECT_TRUE(at::equal(one.depth, four.depth));
  EXPECT_EQ(one.cameras.count(), 8);
  EXPECT_FALSE(at::equal(one.cameras.world_to_camera[5],
                         render_views(renderer, plan, options, make_generator(5)).cameras.world_to_camera[5]));
}

TEST_F(Renderer, MalformedObjectsAreErrors) {
  const auto error_with = [](const std::function<void(Object&)>& change) {
    Object object = rectangle(0.4F, 0, {});
    change(object);
    return testing::error_of([&] { ObjectRenderer renderer(object); });
  };
  EXPECT_EQ(error_with([](Object&) {}), "");
  EXPECT_NE(error_with([](Object& object) { object.triangles[0][1] = 4; }), "");
  EXPECT_NE(error_with([](Object& object) { object.triangle_materials[1] = 1; }), "");
  EXPECT_NE(error_with([](Object& object) { object.materials[0].texture = 0; }), "");
  EXPECT_NE(error_with([](Object& object) { object.positions[0][0] = NAN; }), "");
  EXPECT_NE(error_with([](Object& object) { object.normals[0][0] = INFINITY; }), "");
  EXPECT_NE(error_with([](Object& object) { object.uvs[2][1] = NAN; }), "");
  EXPECT_NE(error_with([](Object& object) { object.uvs.pop_back(); }), "");
}

TEST_F(Renderer, WholeObjectsAreSeenFromEveryDirection) {
  // Corners of a normalised cube are 0.57 from the origin, which is seen at tan(asin(0.57 / 2)) = 0.2973 from the axis; the
  // picture's last pixel begins at 126/128 of tan(33.8° / 2), that is 0.2991.
  Object object = rectangle(1, 1, {});
  append(object, rectangle(1, -1, {}));
  normalize_object(object);
  ViewPlan plan;
  plan.size = 128;
  plan.orbit_views = 7;
  plan.random_views = 13;
  plan.min_random_elevation_degrees = -89;
  plan.max_random_elevation_degrees = 89;
  RenderOptions options;
  options.samples = 2;
  const ObjectViews views = render_views(ObjectRenderer(object), plan, options, make_generator(9));
  const Tensor alpha = views.rgba.select(1, 3).to(at::kInt);
  for (int64_t line : {0, 127})
    EXPECT_EQ(alpha.select(1, line).max().item<int>() + alpha.select(2, line).max().item<int>(), 0) << line;
  EXPECT_EQ((alpha.amax({1, 2}) == 255).sum().item<int64_t>(), 20);
}

}  // namespace
}  // namespace gsv3d
