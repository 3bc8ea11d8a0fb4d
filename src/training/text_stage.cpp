#include "training/text_stage.h"

#include <c10/core/GradMode.h>

#include <cmath>
#include <compare>
#include <map>

#include "core/error.h"
#include "core/fingerprint.h"
#include "image/picture.h"
#include "models/text_model.h"
#include "training/object_names.h"
#include "training/preview.h"
#include "training/seeds.h"

namespace gsv3d {
namespace {

constexpr const char *kTower = "text_tower.safetensors", *kUnet = "text_unet.safetensors";

/// The model's text section, with the words of these objects.
TextModelConfig text_config(const StageContext& context, const WordList& words) {
  require(context.model.text.has_value(), "{}: config.json has no section \"text\" (configs/small/config.json shows one)",
          context.model_folder.string());
  TextModelConfig config = *context.model.text;
  require(!config.vae, "{}: text.vae is set, but this stage trains on the model's own autoencoder",
          context.model_folder.string());
  config.words = words;
  check_text_model_config(config, context.model.vae, context.model_folder.string());
  return config;
}

class TextStage : public Stage {
 public:
  TextStage(StageContext context, const TextStageConfig& config)
      : context_(std::move(context)),
        config_(config),
        names_(object_names(context_.data)),
        text_(text_config(context_, words_of_names(names_))),
        tokenizer_(*text_.words),
        encoder_(context_.model.vae, nn::Scope(finished_store(context_, "vae.safetensors", "vae"))),
        tower_store_(trained_store(context_, config_, kTower)),
        unet_store_(trained_store(context_, config_, kUnet)),
        tower_(text_.tower, nn::Scope(tower_store_)),
        unet_(text_.unet, nn::Scope(unet_store_)),
        alphas_(alphas_cumprod(text_.schedule)) {
    require(context_.set->image_size() == text_.image_size, "views of {} pixels, but text.image_size is {}",
            context_.set->image_size(), text_.image_size);
    for (int64_t i = 0; i < context_.set->size(); ++i)
      if (!names_.count(context_.set->orbit(i).id)) ++nameless_;
    require(nameless_ < context_.set->size(), "none of the objects has a name: is objects.csv that of these shards?");
    add_trained(parameters_, "tower", *tower_store_), add_trained(parameters_, "unet", *unet_store_);
  }

  std::string name() const override { return "text"; }
  NamedTensors parameters() const override { return parameters_; }
  std::vector<std::string> part_names() const override { return {"low_noise", "high_noise"}; }
  Json settings() const override;
  StepLoss loss(int64_t step, uint64_t seed, const BatchShare& share) override;
  std::vector<Preview> preview() override;
  Json export_weights(const std::filesystem::path& folder) override;

 private:
  /// A view as one sample shows it.
  struct Shown {
    int64_t view = 0;
    bool mirrored = false;
    const NamedColor* color = nullptr;
    auto operator<=>(const Shown&) const = default;
  };
  struct Batch {
    std::vector<Shown> shown;
    Tensor tokens;  ///< [count, length] of what is said of them
  };
  Tensor pictures(const std::vector<Shown>& shown) const;
  Tensor latents(const std::vector<Shown>& shown);
  Batch draw(const BatchShare& share, uint64_t seed, int64_t step) const;
  int64_t front_view(const TrainingSet::Orbit& orbit, double number) const;
  const TrainingSet::Orbit& named_orbit(const double* numbers) const;

  StageContext context_;
  TextStageConfig config_;
  std::map<std::string, std::vector<std::string>> names_;
  TextModelConfig text_;
  KnownWords tokenizer_;
  AutoencoderEncoder encoder_;
  std::shared_ptr<nn::ParameterStore> tower_store_, unet_store_;
  TextTower tower_;
  UNet2D unet_;
  Tensor alphas_;
  std::map<Shown, Tensor> latents_;  // half precision: there are few thousand, and encoding costs more than a step
  int64_t nameless_ = 0;
  NamedTensors parameters_;
};

Json TextStage::settings() const {
  Json text = config_to_json(text_);
  text.erase("sampler"), text.erase("prompt_template"), text.erase("negative");  // of no matter to training
  return {{"config", lasting_settings(config_)},
          {"text", text},
          {"vae", config_to_json(context_.model.vae)},
          {"data", fingerprint_text(context_.set->fingerprint)}};
}

/// The view that a number in [0, 1) picks of those near the front, by its place in the orbit.
int64_t TextStage::front_view(const TrainingSet::Orbit& orbit, double number) const {
  const int64_t views = context_.set->orbit_views();
  const auto side = static_cast<int64_t>(std::floor(config_.front_degrees * static_cast<double>(views) / 360 + 1e-9));
  const int64_t offset = pick(number, std::min(2 * side + 1, views)) - std::min(side, views / 2);
  return orbit.first + (offset + views) % views;
}

/// Drawn again while it is one without a name; the numbers move on deterministically.
const TrainingSet::Orbit& TextStage::named_orbit(const double* numbers) const {
  constexpr double golden_ratio = 0.6180339887498949;
  double group = numbers[0];
  for (;;) {
    const TrainingSet::Orbit& orbit = context_.set->orbit(context_.set->draw(group, numbers[1], numbers[2]));
    if (nameless_ == 0 || names_.count(orbit.id)) return orbit;
    group = std::fmod(group + golden_ratio, 1.0);
  }
}

TextStage::Batch TextStage::draw(const BatchShare& share, uint64_t seed, int64_t step) const {
  constexpr int64_t per_sample = 9;
  const std::vector<double> numbers = uniform_numbers(share.whole * per_sample, make_generator(step_seed(seed, step, "prompts")));
  Batch batch;
  std::vector<int64_t> tokens;
  for (int64_t i = share.first; i < share.first + share.count; ++i) {
    const double* u = &numbers[static_cast<size_t>(per_sample * i)];
    const TrainingSet::Orbit& orbit = named_orbit(u);
    const ObjectPrompt prompt = draw_prompt(names_.at(orbit.id), {u[5], u[6], u[7]}, config_.paint_probability);
    batch.shown.push_back({front_view(orbit, u[3]), u[4] < config_.mirror_probability, prompt.color});
    const TokenIds ids = u[8] < config_.text_dropout ? TokenIds() : tokenizer_.encode(prompt.text);
    const TokenIds row = tokenizer_.framed(ids, text_.tower.context_length);
    tokens.insert(tokens.end(), row.begin(), row.end());
  }
  batch.tokens = at::tensor(tokens, at::kLong).view({share.count, -1}).to(context_.device);
  return batch;
}

/// [count, 4, S, S]: RGB over white, alpha.
Tensor TextStage::pictures(const std::vector<Shown>& shown) const {
  std::vector<Tensor> all;
  for (const Shown& one : shown) {
    const Tensor straight = straight_views(*context_.set, {one.view}, {one.mirrored}, context_.device);
    const auto rgb = [&] { return at::tensor(at::ArrayRef<float>(one.color->rgb)).unsqueeze(0).to(context_.device); };
    all.push_back(picture(one.color ? painted(straight, rgb()) : straight));
  }
  return at::cat(all);
}

/// [count, z, h, w] of unit variance. Each is encoded by itself, so that a run that goes on gets the same bits.
Tensor TextStage::latents(const std::vector<Shown>& shown) {
  const c10::NoGradGuard no_grad;
  std::vector<Tensor> all;
  for (const Shown& one : shown) {
    Tensor& kept = latents_[one];
    if (!kept.defined()) {
      const Tensor mode = encoder_.mode(signed_pictures(context_.model.vae, pictures({one})));
      kept = scaled_latents(context_.model.vae, mode.to(at::kFloat)).to(at::kHalf);
    }
    all.push_back(kept);
  }
  return at::cat(all).to(at::kFloat);
}

StepLoss TextStage::loss(int64_t step, uint64_t seed, const BatchShare& share) {
  const Batch batch = draw(share, seed, step);
  const Tensor clean = latents(batch.shown);
  const Tensor all_noise =
      seeded_randn({share.whole, clean.size(1), clean.size(2), clean.size(3)}, step_seed(seed, step, "noise"), context_.device);
  const Tensor all_times = at::randint(text_.schedule.train_steps, {share.whole}, make_generator(step_seed(seed, step, "times")),
                                       at::TensorOptions(at::kLong));
  const Tensor noise = share.of(all_noise), times = share.of(all_times);
  const Tensor a = alphas_.index({times}).view({-1, 1, 1, 1}).to(context_.device);
  const Tensor noisy = a.sqrt() * clean + (1 - a).sqrt() * noise;
  const Tensor output = unet_({.x = noisy, .timesteps = times.to(context_.device), .context = tower_.context(batch.tokens)});
  const Tensor target = text_.schedule.predicts_v() ? a.sqrt() * noise - (1 - a).sqrt() * clean : noise;
  const Tensor losses = (output.to(at::kFloat) - target).square().mean({1, 2, 3});
  // Two halves for the log: below the middle timestep the loss is about detail, above it about what is shown.
  const int64_t middle = text_.schedule.train_steps / 2;
  const Tensor low = (times < middle).to(context_.device, at::kFloat);
  const double shares = static_cast<double>(share.whole) / static_cast<double>(share.count);
  const Tensor low_count = (all_times < middle).sum().to(context_.device, at::kFloat), high_count = share.whole - low_count;
  const Tensor detached = losses.detach();
  return {losses.mean(),
          {{"low_noise", (detached * low).sum() * shares / low_count.clamp_min(1)},
           {"high_noise", (detached * (1 - low)).sum() * shares / high_count.clamp_min(1)}}};
}

/// The same prompts every time, through the sampler that generation uses.
std::vector<Preview> TextStage::preview() {
  const Batch batch = draw(BatchShare::all(12), context_.seed, /*step=*/-1);
  const AutoencoderDecoder decoder(context_.model.vae, nn::Scope(finished_store(context_, "vae.safetensors", "vae")));
  PictureSamplerConfig settings = text_.sampler;
  settings.steps = config_.preview_steps;
  const PictureSampler sampler(text_.schedule, settings);
  const Tensor context = tower_.context(batch.tokens), none = tower_.context(at::zeros_like(batch.tokens));
  const int64_t side = text_.image_size / context_.model.vae.downsampling();
  const auto noise = [&](int64_t step) {
    return seeded_randn({batch.tokens.size(0), context_.model.vae.z_channels, side, side},
                        step_seed(context_.seed, step, "preview"), context_.device);
  };
  const auto network = [&](const Tensor& x, double timestep) {
    const Tensor times = at::full({x.size(0)}, timestep, x.options());
    const Tensor with = unet_({.x = x, .timesteps = times, .context = context}).to(at::kFloat);
    const Tensor without = unet_({.x = x, .timesteps = times, .context = none}).to(at::kFloat);
    return without + settings.guidance * (with - without);
  };
  const Tensor latents = sampler.run(noise(-1) * sampler.initial_noise(), network, noise);
  const Tensor made = decoder(unscaled_latents(context_.model.vae, latents)).to(at::kFloat) * 0.5 + 0.5;
  return {{"asked-for-and-made", picture_grid({pictures(batch.shown), made})}};
}

Json TextStage::export_weights(const std::filesystem::path& folder) {
  export_parameters(folder / kTower, tower_store_->parameters());
  export_parameters(folder / kUnet, unet_store_->parameters());
  return {{"text", {{"words", config_to_json(*text_.words)}}}};
}

}  // namespace

std::unique_ptr<Stage> make_text_stage(StageContext context, const TextStageConfig& config) {
  return std::make_unique<TextStage>(std::move(context), config);
}

}  // namespace gsv3d
