#include "diffusion/gaussian_loop.h"

#include "diffusion/view_order.h"
#include "goldens.h"
#include "pipeline/pipeline.h"
#include "toy_model.h"

namespace gsv3d {
namespace {

using testing::expect_close;

TEST(GaussianLoop, RendersInTheDesignsOrderAndKeepsThePhoto) {
  GaussianLoop loop;
  loop.photo_latent = at::full({1, 2, 4, 4}, -1.0f);
  const Tensor frames = randn({3, 2, 4, 4}, make_generator(1));
  Tensor given;
  loop.render = [&](const Tensor& latents) {
    given = latents;
    return latents * 10;
  };
  loop.encode = [](const Tensor& pictures) { return pictures + 1; };
  const Tensor corrected = loop(frames);
  EXPECT_TRUE(at::equal(given, at::cat({loop.photo_latent, frames.slice(0, 0, 2)})));  // view j is frame j - 1
  expect_close(corrected.slice(0, 0, 2), frames.slice(0, 0, 2) * 10 + 1, 1e-6, "generated frames");
  EXPECT_TRUE(at::equal(corrected[2], loop.photo_latent[0]));
  loop.share = 0;
  EXPECT_TRUE(at::equal(loop(frames).slice(0, 0, 2), frames.slice(0, 0, 2)));
}

TEST(GaussianLoop, IsAnOptionOfTheModel) {
  testing::TemporaryFolder folder;
  testing::initialise_toy_model(folder / "toy", 5);
  Model model = load_model(folder / "toy", {});
  const Tensor photo = at::rand({1, 3, 32, 32}, make_generator(1), at::TensorOptions().dtype(at::kFloat));
  const Tensor plain = generate_latents(model, photo, {}).latents;
  model.config.sampler.loop_steps = {1};
  const Tensor looped = generate_latents(model, photo, {}).latents;
  EXPECT_TRUE(at::isfinite(looped).all().item<bool>());
  EXPECT_TRUE(at::equal(looped[0], plain[0])) << "the photo's own view";
  EXPECT_GT((looped - plain).abs().max().item<double>(), 1e-4);
}

}  // namespace
}  // namespace gsv3d
