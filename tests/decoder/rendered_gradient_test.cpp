// The whole way that training differentiates: latents → Gaussians → image.
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include "decoder_toy.h"
#include "goldens.h"
#include "rasterizer/rasterizer_reference.h"

namespace gsv3d {
namespace {

TEST(RenderedGradient, OfLatentsAndPhotoAgreesWithDifferences) {
  testing::Toy toy;
  toy.perturb_head();
  toy.widen();
  const auto generator = make_generator(5);
  const auto draw = [&generator](at::IntArrayRef shape) { return randn(shape, generator).to(at::kDouble); };
  const Tensor target = draw({2, 3, 12, 12});
  Cameras seen_from = look_at_cameras({20, 200}, {5, 30}, 12);
  seen_from.world_to_camera = seen_from.world_to_camera.to(at::kDouble),
  seen_from.intrinsics = seen_from.intrinsics.to(at::kDouble);
  const auto loss = [&](const Tensor& latents, const Tensor& context) {
    const Gaussians gaussians = toy.decode(latents, {toy.cameras(2)}, context)[0];
    const Rendering rendering = rasterize_reference({gaussians, {}, seen_from, at::ones({3}, at::kDouble)});
    return (rendering.rgb - target).square().mean() + 0.1 * rendering.depth.square().mean();
  };
  Tensor latents = draw({1, 2, 2, 4, 4}), context = draw({1, 5, 8});
  latents.requires_grad_(true), context.requires_grad_(true);
  loss(latents, context).backward();
  const c10::NoGradGuard no_grad;
  for (const bool photo : {false, true}) {
    const Tensor& input = photo ? context : latents;
    const double slope = input.grad().norm().item<double>(), step = 1e-6;
    ASSERT_GT(slope, 1e-4) << photo;
    const Tensor move = input.grad() * (step / slope);
    const auto at = [&](double sign) {
      return (photo ? loss(latents, context + sign * move) : loss(latents + sign * move, context)).item<double>();
    };
    // A small step, because sorting and the cut-off at 1/255 make the picture jump now and then; in float64 its rounding is 1e-9.
    EXPECT_NEAR((at(1) - at(-1)) / (2 * step), slope, 1e-5 * slope) << (photo ? "photo tokens" : "latents");
  }
}

}  // namespace
}  // namespace gsv3d
