// The one-step estimate with options, and latents sampled for training against those of the pipeline.
#include "training/one_step.h"

#include <c10/core/GradMode.h>

#include "core/device.h"
#include "goldens.h"
#include "pipeline/pipeline.h"
#include "toy_model.h"
#include "training/photo_conditioning.h"
#include "training/sampled_latents.h"
#include "training/seeds.h"

namespace gsv3d {
namespace {

using testing::expect_close;

/// A toy model whose photo frame is given, over random photos.
struct Toy {
  testing::TemporaryFolder folder;
  ModelConfig config;
  std::shared_ptr<nn::ParameterStore> unet_store, embedder_store;
  std::unique_ptr<VideoUNet> unet;
  std::unique_ptr<ImageEmbedder> embedder;
  ClipBatch batch;

  explicit Toy(int64_t clips) {
    testing::initialise_toy_model(folder / "toy", 5);
    config = testing::toy_config();
    config.sampler.clean_photo_frame = true;
    config.sampler.steps = 3, config.sampler.sigma_min = 0.2, config.sampler.sigma_max = 80;
    unet_store = nn::ParameterStore::from_file(folder / "toy" / "unet.safetensors");
    embedder_store = nn::ParameterStore::from_file(folder / "toy" / "image_embedder.safetensors");
    unet = std::make_unique<VideoUNet>(config.unet, nn::Scope(unet_store));
    embedder = std::make_unique<ImageEmbedder>(config.image_embedder, nn::Scope(embedder_store));
    batch.clips.resize(static_cast<size_t>(clips));
    batch.photos = at::rand({clips, 3, 32, 32}, make_generator(1), at::TensorOptions().dtype(at::kFloat));
    batch.latents = randn({clips, 3, 4, 8, 8}, make_generator(2));
    batch.elevations_degrees.assign(static_cast<size_t>(clips), 10);
  }
  Conditioning conditioning() const { return photo_conditioning(config, *embedder, batch, at::zeros({batch.count()})); }
};

TEST(OneStep, AGivenPhotoDoesNotCount) {
  const c10::NoGradGuard no_grad;
  const Toy toy(2);
  const OneStep step =
      one_step(*toy.unet, toy.config, toy.batch, toy.conditioning(), BatchShare::all(toy.batch.count()), {}, 1, 2);
  const Tensor clean = clean_frames(toy.config, toy.batch).view_as(step.estimate);
  EXPECT_TRUE(at::equal(step.estimate.select(1, 2), clean.select(1, 2))) << "the estimate of a given frame is that frame";
  const Tensor error = (step.estimate - clean).square().narrow(1, 0, 2).mean({1, 2, 3, 4});
  expect_close(step.loss, error * v_loss_weight(step.sigma), 1e-6, "loss");
  OneStepOptions limited;
  limited.max_loss_weight = 1.01;
  expect_close(
      one_step(*toy.unet, toy.config, toy.batch, toy.conditioning(), BatchShare::all(toy.batch.count()), limited, 1, 2).loss,
      error * v_loss_weight(step.sigma).clamp_max(1.01), 1e-6, "limited weight");
}

TEST(OneStep, OnPolicyItStartsFromWhatTheSamplerHas) {
  const Toy toy(3);
  const Conditioning conditioning = toy.conditioning();
  OneStepOptions options;
  options.levels.sampler_share = 1, options.on_policy = 1;
  const uint64_t seed = 4;
  const OneStep step =
      one_step(*toy.unet, toy.config, toy.batch, conditioning, BatchShare::all(toy.batch.count()), options, seed, 0);
  const c10::NoGradGuard no_grad;
  const Tensor noise = seeded_randn({9, 4, 8, 8}, step_seed(seed, 0, "noise"), at::kCPU);
  std::vector<Tensor> estimates;
  // By hand: the network at every level of the sampler's own way.
  const Tensor levels = sampler_levels(toy.config.sampler);
  Tensor x = noise * at::sqrt(levels[0].square() + 1);
  for (int64_t i = 0; i < 3; ++i) {
    estimates.push_back(denoise(*toy.unet, x, levels[i].expand({9}), conditioning).unflatten(0, {3, 3}));
    SampleOptions ends;
    ends.end_step = i + 1;
    x = sample(*toy.unet, toy.config.sampler, noise, conditioning, {}, ends);
  }
  for (int64_t clip = 0; clip < 3; ++clip) {
    const int64_t level = (levels - step.all_sigmas[clip]).abs().argmin().item<int64_t>();
    expect_close(step.estimate[clip], estimates[static_cast<size_t>(level)][clip], 1e-5, "level " + std::to_string(level));
  }
}

/// The sampler's steps run without gradients; weights that autocast converts there must not stay without them.
TEST(OneStep, OnPolicyKeepsGradientsInBfloat16) {
  const Toy toy(2);
  toy.unet_store->set_requires_grad(true);
  OneStepOptions options;
  options.levels.sampler_share = 1, options.on_policy = 1;
  Tensor loss;
  {
    const Autocast autocast(at::kCPU, at::kBFloat16);
    loss = one_step(*toy.unet, toy.config, toy.batch, toy.conditioning(), BatchShare::all(toy.batch.count()), options, 1, 0)
               .loss.mean();
  }
  loss.backward();
  for (const auto& [name, parameter] : toy.unet_store->parameters()) {
    if (name.find("attn2.to_q") != std::string::npos || name.find("attn2.to_k") != std::string::npos) continue;  // a single token
    if (name.find("norm2") != std::string::npos) continue;
    EXPECT_TRUE(parameter.grad().defined()) << name;
  }
}

TEST(SampledLatents, AreThoseOfThePipeline) {
  testing::TemporaryFolder folder;
  testing::initialise_toy_model(folder / "toy", 5);
  ModelConfig config = testing::toy_config();
  config.cond_aug = 0;  // training leaves out this noise on the photo
  config.sampler.clean_photo_frame = true;
  write_model_config(folder / "toy", config);
  const Model model = load_model(folder / "toy", {});
  const Tensor photo = at::rand({1, 3, 32, 32}, make_generator(1), at::TensorOptions().dtype(at::kFloat));
  GenerateOptions options;
  options.seed = 9;
  const GeneratedLatents generated = generate_latents(model, photo, options);

  ClipBatch batch;
  batch.clips.resize(2);
  batch.photos = photo.repeat({2, 1, 1, 1});
  batch.latents = at::zeros({2, 3, 4, 8, 8});
  batch.latents.select(1, 0).copy_(encode_photo(model, photo));  // the other views' true latents are not looked at
  batch.elevations_degrees = {config.elevation_degrees, config.elevation_degrees};
  const at::Generator generator = make_generator(options.seed);
  randn(photo.sizes(), generator);
  const Tensor noise = randn({3, 4, 8, 8}, generator);
  const Tensor sampled = sampled_latents(*model.unet, *model.image_embedder, config, batch, noise.repeat({2, 1, 1, 1}));
  ASSERT_EQ(sampled.sizes(), (std::vector<int64_t>{2, 3, 4, 8, 8}));
  EXPECT_FALSE(sampled.requires_grad());
  for (const int64_t clip : {0, 1}) expect_close(sampled[clip], generated.latents, 1e-5, "clip " + std::to_string(clip));

  StageContext context;
  context.model_folder = folder / "toy", context.model = config;
  const LatentSampler sampler(context);
  const Tensor drawn = sampler(batch, BatchShare::all(batch.count()), 3, 4);
  EXPECT_TRUE(at::equal(drawn, sampler(batch, BatchShare::all(batch.count()), 3, 4)));
  EXPECT_GT((drawn - sampler(batch, BatchShare::all(batch.count()), 3, 5)).abs().max().item<double>(), 1e-3);
}

}  // namespace
}  // namespace gsv3d
