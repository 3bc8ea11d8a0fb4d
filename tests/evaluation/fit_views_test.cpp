// Fits are scored on views that they did not see, and use masks only where there are some.
#include "evaluation/fit_views.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "rasterizer/rasterizer.h"

namespace gsv3d {
namespace {

/// A grey ball seen from an orbit of 12.
PosedViews ball_views(bool masks) {
  const Tensor directions = randn({400, 3}, make_generator(4));
  const Tensor means = 0.3 * directions / at::linalg_vector_norm(directions, 2, {1}, /*keepdim=*/true);
  Tensor quats = at::zeros({400, 4});
  quats.select(1, 0).fill_(1);
  const Gaussians ball{means, quats, at::full({400, 3}, 0.05), at::full({400}, 0.95), rgb_to_sh(at::full({400, 3}, 0.4))};
  const Cameras cameras = orbit_cameras(12, 15, 40);
  const Rendering rendered = rasterize(ball, cameras, masks ? at::Tensor() : at::ones({3}));
  const Tensor alpha = masks ? rendered.alpha : at::ones_like(rendered.alpha);
  const Tensor rgba = at::cat({rendered.rgb / (masks ? alpha.clamp_min(1e-3) : at::ones({1})), alpha}, 1);
  return {"ball", (rgba.clamp(0, 1) * 255).round().to(at::kByte), cameras};
}

FitViewsOptions short_fit() {
  FitViewsOptions options;
  options.fit.steps = 150;
  options.fit.max_gaussians = 600;
  options.initial_gaussians = 400;
  options.hold_out = 4;
  return options;
}

TEST(FitViews, ScoresWhatWasHeldOut) {
  for (const bool masks : {true, false}) {
    const FittedViews fitted = fit_views(ball_views(masks), short_fit());
    EXPECT_EQ(fitted.held_out_count, 3);
    EXPECT_EQ(fitted.fitted_count, 9);
    EXPECT_GT(fitted.held_out_psnr, 24) << masks;
    EXPECT_GT(fitted.fitted_psnr, fitted.held_out_psnr - 1);
    EXPECT_LE(fitted.gaussians.count(), 600);
  }
}

TEST(FitViews, ColoursThatChangeWithTheViewWhenAskedFor) {
  FitViewsOptions options = short_fit();
  options.fit.steps = 20;
  options.hold_out = 0;
  options.sh_degree = 2;
  const FittedViews fitted = fit_views(ball_views(true), options);
  EXPECT_EQ(fitted.gaussians.sh.size(1), 9);
  EXPECT_GT(fitted.gaussians.sh.slice(1, 1).abs().max().item<double>(), 0);
  EXPECT_EQ(fitted.held_out_count, 0);
}

TEST(FitViews, RefusesWhenNothingIsLeft) {
  FitViewsOptions options = short_fit();
  options.hold_out = 1;
  EXPECT_THROW(fit_views(ball_views(true), options), Error);
}

}  // namespace
}  // namespace gsv3d
