#include "rasterizer/orbit_render.h"

#include "core/error.h"
#include "goldens.h"
#include "rasterizer/rasterizer.h"

namespace gsv3d {
namespace {

/// Three opaque balls: red in front (+Z), blue behind, green above.
Gaussians three_balls() {
  return {at::tensor({0.0f, 0.0f, 0.3f, 0.0f, 0.0f, -0.3f, 0.0f, 0.4f, 0.0f}).view({3, 3}),
          at::tensor({1.0f, 0.0f, 0.0f, 0.0f}).repeat({3, 1}), at::full({3, 3}, 0.06), at::ones({3}),
          rgb_to_sh(at::eye(3).index_select(0, at::tensor({0, 2, 1})))};
}

TEST(OrbitRender, FrontBackAndUpAreWhereTheyBelong) {
  const auto images = render_orbit(three_balls(), {.frames = 4, .size = 48, .supersampling = 2});
  ASSERT_EQ(images.rgb.sizes(), at::IntArrayRef({4, 3, 48, 48}));
  ASSERT_EQ(images.depth.sizes(), at::IntArrayRef({4, 1, 48, 48}));
  // Beside the peak a ball lets 3 % of what is behind it through: hence the tolerances of colour and depth.
  const auto pixel = [&](int64_t frame, int64_t row, int64_t column) {
    return images.rgb[frame].select(1, row).select(1, column);
  };
  testing::expect_near(pixel(0, 24, 24), at::tensor({1.0f, 0.0f, 0.0f}), 0.05, "front");
  testing::expect_near(pixel(2, 24, 24), at::tensor({0.0f, 0.0f, 1.0f}), 0.05, "back");
  // 0.4 above the middle at distance 2: 0.2 · focal length 79 = 16 pixels up.
  testing::expect_near(pixel(0, 8, 24), at::tensor({0.0f, 1.0f, 0.0f}), 0.05, "top");
  testing::expect_near(pixel(0, 40, 24), at::ones({3}), 0, "bottom is background");
  // Azimuth 90 degrees is the +X side: the front ball stands to the left there.
  const Tensor left = images.rgb[1].slice(2, 0, 24), right = images.rgb[1].slice(2, 24, 48);
  EXPECT_LT(left[2].min().item<float>(), 0.1f) << "red on the left lacks blue";
  EXPECT_LT(right[0].min().item<float>(), 0.1f) << "blue on the right lacks red";
  EXPECT_GT(left[0].min().item<float>() + 0.1f, right[0].min().item<float>());
  EXPECT_NEAR(images.depth[0][0][24][24].item<float>(), 1.7, 0.03);
  EXPECT_FALSE(images.rgb.requires_grad());
}

TEST(OrbitRender, SupersamplingOfOneIsThePlainRendering) {
  const auto images = render_orbit(three_balls(), {.frames = 3, .elevation_degrees = 20, .size = 30});
  const auto plain = rasterize(three_balls(), orbit_cameras(3, 20, 30), at::ones({3}));
  EXPECT_TRUE(at::equal(images.rgb, plain.rgb.clamp(0, 1)));
  EXPECT_TRUE(at::equal(images.alpha, plain.alpha));
}

TEST(OrbitRender, RejectsNonsense) {
  EXPECT_THROW(render_orbit(three_balls(), {.frames = 0}), Error);
  EXPECT_THROW(render_orbit(three_balls(), {.size = 0}), Error);
  EXPECT_THROW(render_orbit(three_balls(), {.size = 4096, .supersampling = 4}), Error);
  EXPECT_THROW(render_orbit(three_balls(), {.supersampling = 0}), Error);
}

}  // namespace
}  // namespace gsv3d
