#include "training/distill_stage.h"

#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/autograd.h>

#include <tuple>

#include "core/error.h"
#include "core/fingerprint.h"
#include "diffusion/autoencoder.h"
#include "models/lora_file.h"
#include "rasterizer/workspace.h"
#include "training/decode_clips.h"
#include "training/gaussian_supervision.h"
#include "training/model_update.h"
#include "training/one_step.h"
#include "training/photo_conditioning.h"
#include "training/preview.h"
#include "training/seeds.h"

namespace gsv3d {
namespace {

constexpr const char* kLoraFile = "distilled_lora.safetensors";
constexpr const char* kDecoderFile = "gaussian_decoder.safetensors";
constexpr const char* kPeftPrefix = "base_model.model.";  // PEFT's name for the wrapped network

/// The base network's weights with a LoRA that starts as nothing, or as the model folder's.
std::shared_ptr<nn::ParameterStore> store_with_lora(const StageContext& context, const DistillStageConfig& config) {
  auto store = finished_store(context, "unet.safetensors", "diffusion");
  const NamedTensors start =
      config.initial_weights == "model_folder" ? read_lora(context.model_folder / kLoraFile) : NamedTensors();
  store->enable_lora({config.lora_rank, config.lora_alpha, config.lora_targets}, start, step_seed(context.seed, 0, "lora"));
  return store;
}

class DistillStage : public Stage {
 public:
  DistillStage(StageContext context, const DistillStageConfig& config)
      : context_(std::move(context)),
        config_(config),
        cache_(context_, config_),
        unet_store_(store_with_lora(context_, config_)),
        base_fingerprint_(weights_fingerprint(context_.model_folder / "unet.safetensors")),
        decoder_store_(finished_store(context_, kDecoderFile, "decoder")),
        unet_(context_.model.unet, nn::Scope(unet_store_)),
        embedder_(context_.model.image_embedder, nn::Scope(finished_store(context_, "image_embedder.safetensors", "diffusion"))),
        decoder_(context_.model.gaussian_decoder, nn::Scope(decoder_store_)),
        dino_(context_.model.dino, nn::Scope(finished_store(context_, "dino.safetensors", "decoder"))) {
    if (context_.model.gaussian_decoder.sees_pictures())
      autoencoder_.emplace(context_.model.vae, nn::Scope(finished_store(context_, "vae.safetensors", "vae")));
    check_clip_sampling(config_.sampling(context_.model.frames), context_.set->orbit_views());
    require(!unet_store_->lora_parameters().empty(), "lora_targets match no layer of the UNet");
    unet_store_->set_lora_requires_grad(true);
    for (const auto& [name, parameter] : unet_store_->lora_parameters()) parameters_["lora/" + name] = parameter;
    if (config_.train_decoder) add_trained(parameters_, "gaussian_decoder", *decoder_store_);
  }

  std::string name() const override { return "distill"; }
  NamedTensors parameters() const override { return parameters_; }
  std::vector<std::string> part_names() const override {
    return {"loss_2d", "loss_3d", "rgb", "alpha", "depth", "rendered_share", "weight_3d"};
  }
  Json settings() const override;
  StepLoss loss(int64_t step, uint64_t seed, const BatchShare& share) override;
  void prefetch(int64_t step, uint64_t seed, const BatchShare& share) override {
    prefetch_clips_of_step(*context_.set, config_.sampling(context_.model.frames), share, step, seed);
  }
  std::vector<Preview> preview() override;
  Json export_weights(const std::filesystem::path& folder) override;

 private:
  struct Outcome {
    OneStep step;
    Tensor decoded;           // the estimate as L_3D sees it: a leaf of its own with balance_gradients, else the estimate
    BatchShare rendering;     // this process's share of the clips that are rendered
    std::vector<Clip> clips;  // those of it
    Tensor photos;
    Supervision supervision;
    SupervisedRendering rendered;  // of those; undefined when there is none
  };
  Outcome run(const BatchShare& share, int64_t step, uint64_t seed, double dropout) const;
  std::vector<double> weights_3d(const Tensor& sigmas, const Tensor& dropped) const;
  OneStepOptions options() const {
    return {
        {config_.p_mean, config_.p_std, config_.sampler_share, config_.first_share}, config_.max_loss_weight, config_.on_policy};
  }
  std::pair<Tensor, Tensor> balanced(const Outcome& outcome, const Tensor& loss_2d, const Tensor& loss_3d) const;

  StageContext context_;
  DistillStageConfig config_;
  LatentCache cache_;
  std::shared_ptr<nn::ParameterStore> unet_store_;
  std::string base_fingerprint_;  ///< of unet.safetensors
  std::shared_ptr<nn::ParameterStore> decoder_store_;
  VideoUNet unet_;
  ImageEmbedder embedder_;
  GaussianDecoder decoder_;
  Dinov2 dino_;
  std::optional<AutoencoderDecoder> autoencoder_;  ///< with a hull
  NamedTensors parameters_;
  RasterizeOptions rasterize_ = {.workspace = std::make_shared<RasterizeWorkspace>()};  ///< memory passes from step to step
};

Json DistillStage::settings() const {
  Json model = config_to_json(context_.model);
  for (const char* own_result : {"lora_rank", "lora_alpha", "lora_targets"}) model.erase(own_result);
  return {{"config", lasting_settings(config_)},
          {"model", model},
          {"data", fingerprint_text(context_.set->fingerprint)},
          {"latents", fingerprint_text(cache_.fingerprint())}};
}

/// Of all clips of a batch.
std::vector<double> DistillStage::weights_3d(const Tensor& sigmas, const Tensor& dropped) const {
  const Tensor snr = sigmas.to(at::kDouble).square().reciprocal();
  const Tensor weight = (config_.snr_gain * snr).clamp_max(1) * (1 - dropped);
  return {weight.const_data_ptr<double>(), weight.const_data_ptr<double>() + weight.numel()};
}

DistillStage::Outcome DistillStage::run(const BatchShare& share, int64_t step, uint64_t seed, double dropout) const {
  const TrainingSet& set = *context_.set;
  const int64_t frames = context_.model.frames;
  const auto clips = draw_clips_of_step(set, config_.sampling(frames), share, step, seed);
  const ClipBatch batch = assemble_clips(set, cache_, clips, frames, context_.device, /*with_views=*/false);
  const Tensor dropped = draw_flags(share.whole, dropout, make_generator(step_seed(seed, step, "dropout")));
  Outcome outcome;
  const Conditioning conditioning = photo_conditioning(context_.model, embedder_, batch, share.of(dropped));
  outcome.step = one_step(unet_, context_.model, batch, conditioning, share, options(), seed, step);
  const std::vector<double> all_weights = weights_3d(outcome.step.all_sigmas, dropped.to(at::kDouble));
  std::vector<int64_t> rendered;
  std::vector<double> weights;
  for (int64_t i = 0; i < share.whole; ++i) {
    const double weight = all_weights[static_cast<size_t>(i)];
    if (weight < config_.min_weight_3d) continue;
    ++outcome.rendering.whole;
    if (i < share.first) ++outcome.rendering.first;
    if (i < share.first || i >= share.first + share.count) continue;
    ++outcome.rendering.count;
    rendered.push_back(i - share.first);
    weights.push_back(weight);
    outcome.clips.push_back(clips[static_cast<size_t>(i - share.first)]);
  }
  if (rendered.empty()) return outcome;
  const bool apart = config_.balance_gradients && c10::GradMode::is_enabled();
  outcome.decoded = apart ? outcome.step.estimate.detach().requires_grad_() : outcome.step.estimate;
  const Tensor which = at::tensor(rendered, at::kLong).to(context_.device, /*non_blocking=*/true);
  // As in generation: design order, and the photo's own latent instead of the network's version of it.
  const Tensor others = views_from_sv3d_clips(outcome.decoded.index_select(0, which)).narrow(1, 1, frames - 1);
  const Tensor photo_latent = scaled_latents(context_.model.vae, batch.latents.index_select(0, which).narrow(1, 0, 1));
  outcome.photos = batch.photos.index_select(0, which);
  const std::vector<Cameras> cameras = clip_cameras(set, outcome.clips, frames, context_.device);
  const auto gaussians =
      decode_clips({context_.model, dino_, decoder_, autoencoder_},
                   {at::cat({photo_latent, others}, 1), outcome.photos, cameras, {}, /*picture_gradients=*/true});
  outcome.supervision = draw_supervision(set, outcome.clips, outcome.rendering, config_.supervision_views,
                                         make_generator(step_seed(seed, step, "supervision")), context_.device);
  const RenderingWeights parts{config_.alpha_weight, config_.depth_weight};
  outcome.rendered = supervise(gaussians, outcome.supervision, weights, parts, rasterize_);
  if (config_.surface_weight > 0) {
    const TargetViews truth = true_clip_views(set, outcome.clips, frames, context_.device);
    outcome.rendered.loss =
        outcome.rendered.loss + config_.surface_weight * supervise_surface(gaussians, cameras, truth, weights, parts);
  }
  return outcome;
}

/// L_2D + w L_3D and w = lambda_3d ‖∂L_2D/∂x̂‖ / ‖∂L_3D/∂x̂‖, x̂ the estimate. L_3D's gradient is found once, at x̂ and, where it is
/// trained, at the decoder; it enters the sum as a linear term with the same gradient.
std::pair<Tensor, Tensor> DistillStage::balanced(const Outcome& outcome, const Tensor& loss_2d, const Tensor& loss_3d) const {
  constexpr double most = 1e4;  // no more when L_3D hardly depends on the estimate
  std::vector<Tensor> inputs, targets;
  if (!outcome.clips.empty()) inputs = {outcome.decoded}, targets = {outcome.step.estimate};
  if (config_.train_decoder && !inputs.empty()) {
    for (const auto& [name, parameter] : decoder_store_->parameters()) inputs.push_back(parameter), targets.push_back(parameter);
  }
  std::vector<Tensor> gradients;
  if (!inputs.empty()) gradients = torch::autograd::grad({loss_3d}, inputs, {}, false, false, /*allow_unused=*/true);
  const Tensor slope_2d =
      torch::autograd::grad({loss_2d}, {outcome.step.estimate}, {}, /*retain_graph=*/true, false, /*allow_unused=*/true)[0];
  const Tensor square_2d = slope_2d.square().sum();
  const Tensor square_3d = gradients.empty() ? at::zeros_like(square_2d) : gradients[0].square().sum();
  const Tensor norms =
      context_.group->sum(at::stack({square_2d, square_3d})).sqrt() / static_cast<double>(context_.group->size());
  const Tensor weight = (config_.lambda_3d * norms[0] / norms[1].clamp_min(1e-12)).clamp_max(most);
  Tensor term = at::zeros_like(weight);
  for (size_t i = 0; i < targets.size(); ++i)
    if (gradients[i].defined()) term = term + weight * (gradients[i] * targets[i]).sum();
  return {loss_2d + weight * loss_3d.detach() + (term - term.detach()), weight};
}

StepLoss DistillStage::loss(int64_t step, uint64_t seed, const BatchShare& share) {
  const Outcome outcome = run(share, step, seed, config_.condition_dropout);
  const Tensor loss_2d = outcome.step.loss.mean(), none = at::zeros_like(loss_2d).detach();
  const double rendered = static_cast<double>(outcome.rendering.count) / static_cast<double>(share.count);
  StepLoss result{loss_2d, {}};
  Tensor loss_3d = none, rgb = none, alpha = none, depth = none, weight_3d = at::full_like(none, config_.lambda_3d);
  if (!outcome.clips.empty()) {
    loss_3d = outcome.rendered.loss * rendered;  // a mean over all clips of the batch, those not rendered counting nothing
    // Means over those that are rendered: processes count by how many they have.
    const double mean_share = static_cast<double>(outcome.rendering.whole) / static_cast<double>(share.whole),
                 part = rendered / mean_share;
    rgb = outcome.rendered.rgb * part, alpha = outcome.rendered.alpha * part, depth = outcome.rendered.depth * part;
  }
  if (outcome.rendering.whole > 0) {  // in some process
    if (config_.balance_gradients) {
      std::tie(result.loss, weight_3d) = balanced(outcome, loss_2d, loss_3d);
    } else {
      result.loss = loss_2d + config_.lambda_3d * loss_3d;
    }
  }
  result.parts = {{"loss_2d", loss_2d.detach()},
                  {"loss_3d", loss_3d.detach()},
                  {"rgb", rgb},
                  {"alpha", alpha},
                  {"depth", depth},
                  {"rendered_share", at::full({}, rendered)},
                  {"weight_3d", weight_3d}};
  return result;
}

std::vector<Preview> DistillStage::preview() {
  const Outcome outcome = run(BatchShare::all(8), /*step=*/-1, context_.seed, /*dropout=*/0);
  if (outcome.clips.empty()) return {};
  return {{"photo-targets-renderings", picture_grid(supervision_rows(outcome.photos, outcome.supervision, outcome.rendered))}};
}

Json DistillStage::export_weights(const std::filesystem::path& folder) {
  NamedTensors lora;
  for (const auto& [name, parameter] : unet_store_->lora_parameters()) lora[kPeftPrefix + name] = parameter;
  // Other programs read alpha there (diffusers' LORA_ADAPTER_METADATA_KEY).
  const Json peft = {{"r", config_.lora_rank}, {"lora_alpha", config_.lora_alpha > 0 ? config_.lora_alpha : config_.lora_rank}};
  export_parameters(folder / kLoraFile, lora,
                    {{weights_header::base, base_fingerprint_}, {"lora_adapter_metadata", json_text(peft)}});
  if (config_.train_decoder) export_parameters(folder / kDecoderFile, decoder_store_->parameters());
  return {{"lora_rank", config_.lora_rank}, {"lora_alpha", config_.lora_alpha}, {"lora_targets", config_.lora_targets}};
}

}  // namespace

std::unique_ptr<Stage> make_distill_stage(StageContext context, const DistillStageConfig& config) {
  return std::make_unique<DistillStage>(std::move(context), config);
}

}  // namespace gsv3d
