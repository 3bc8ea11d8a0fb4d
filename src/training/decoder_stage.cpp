#include "training/decoder_stage.h"

#include <cmath>

#include "core/fingerprint.h"
#include "rasterizer/workspace.h"
#include "training/decode_clips.h"
#include "training/gaussian_supervision.h"
#include "training/preview.h"
#include "training/sampled_latents.h"
#include "training/seeds.h"

namespace gsv3d {
namespace {

class DecoderStage : public Stage {
 public:
  DecoderStage(StageContext context, const DecoderStageConfig& config)
      : context_(std::move(context)),
        config_(config),
        cache_(context_, config_),
        decoder_store_(trained_store(context_, config_, "gaussian_decoder.safetensors")),
        dino_store_(trained_store(context_, config_, "dino.safetensors")),
        decoder_(context_.model.gaussian_decoder, nn::Scope(decoder_store_)),
        dino_(context_.model.dino, nn::Scope(dino_store_)) {
    if (context_.model.gaussian_decoder.sees_pictures())
      autoencoder_.emplace(context_.model.vae, nn::Scope(finished_store(context_, "vae.safetensors", "vae")));
    if (config_.sampled_share > 0) sampler_.emplace(context_);
    check_clip_sampling(config_.sampling(context_.model.frames), context_.set->orbit_views());
    add_trained(parameters_, "gaussian_decoder", *decoder_store_);
    add_trained(parameters_, "dino", *dino_store_);
  }

  std::string name() const override { return "decoder"; }
  NamedTensors parameters() const override { return parameters_; }
  std::vector<std::string> part_names() const override { return {"rgb", "alpha", "depth", "thickness", "surface"}; }
  Json settings() const override;
  StepLoss loss(int64_t step, uint64_t seed, const BatchShare& share) override;
  void prefetch(int64_t step, uint64_t seed, const BatchShare& share) override {
    prefetch_clips_of_step(*context_.set, config_.sampling(context_.model.frames), share, step, seed);
  }
  std::vector<Preview> preview() override;
  Json export_weights(const std::filesystem::path& folder) override {
    export_parameters(folder / "gaussian_decoder.safetensors", decoder_store_->parameters());
    export_parameters(folder / "dino.safetensors", dino_store_->parameters());
    return Json::object();
  }

 private:
  struct Outcome {
    ClipBatch batch;
    Supervision supervision;
    SupervisedRendering rendered;
    Tensor surface;  ///< undefined without surface_weight
  };
  Outcome run(const BatchShare& share, int64_t step, uint64_t seed, double latent_noise) const;
  RenderingWeights weights() const {
    return {config_.alpha_weight, config_.depth_weight, config_.thickness_weight,
            config_.l1_weight,    config_.size_weight,  config_.opacity_weight};
  }
  Tensor with_sampled_latents(const ClipBatch& batch, const BatchShare& share, const Tensor& latents, int64_t step,
                              uint64_t seed) const;
  Tensor noisy_latents(const ClipBatch& batch, const BatchShare& share, int64_t step, uint64_t seed, double latent_noise) const;

  StageContext context_;
  DecoderStageConfig config_;
  LatentCache cache_;
  std::shared_ptr<nn::ParameterStore> decoder_store_, dino_store_;
  GaussianDecoder decoder_;
  Dinov2 dino_;
  std::optional<AutoencoderDecoder> autoencoder_;  ///< when the decoder sees_pictures()
  std::optional<LatentSampler> sampler_;           ///< with a sampled_share
  NamedTensors parameters_;
  RasterizeOptions rasterize_ = {.workspace = std::make_shared<RasterizeWorkspace>()};  ///< memory passes from step to step
};

Json DecoderStage::settings() const {
  return {{"config", lasting_settings(config_)},
          {"frames", context_.model.frames},
          {"vae", config_to_json(context_.model.vae)},
          {"gaussian_decoder", config_to_json(context_.model.gaussian_decoder)},
          {"dino", config_to_json(context_.model.dino)},
          {"data", fingerprint_text(context_.set->fingerprint)},
          {"latents", fingerprint_text(cache_.fingerprint())}};
}

/// Scaled latents with noise of a level drawn per clip.
Tensor DecoderStage::noisy_latents(const ClipBatch& batch, const BatchShare& share, int64_t step, uint64_t seed,
                                   double latent_noise) const {
  const Tensor latents = scaled_latents(context_.model.vae, batch.latents);
  if (latent_noise <= 0) return latents;
  const auto generator = make_generator(step_seed(seed, step, "latent noise"));
  const Tensor level = at::rand({share.whole, 1, 1, 1, 1}, generator, at::TensorOptions().dtype(at::kFloat)) * latent_noise;
  std::vector<int64_t> sizes = latents.sizes().vec();
  sizes[0] = share.whole;
  Tensor noise = share.of(seeded_randn(sizes, step_seed(seed, step, "latent noise of values"), latents.device())) *
                 share.of(level).to(latents.device(), /*non_blocking=*/true);
  if (config_.replace_photo_latent) noise.select(1, 0).zero_();
  return latents + noise;
}

/// The first sampled_share of the clips get the latents that the diffusion model makes from their photo.
Tensor DecoderStage::with_sampled_latents(const ClipBatch& batch, const BatchShare& share, const Tensor& latents, int64_t step,
                                          uint64_t seed) const {
  const BatchShare sampled = share.below(std::llround(config_.sampled_share * static_cast<double>(share.whole)));
  const int64_t count = sampled.count;
  if (count == 0) return latents;
  ClipBatch first = batch;
  first.clips.resize(static_cast<size_t>(count)), first.elevations_degrees.resize(static_cast<size_t>(count));
  first.latents = batch.latents.narrow(0, 0, count), first.photos = batch.photos.narrow(0, 0, count);
  first.views = Tensor();
  return at::cat({(*sampler_)(first, sampled, seed, step), latents.narrow(0, count, batch.count() - count)});
}

DecoderStage::Outcome DecoderStage::run(const BatchShare& share, int64_t step, uint64_t seed, double latent_noise) const {
  const TrainingSet& set = *context_.set;
  const int64_t frames = context_.model.frames;
  Outcome outcome;
  const auto clips = draw_clips_of_step(set, config_.sampling(frames), share, step, seed);
  outcome.batch = assemble_clips(set, cache_, clips, frames, context_.device, config_.true_pictures_share > 0);
  outcome.supervision = draw_supervision(set, clips, share, config_.supervision_views,
                                         make_generator(step_seed(seed, step, "supervision")), context_.device);
  const std::vector<Cameras> cameras = clip_cameras(set, clips, frames, context_.device);
  ClipInput input{
      with_sampled_latents(outcome.batch, share, noisy_latents(outcome.batch, share, step, seed, latent_noise), step, seed),
      outcome.batch.photos, cameras};
  if (uniform_numbers(1, make_generator(step_seed(seed, step, "pictures")))[0] < config_.true_pictures_share)
    input.pictures = outcome.batch.views;
  const auto gaussians = decode_clips({context_.model, dino_, decoder_, autoencoder_}, input);
  const std::vector<double> equal(clips.size(), 1.0);
  outcome.rendered = supervise(gaussians, outcome.supervision, equal, weights(), rasterize_);
  if (config_.surface_weight > 0)
    outcome.surface =
        supervise_surface(gaussians, cameras, true_clip_views(set, clips, frames, context_.device), equal, weights());
  return outcome;
}

StepLoss DecoderStage::loss(int64_t step, uint64_t seed, const BatchShare& share) {
  const Outcome outcome = run(share, step, seed, config_.latent_noise);
  const SupervisedRendering& rendered = outcome.rendered;
  const Tensor surface = outcome.surface.defined() ? outcome.surface : at::zeros_like(rendered.loss).detach();
  return {rendered.loss + config_.surface_weight * surface,
          {{"rgb", rendered.rgb},
           {"alpha", rendered.alpha},
           {"depth", rendered.depth},
           {"thickness", rendered.thickness},
           {"surface", surface.detach()}}};
}

std::vector<Preview> DecoderStage::preview() {
  const Outcome outcome = run(BatchShare::all(6), /*step=*/-1, context_.seed, /*latent_noise=*/0);
  return {
      {"photo-targets-renderings", picture_grid(supervision_rows(outcome.batch.photos, outcome.supervision, outcome.rendered))}};
}

}  // namespace

std::unique_ptr<Stage> make_decoder_stage(StageContext context, const DecoderStageConfig& config) {
  return std::make_unique<DecoderStage>(std::move(context), config);
}

}  // namespace gsv3d
