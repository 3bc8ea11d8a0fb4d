#include "training/vae_stage.h"

#include <cmath>

#include "core/error.h"
#include "diffusion/autoencoder.h"
#include "training/losses.h"
#include "training/preview.h"
#include "training/seeds.h"

namespace gsv3d {
namespace {

class VaeStage : public Stage {
 public:
  VaeStage(StageContext context, const VaeStageConfig& config)
      : context_(std::move(context)),
        config_(config),
        store_(trained_store(context_, config_, "vae.safetensors")),
        encoder_(context_.model.vae, nn::Scope(store_)),
        decoder_(context_.model.vae, nn::Scope(store_)) {
    require(context_.set->image_size() % context_.model.vae.downsampling() == 0,
            "views of {} pixels do not fit an autoencoder that shrinks by {}", context_.set->image_size(),
            context_.model.vae.downsampling());
    add_trained(parameters_, "vae", *store_);
  }

  std::string name() const override { return "vae"; }
  NamedTensors parameters() const override { return parameters_; }
  std::vector<std::string> part_names() const override { return {"l1", "mse", "kl"}; }
  Json settings() const override;
  StepLoss loss(int64_t step, uint64_t seed) override;
  std::vector<Preview> preview() override;
  void export_weights() override;

 private:
  Tensor draw_views(int64_t count, const at::Generator& generator, bool flips) const;
  Tensor tinted(const Tensor& rgba, const at::Generator& generator) const;

  StageContext context_;
  VaeStageConfig config_;
  std::shared_ptr<nn::ParameterStore> store_;
  AutoencoderEncoder encoder_;
  AutoencoderDecoder decoder_;
  NamedTensors parameters_;
};

Json VaeStage::settings() const {
  AutoencoderConfig architecture = context_.model.vae;
  architecture.scale_factor = 0;  // this stage's own result: must not make its checkpoint look foreign
  return {{"config", lasting_settings(config_)},
          {"vae", config_to_json(architecture)},
          {"data", fingerprint_text(context_.set->fingerprint)}};
}

/// → [count, 4, S, S] RGBA in 0-1.
Tensor VaeStage::draw_views(int64_t count, const at::Generator& generator, bool flips) const {
  const std::vector<double> numbers = uniform_numbers(count * 5, generator);
  std::vector<int64_t> views;
  std::vector<bool> mirrored;
  for (int64_t i = 0; i < count; ++i) {
    const double* u = &numbers[static_cast<size_t>(5 * i)];
    const TrainingSet::Orbit& orbit = context_.set->orbit(context_.set->draw(u[0], u[1], u[2]));
    views.push_back(orbit.first + pick(u[3], orbit.count));
    mirrored.push_back(flips && u[4] < 0.5);
  }
  return straight_views(*context_.set, views, mirrored, context_.device);
}

/// Multiplies the colour of some objects by a random one: grey objects, the most frequent, then teach all colours.
Tensor VaeStage::tinted(const Tensor& rgba, const at::Generator& generator) const {
  const int64_t count = rgba.size(0);
  const Tensor numbers = at::rand({count, 4, 1, 1}, generator, at::TensorOptions().dtype(at::kFloat)).to(rgba.device());
  const Tensor chosen = (numbers.narrow(1, 3, 1) < config_.tint_probability).to(at::kFloat);
  const Tensor tint = 1 - chosen * (1 - config_.min_tint) * numbers.narrow(1, 0, 3);
  return at::cat({rgba.narrow(1, 0, 3) * tint, rgba.narrow(1, 3, 1)}, 1);
}

StepLoss VaeStage::loss(int64_t step, uint64_t seed) {
  const Tensor views = draw_views(config_.batch, make_generator(step_seed(seed, step, "views")), /*flips=*/true);
  const Tensor rgba = tinted(views, make_generator(step_seed(seed, step, "tint")));
  const Tensor images = on_white(rgba) * 2 - 1;
  const Tensor moments = encoder_.moments(images);
  const int64_t channels = moments.size(1) / 2;
  const Tensor noise =
      randn({moments.size(0), channels, moments.size(2), moments.size(3)}, make_generator(step_seed(seed, step, "posterior")));
  const Tensor decoded = decoder_(sample_posterior(moments, noise.to(context_.device))).to(at::kFloat);
  const Tensor saturation = 0.5 * (images.amax(1, true) - images.amin(1, true));
  const Tensor weight = 1 + config_.foreground_weight * rgba.narrow(1, 3, 1) + config_.saturation_weight * saturation;
  const Tensor error = decoded - images;
  const Tensor l1 = weighted_mean(error.abs(), weight), mse = weighted_mean(error.square(), weight), kl = kl_divergence(moments);
  return {config_.l1_weight * l1 + config_.mse_weight * mse + config_.kl_weight * kl,
          {{"l1", l1.detach()}, {"mse", mse.detach()}, {"kl", kl.detach()}}};
}

std::vector<Preview> VaeStage::preview() {
  const Tensor images = on_white(draw_views(12, make_generator(step_seed(context_.seed, 0, "preview")), /*flips=*/false));
  const Tensor decoded = decoder_(encoder_.mode(images * 2 - 1)).to(at::kFloat) * 0.5 + 0.5;
  return {{"reconstruction", picture_grid({images, decoded})}};
}

void VaeStage::export_weights() {
  constexpr int64_t measured_views = 256;
  const Tensor images =
      on_white(draw_views(measured_views, make_generator(step_seed(context_.seed, 0, "scale factor")), /*flips=*/false));
  const double deviation = encoder_.mode(images * 2 - 1).to(at::kFloat).std().item<double>();
  require(std::isfinite(deviation) && deviation > 0, "the latents' standard deviation is {}: the autoencoder has collapsed",
          deviation);
  export_parameters(context_, "vae.safetensors", store_->parameters());
  update_model_config(context_, {{"vae", {{"scale_factor", 1 / deviation}}}});
}

}  // namespace

std::unique_ptr<Stage> make_vae_stage(StageContext context, const VaeStageConfig& config) {
  return std::make_unique<VaeStage>(std::move(context), config);
}

}  // namespace gsv3d
