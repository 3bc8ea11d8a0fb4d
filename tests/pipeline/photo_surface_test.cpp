// The photo's own pixels on the object: as sharp as the photo where it looks, on the object's surface, and nowhere else.
#include "pipeline/photo_surface.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/error.h"
#include "rasterizer/rasterizer.h"

namespace gsv3d {
namespace {

constexpr int64_t points = 24'000;
constexpr double radius = 0.35;

/// A closed ball of small Gaussians, in colours that `paint` gives for places [G, 3].
template <class Paint>
Gaussians ball(const Paint& paint) {
  const Tensor index = at::arange(points, at::kDouble) + 0.5;
  const Tensor y = 1 - 2 * index / points, ring = (1 - y * y).sqrt(), angle = index * 2.399963229728653;
  const Tensor means = (radius * at::stack({ring * angle.cos(), y, ring * angle.sin()}, 1)).to(at::kFloat);
  Tensor quats = at::zeros({points, 4});
  quats.select(1, 0).fill_(1);
  return {means, quats, at::full({points, 3}, 0.006), at::full({points}, 0.9), rgb_to_sh(paint(means))};
}

/// Stripes that a picture of 32 pixels cannot hold.
Tensor stripes(const Tensor& p) {
  const Tensor wave = 0.5 + 0.4 * (p.select(1, 0) * 90).sin();
  return at::stack({wave, 1 - wave, 0.3 + 0.5 * (p.select(1, 1) + 0.35)}, 1).clamp(0, 1);
}
Tensor grey(const Tensor& p) {
  return at::full({p.size(0), 3}, 0.5);
}

struct PhotoSurface : ::testing::Test {
  Gaussians truth = ball(stripes), object = ball(grey);
  Cameras camera = look_at_cameras({0}, {10}, 32);
  Tensor white = at::ones({3});
  Tensor photo = photo_of(truth, 192);

  Tensor photo_of(const Gaussians& g, int64_t side) const {
    const Rendering seen = rasterize(g, camera.resized(side, side));
    return at::cat({seen.rgb / seen.alpha.clamp_min(1e-3), seen.alpha}, 1)[0].clamp(0, 1);
  }
  Tensor view(const Gaussians& g, double azimuth, int64_t side) const {
    return rasterize(g, look_at_cameras({azimuth}, {10}, side), white).rgb;
  }
  double decibels(const Gaussians& g, double azimuth, int64_t side) const {
    return -10 * std::log10((view(g, azimuth, side) - view(truth, azimuth, side)).square().mean().item<double>());
  }
};

TEST_F(PhotoSurface, LooksLikeThePhotoFromItsCamera) {
  const Gaussians found = with_photo_surface(object, photo, camera);
  // The middle of the picture: at the outline, where the surface turns away, the object's own Gaussians stay.
  const auto middle = [&](const Gaussians& g) {
    const Tensor apart = (view(g, 0, 192) - view(truth, 0, 192)).slice(2, 60, 132).slice(3, 60, 132);
    return -10 * std::log10(apart.square().mean().item<double>());
  };
  EXPECT_LT(middle(object), 15);
  EXPECT_GT(middle(found), 32) << "at the photo's resolution, six times the camera's own";
  EXPECT_GT(decibels(found, 0, 192), decibels(object, 0, 192) + 6);
}

TEST_F(PhotoSurface, LiesOnTheObjectsSurface) {
  const Gaussians found = with_photo_surface(object, photo, camera);
  const Tensor distance = at::linalg_vector_norm(found.means, 2, {1});
  EXPECT_GT(distance.min().item<double>(), radius - 0.02);
  EXPECT_LT(distance.max().item<double>(), radius + 0.025)
      << "at the outline, where the ball fades, a pixel's depth is its neighbour's";
  // The photo's pixels are flatter than any Gaussian of the ball.
  EXPECT_GT((std::get<0>(found.scales.min(1)) < 0.003).sum().item<int64_t>(), 5'000);
  // A stripe is 0.035 wide: at 25 degrees it is in the right place only if the surface is.
  EXPECT_GT(decibels(found, 25, 128), decibels(object, 25, 128) + 4.5);
}

TEST_F(PhotoSurface, LeavesTheHiddenSideAlone) {
  const Gaussians found = with_photo_surface(object, photo, camera);
  // What shines through between the Gaussians of the back is no more than before.
  EXPECT_LT((view(found, 180, 96) - view(object, 180, 96)).abs().mean().item<double>(), 0.005);
}

TEST_F(PhotoSurface, HasNoBorderOfThePhotosColoursWhereItEnds) {
  // Red at the photo's outline alone, as a cut-out's edge often is: none of it may come to lie on the object's side.
  const Tensor solid = photo.narrow(0, 3, 1) > 0.5;
  const Tensor inner = -at::max_pool2d(-solid.to(at::kFloat).unsqueeze(0), {5, 5}, {1, 1}, {2, 2})[0] > 0.5;
  const Tensor red = at::tensor({1.0F, 0.0F, 0.0F}).view({3, 1, 1});
  const Tensor edged = at::cat({at::where(inner, at::full({}, 0.5F), red), photo.narrow(0, 3, 1)});
  const Gaussians found = with_photo_surface(object, edged, camera);
  const auto redness = [&](double azimuth) {
    const Tensor seen = view(found, azimuth, 128);
    return (seen.select(1, 0) - seen.select(1, 1)).max();
  };
  EXPECT_LT(redness(60).item<double>(), 0.1);
  EXPECT_LT(redness(90).item<double>(), 0.1);
}

TEST_F(PhotoSurface, FillsWhereOnlyThePhotoIsSolid) {
  // Half of the object is missing; the photo shows all of it.
  const Gaussians half = object.select(object.means.select(1, 0) < 0);
  const Tensor alpha = rasterize(with_photo_surface(half, photo, camera), camera.resized(192, 192)).alpha;
  const Tensor solid = photo[3] > 0.9;
  const Tensor covered = alpha[0][0].masked_select(solid) > 0.85;
  EXPECT_GT(covered.to(at::kFloat).mean().item<double>(), 0.96) << "all but pixels that see the surface from the side";
}

TEST_F(PhotoSurface, KeepsToItsBudgetAndToTheDegree) {
  Gaussians shaded = object;
  shaded.sh = at::cat({object.sh, at::zeros({points, 3, 3})}, 1);
  PhotoSurfaceOptions options;
  options.max_gaussians = 1'000;
  const Gaussians found = with_photo_surface(shaded, photo, camera, options);
  EXPECT_LE(found.count(), points + 1'000);
  EXPECT_EQ(found.sh.size(1), 4);
  EXPECT_EQ(found.sh.slice(1, 1).abs().max().item<float>(), 0);
}

TEST_F(PhotoSurface, ChangesNothingWhereThereIsNothingToLayItOn) {
  Gaussians elsewhere = object;
  elsewhere.means = object.means + at::tensor({0.0f, 1.2f, 0.0f});
  EXPECT_TRUE(at::equal(with_photo_surface(elsewhere, photo, camera).means, elsewhere.means));
  EXPECT_EQ(with_photo_surface(object, at::zeros_like(photo), camera).count(), points);
  EXPECT_EQ(with_photo_surface(object.slice(0, 0), photo, camera).count(), 0);
  EXPECT_THROW(with_photo_surface(object, photo.slice(1, 1), camera), Error);
  EXPECT_THROW(with_photo_surface(object, photo, orbit_cameras(2, 10, 32)), Error);
}

}  // namespace
}  // namespace gsv3d
