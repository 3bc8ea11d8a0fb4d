// One far Gaussian must not cost the others their places.
#include <gmock/gmock.h>

#include "core/atomic_file.h"
#include "errors.h"
#include "gaussian_files/fixed_point.h"
#include "gaussian_files/gaussian_file.h"
#include "gaussian_files/spz.h"
#include "goldens.h"
#include "random_scenes.h"
#include "temporary_folder.h"

namespace gsv3d {
namespace {

using testing::error_of;
using testing::expect_near;
using ::testing::HasSubstr;

/// 1,000 Gaussians in the unit cube, the last of them at x = `far`.
Gaussians with_outlier(float far) {
  Gaussians g = testing::random_gaussians(1000, 1, 3);
  g.opacities = g.opacities.clamp(0.1, 0.9);
  g.means[999][0] = far;
  return g;
}

TEST(Outliers, SpzKeepsTheObjectsShape) {
  const testing::TemporaryFolder folder;
  for (const float far : {1e5f, 1e6f, 1e30f}) {
    const Gaussians g = with_outlier(far);
    write_gaussians(folder / "a.spz", g);
    const Gaussians back = read_gaussians(folder / "a.spz").gaussians;
    // Too far for the steps that the object needs: a radius of 0.9 in 1,024 of them reaches ±8,192.
    ASSERT_EQ(back.count(), 999) << far;
    expect_near(back.means, g.means.slice(0, 0, 999), 0.5 / 1024, "position");
  }
}

TEST(Outliers, SpzKeepsWhatItCanBothHold) {
  const testing::TemporaryFolder folder;
  const Gaussians g = with_outlier(3000);
  write_gaussians(folder / "a.spz", g);
  const Gaussians back = read_gaussians(folder / "a.spz").gaussians;
  ASSERT_EQ(back.count(), 1000);
  expect_near(back.means, g.means, 0.5 / 1024 + 1e-3, "position, of 10 or 11 bits");
}

TEST(Outliers, BitsFollowTheObject) {
  Gaussians g = testing::random_gaussians(1000, 1, 3);
  EXPECT_EQ(fit_fixed_point(g, "a").bits, 12);
  g.means = g.means * 0.005, g.scales = g.scales * 0.005;  // 5 mm in metres
  EXPECT_EQ(fit_fixed_point(g, "a").bits, 18);
  g.means = g.means * 1e6, g.scales = g.scales * 1e6;
  EXPECT_EQ(fit_fixed_point(g, "a").bits, 11);
  EXPECT_EQ(fit_fixed_point(g, "a").left_out, 0);
  g.means = g.means * 1e5;
  EXPECT_THAT(error_of([&] { fit_fixed_point(g, "a"); }), HasSubstr("a is not written: positions up to"));
}

TEST(Outliers, SmallObjectsKeepTheirShapeInSpz) {
  Gaussians g = testing::random_gaussians(300, 1, 3);
  g.means = g.means * 0.005, g.scales = g.scales * 0.005;
  const Gaussians back = decode_gaussians(encode_spz(g, "a.spz", Frame::kWorld), "a.spz").gaussians;
  expect_near(back.means, g.means, 0.005 / 1024, "position");
}

TEST(Outliers, CompressedPlyKeepsAllButTheLastChunk) {
  const testing::TemporaryFolder folder;
  const Gaussians g = with_outlier(1e5);
  write_gaussians(folder / "a.compressed.ply", g);
  Gaussians back = read_gaussians(folder / "a.compressed.ply").gaussians;
  ASSERT_EQ(back.count(), 1000);
  // Three chunks of 256 do not know of it; the fourth has it and 231 others.
  const Gaussians whole = back.slice(0, 768);
  const Tensor nearest = at::cdist(whole.means, g.means).argmin(1);
  EXPECT_LE((whole.means - g.means.index_select(0, nearest)).abs().max().item<double>(), 0.51 / 1023);
  EXPECT_EQ(std::get<0>(at::_unique(nearest)).numel(), 768);
}

}  // namespace
}  // namespace gsv3d
