#include "training/vae_stage.h"

#include "core/error.h"
#include "core/fingerprint.h"
#include "diffusion/autoencoder.h"
#include "image/recoloring.h"
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
  std::vector<std::string> part_names() const override { return {"l1", "mse", "kl", "alpha", "edge"}; }
  Json settings() const override;
  StepLoss loss(int64_t step, uint64_t seed, const BatchShare& share) override;
  void prefetch(int64_t step, uint64_t seed, const BatchShare& share) override {
    if (context_.set->in_shards()) context_.set->prefetch(draw(share, seed, step).orbits);
  }
  std::vector<Preview> preview() override;
  Json export_weights(const std::filesystem::path& folder) override;

 private:
  struct Drawn {
    std::vector<int64_t> orbits, views;
    std::vector<bool> mirrored;
  };
  Drawn draw(const BatchShare& share, const at::Generator& generator, bool flips) const;
  Drawn draw(const BatchShare& share, uint64_t seed, int64_t step) const {
    return draw(share, make_generator(step_seed(seed, step, "views")), /*flips=*/true);
  }
  /// → [share.count, 4, S, S] RGBA in 0-1, not premultiplied.
  Tensor views(const Drawn& drawn) const { return straight_views(*context_.set, drawn.views, drawn.mirrored, context_.device); }
  Tensor draw_pictures(const BatchShare& share, uint64_t seed, int64_t step) const;
  Tensor pixel_weights(const Tensor& pictures) const;
  Tensor total_weight(const Tensor& pictures, const BatchShare& share, uint64_t seed, int64_t step) const;
  Tensor decoded(const Tensor& latents) const { return decoder_(latents).to(at::kFloat); }

  StageContext context_;
  VaeStageConfig config_;
  std::shared_ptr<nn::ParameterStore> store_;
  AutoencoderEncoder encoder_;
  AutoencoderDecoder decoder_;
  NamedTensors parameters_;
};

Json VaeStage::settings() const {
  // Without what this stage itself measures: it must not make its checkpoint look foreign.
  return {{"config", lasting_settings(config_)},
          {"vae", config_to_json(context_.model.vae.without_scaling())},
          {"data", fingerprint_text(context_.set->fingerprint)}};
}

/// Which views a share shows.
VaeStage::Drawn VaeStage::draw(const BatchShare& share, const at::Generator& generator, bool flips) const {
  const std::vector<double> numbers = uniform_numbers(share.whole * 5, generator);
  Drawn drawn;
  for (int64_t i = share.first; i < share.first + share.count; ++i) {
    const double* u = &numbers[static_cast<size_t>(5 * i)];
    drawn.orbits.push_back(context_.set->draw(u[0], u[1], u[2]));
    const TrainingSet::Orbit& orbit = context_.set->orbit(drawn.orbits.back());
    drawn.views.push_back(orbit.first + pick(u[3], orbit.count));
    drawn.mirrored.push_back(flips && u[4] < 0.5);
  }
  return drawn;
}

/// Pictures [share.count, 4, S, S] as training sees them: flipped and recoloured at random.
Tensor VaeStage::draw_pictures(const BatchShare& share, uint64_t seed, int64_t step) const {
  const Drawn drawn = draw(share, seed, step);
  const auto generator = make_generator(step_seed(seed, step, "recoloring"));
  const Recoloring all = draw_recoloring(share.whole, config_.recolor_probability, config_.min_tint, generator, context_.device);
  return picture(recolored(views(drawn), {share.of(all.source), share.of(all.gain)}));
}

/// Differences to the right and the lower neighbour.
Tensor edges(const Tensor& x) {
  return (x.diff(1, -1).abs().mean() + x.diff(1, -2).abs().mean()) / 2;
}

/// What each pixel counts: [count, 1, S, S].
Tensor VaeStage::pixel_weights(const Tensor& pictures) const {
  const Tensor rgb = pictures.narrow(1, 0, 3), saturation = rgb.amax(1, true) - rgb.amin(1, true);
  return 1 + config_.foreground_weight * pictures.narrow(1, 3, 1) + config_.saturation_weight * saturation;
}

/// The sum of the weights over a share of the batch, on average over all of them. `pictures` are this share's.
Tensor VaeStage::total_weight(const Tensor& pictures, const BatchShare& share, uint64_t seed, int64_t step) const {
  const BatchShare own = context_.group->share(share.whole);  // of this process, of which the share may be a part
  if (share.count == own.count) return context_.group->mean(pixel_weights(pictures).sum());
  const int64_t parts = own.count / share.count;
  return context_.group->mean(pixel_weights(draw_pictures(own, seed, step)).sum()) / static_cast<double>(parts);
}

StepLoss VaeStage::loss(int64_t step, uint64_t seed, const BatchShare& share) {
  const Tensor pictures = draw_pictures(share, seed, step);
  const Tensor moments = encoder_.moments(signed_pictures(context_.model.vae, pictures));
  const int64_t channels = moments.size(1) / 2;
  const Tensor noise = seeded_randn({share.whole, channels, moments.size(2), moments.size(3)}, step_seed(seed, step, "posterior"),
                                    context_.device);
  const Tensor sample = sample_posterior(moments, share.of(noise));
  const Tensor error = decoded(sample) - signed_pictures(context_.model.vae, pictures);
  const Tensor color_error = error.narrow(1, 0, 3), none = at::zeros({}, error.options());
  const Tensor weight = pixel_weights(pictures), total = total_weight(pictures, share, seed, step);
  const Tensor l1 = weighted_mean(color_error.abs(), weight, total), mse = weighted_mean(color_error.square(), weight, total);
  const Tensor kl = kl_divergence(moments);
  Tensor loss = config_.l1_weight * l1 + config_.mse_weight * mse + config_.kl_weight * kl, alpha = none, edge = none;
  if (error.size(1) == 4) {
    const Tensor alpha_error = error.narrow(1, 3, 1);
    alpha = config_.l1_weight * alpha_error.abs().mean() + config_.mse_weight * alpha_error.square().mean();
    loss = loss + config_.alpha_weight * alpha;
  }
  if (config_.edge_weight > 0) {
    edge = edges(color_error);
    loss = loss + config_.edge_weight * edge;
  }
  return {loss,
          {{"l1", l1.detach()}, {"mse", mse.detach()}, {"kl", kl.detach()}, {"alpha", alpha.detach()}, {"edge", edge.detach()}}};
}

std::vector<Preview> VaeStage::preview() {
  const Tensor pictures =
      picture(views(draw(BatchShare::all(12), make_generator(step_seed(context_.seed, 0, "preview")), /*flips=*/false)));
  const Tensor reconstructed = decoded(encoder_.mode(signed_pictures(context_.model.vae, pictures))) * 0.5 + 0.5;
  std::vector<Tensor> rows = {pictures, reconstructed};
  if (reconstructed.size(1) == 4) rows.push_back(reconstructed.narrow(1, 3, 1).expand({-1, 3, -1, -1}));
  return {{"reconstruction", picture_grid(rows)}};
}

Json VaeStage::export_weights(const std::filesystem::path& folder) {
  constexpr int64_t measured_views = 512, at_once = 64;
  const AutoencoderConfig& vae = context_.model.vae;
  std::vector<Tensor> modes;
  for (int64_t i = 0; i < measured_views / at_once; ++i) {
    prefetch(-2 - i, context_.seed, BatchShare::all(at_once));
    const Tensor pictures = draw_pictures(BatchShare::all(at_once), context_.seed, /*step=*/-1 - i);
    modes.push_back(encoder_.mode(signed_pictures(vae, pictures)).to(at::kFloat));
  }
  const Tensor latents = at::cat(modes).transpose(0, 1).flatten(1).to(at::kCPU, at::kDouble);  // [z, values]
  const bool per_channel = config_.per_channel.value_or(vae.in_channels == 4 || vae.scales_channels());
  const Tensor deviation = per_channel ? latents.std(at::IntArrayRef{1}) : latents.std();
  require(at::isfinite(deviation).logical_and(deviation > 0).all().item<bool>(),
          "the latents' standard deviation is {}: the autoencoder has collapsed", deviation.min().item<double>());
  export_parameters(folder / "vae.safetensors", store_->parameters());
  const auto numbers = [](const Tensor& values) {
    return std::vector<double>(values.const_data_ptr<double>(), values.const_data_ptr<double>() + values.numel());
  };
  Json patch = {{"latent_shift", Json::array()}, {"latent_scale", Json::array()}};
  if (per_channel)
    patch = {{"latent_shift", numbers(latents.mean(1))}, {"latent_scale", numbers(deviation.reciprocal())}};
  else
    patch["scale_factor"] = 1 / deviation.item<double>();
  return {{"vae", patch}};
}

}  // namespace

std::unique_ptr<Stage> make_vae_stage(StageContext context, const VaeStageConfig& config) {
  return std::make_unique<VaeStage>(std::move(context), config);
}

}  // namespace gsv3d
