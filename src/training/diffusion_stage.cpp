#include "training/diffusion_stage.h"

#include <cmath>

#include "core/fingerprint.h"
#include "diffusion/autoencoder.h"
#include "diffusion/view_order.h"
#include "training/one_step.h"
#include "training/photo_conditioning.h"
#include "training/preview.h"
#include "training/seeds.h"

namespace gsv3d {
namespace {

class DiffusionStage : public Stage {
 public:
  DiffusionStage(StageContext context, const DiffusionStageConfig& config)
      : context_(std::move(context)),
        config_(config),
        cache_(context_, config_),
        unet_store_(trained_store(context_, config_, "unet.safetensors")),
        embedder_store_(config_.freeze_image_embedder ? finished_store(context_, kEmbedderFile, "diffusion")
                                                      : trained_store(context_, config_, kEmbedderFile)),
        unet_(context_.model.unet, nn::Scope(unet_store_)),
        embedder_(context_.model.image_embedder, nn::Scope(embedder_store_)) {
    check_clip_sampling(config_.sampling(context_.model.frames), context_.set->orbit_views());
    add_trained(parameters_, "unet", *unet_store_);
    if (!config_.freeze_image_embedder) add_trained(parameters_, "image_embedder", *embedder_store_);
  }

  std::string name() const override { return "diffusion"; }
  NamedTensors parameters() const override { return parameters_; }
  std::vector<std::string> part_names() const override { return {"low_noise", "high_noise"}; }
  Json settings() const override;
  StepLoss loss(int64_t step, uint64_t seed, const BatchShare& share) override;
  void prefetch(int64_t step, uint64_t seed, const BatchShare& share) override {
    prefetch_clips_of_step(*context_.set, config_.sampling(context_.model.frames), share, step, seed);
  }
  std::vector<Preview> preview() override;
  Json export_weights(const std::filesystem::path& folder) override {
    export_parameters(folder / "unet.safetensors", unet_store_->parameters());
    if (!config_.freeze_image_embedder) export_parameters(folder / kEmbedderFile, embedder_store_->parameters());
    return Json::object();
  }

 private:
  static constexpr const char* kEmbedderFile = "image_embedder.safetensors";

  OneStepOptions options() const {
    return {{config_.p_mean, config_.p_std, config_.sampler_share, config_.first_share}, config_.max_loss_weight, 0};
  }
  ClipBatch draw(const BatchShare& share, int64_t step, uint64_t seed) const;

  StageContext context_;
  DiffusionStageConfig config_;
  LatentCache cache_;
  std::shared_ptr<nn::ParameterStore> unet_store_, embedder_store_;
  VideoUNet unet_;
  ImageEmbedder embedder_;
  NamedTensors parameters_;
};

Json DiffusionStage::settings() const {
  return {{"config", lasting_settings(config_)},
          {"frames", context_.model.frames},
          {"vae", config_to_json(context_.model.vae)},
          {"clean_photo_frame", context_.model.sampler.clean_photo_frame},
          {"sampler_levels", config_.sampler_share > 0 ? sampler_level_values(context_.model.sampler) : std::vector<double>()},
          {"vector_dimensions", config_to_json(context_.model)["vector_dimensions"]},
          {"unet", config_to_json(context_.model.unet)},
          {"image_embedder", config_to_json(context_.model.image_embedder)},
          {"data", fingerprint_text(context_.set->fingerprint)},
          {"latents", fingerprint_text(cache_.fingerprint())}};
}

ClipBatch DiffusionStage::draw(const BatchShare& share, int64_t step, uint64_t seed) const {
  const int64_t frames = context_.model.frames;
  const auto clips = draw_clips_of_step(*context_.set, config_.sampling(frames), share, step, seed);
  return assemble_clips(*context_.set, cache_, clips, frames, context_.device, /*with_views=*/false);
}

StepLoss DiffusionStage::loss(int64_t step, uint64_t seed, const BatchShare& share) {
  const ClipBatch batch = draw(share, step, seed);
  const Tensor dropped = draw_flags(share.whole, config_.condition_dropout, make_generator(step_seed(seed, step, "dropout")));
  const Conditioning conditioning = photo_conditioning(context_.model, embedder_, batch, share.of(dropped));
  const OneStep result = one_step(unet_, context_.model, batch, conditioning, share, options(), seed, step);
  // Two halves for the log: below the median noise level the loss is about detail, above it about the object as a whole.
  const Tensor losses = result.loss.detach(), low = (result.sigma < std::exp(config_.p_mean)).to(at::kFloat), high = 1 - low;
  // How many there are in a process's share on average.
  const double shares = static_cast<double>(share.whole) / static_cast<double>(share.count);
  const Tensor all_low =
      (result.all_sigmas < std::exp(config_.p_mean)).to(at::kFloat).sum().to(losses.device(), /*non_blocking=*/true);
  const Tensor low_count = all_low.clamp_min(1) / shares, high_count = (share.whole - all_low).clamp_min(1) / shares;
  return {result.loss.mean(),
          {{"low_noise", (losses * low).sum() / low_count}, {"high_noise", (losses * high).sum() / high_count}}};
}

/// For two fixed clips: their true views and the sampled ones, both through the autoencoder's decoder, design order.
std::vector<Preview> DiffusionStage::preview() {
  const AutoencoderDecoder decoder(context_.model.vae, nn::Scope(finished_store(context_, "vae.safetensors", "vae")));
  SamplerConfig sampling = context_.model.sampler;
  if (config_.preview_steps > 0) sampling.steps = config_.preview_steps;
  std::vector<Tensor> rows;
  for (const int64_t i : {-1, -2}) {
    const ClipBatch batch = draw(BatchShare::all(1), i, context_.seed);
    const Conditioning conditioning = photo_conditioning(context_.model, embedder_, batch, at::zeros({1}));
    const Tensor noise =
        randn(batch.latents[0].sizes(), make_generator(step_seed(context_.seed, i, "preview"))).to(context_.device);
    const Tensor sampled = views_from_sv3d_frames(sample(unet_, sampling, noise, conditioning));
    rows.push_back(decoder(batch.latents[0]).to(at::kFloat) * 0.5 + 0.5);
    rows.push_back(decoder(unscaled_latents(context_.model.vae, sampled)).to(at::kFloat) * 0.5 + 0.5);
  }
  return {{"true-and-sampled-views", picture_grid(rows)}};
}

}  // namespace

std::unique_ptr<Stage> make_diffusion_stage(StageContext context, const DiffusionStageConfig& config) {
  return std::make_unique<DiffusionStage>(std::move(context), config);
}

}  // namespace gsv3d
