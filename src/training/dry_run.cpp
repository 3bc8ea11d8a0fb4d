#include "training/dry_run.h"

#include <algorithm>

#include "core/error.h"
#include "training/saved_activations.h"

namespace gsv3d {
namespace {

using nn::ParameterStore;
using nn::Scope;

/// A network on the meta device, trained or frozen, and what it leaves for the backward pass.
struct MetaNetworks {
  const ModelConfig& model;
  const PlannedStage& stage;
  const at::TensorOptions meta = at::TensorOptions().dtype(at::kFloat).device(at::kMeta);

  bool trains(const std::string& part) const {
    return std::any_of(stage.files.begin(), stage.files.end(),
                       [&](const TrainedFile& file) { return file.name == part + ".safetensors"; });
  }
  int64_t latent_side() const { return model.image_size / model.vae.downsampling(); }
  Tensor empty(at::IntArrayRef sizes, bool gradients = false) const { return at::empty(sizes, meta).requires_grad_(gradients); }

  int64_t vae() const {
    const auto store = ParameterStore::meta();
    const AutoencoderEncoder encoder(model.vae, Scope(store));
    const AutoencoderDecoder decoder(model.vae, Scope(store));
    store->set_requires_grad(true);
    return saved_bytes([&] {
      const Tensor moments = encoder.moments(empty({1, model.vae.in_channels, model.image_size, model.image_size}));
      const Tensor pictures = decoder(moments.narrow(1, 0, model.vae.z_channels));
      return std::vector<Tensor>{moments, pictures};
    });
  }

  /// The UNet over one clip, with the LoRA instead of its own weights when there is one.
  int64_t unet() const {
    const auto store = ParameterStore::meta();
    if (stage.lora.rank > 0) store->enable_lora(stage.lora);
    const VideoUNet network(model.unet, Scope(store));
    if (stage.lora.rank > 0)
      store->set_lora_requires_grad(true);
    else
      store->set_requires_grad(true);
    const int64_t frames = model.frames, side = latent_side();
    return saved_bytes([&] {
      VideoUNet::Input input;
      input.x = empty({frames, model.unet.in_channels, side, side});
      input.timesteps = empty({frames});
      input.context = empty({1, context_tokens(), model.unet.context_dim});
      input.y = empty({frames, model.unet.adm_in_channels});
      input.frames = frames;
      return std::vector<Tensor>{network(input)};
    });
  }
  int64_t context_tokens() const {
    const int64_t side = model.image_embedder.image_size / model.image_embedder.patch_size;
    return model.image_embedder.patch_tokens ? 1 + side * side : 1;
  }

  int64_t image_embedder() const {
    if (!trains("image_embedder")) return 0;
    const auto store = ParameterStore::meta();
    const ImageEmbedder network(model.image_embedder, Scope(store));
    store->set_requires_grad(true);
    const int64_t size = model.image_embedder.image_size;
    return saved_bytes([&] { return std::vector<Tensor>{network(empty({1, 3, size, size}))}; });
  }

  /// Photo encoder and Gaussian decoder over one clip; gradients flow to the latents where the decoder is frozen.
  int64_t decoder() const {
    const auto dino_store = ParameterStore::meta(), store = ParameterStore::meta();
    const Dinov2 dino(model.dino, Scope(dino_store));
    const GaussianDecoder network(model.gaussian_decoder, Scope(store));
    dino_store->set_requires_grad(trains("dino"));
    store->set_requires_grad(trains("gaussian_decoder"));
    const int64_t side = latent_side(), size = model.image_size, z = model.gaussian_decoder.latent_channels;
    const std::vector<Cameras> cameras = {orbit_cameras(model.frames, model.elevation_degrees, size)};
    const bool frozen = !trains("gaussian_decoder");
    return saved_bytes([&] {
      const Tensor tokens = dino(empty({1, 3, model.dino.image_size, model.dino.image_size})).patch_tokens;
      Tensor pictures;
      if (model.gaussian_decoder.hull) pictures = empty({1, model.frames, 4, size, size}, frozen);
      const auto made = network(empty({1, model.frames, z, side, side}, frozen), cameras, tokens, pictures);
      return std::vector<Tensor>{made[0].means, made[0].quats, made[0].scales, made[0].opacities, made[0].sh};
    });
  }
};

int64_t parameter_count(const std::string& part, const ModelConfig& model) {
  const auto store = ParameterStore::meta();
  const Scope scope(store);
  if (part == "vae") {
    AutoencoderEncoder(model.vae, scope);
    AutoencoderDecoder(model.vae, scope);
  } else if (part == "unet") {
    VideoUNet(model.unet, scope);
  } else if (part == "image_embedder") {
    ImageEmbedder(model.image_embedder, scope);
  } else if (part == "dino") {
    Dinov2(model.dino, scope);
  } else {
    GaussianDecoder(model.gaussian_decoder, scope);
  }
  return store->parameter_count();
}

int64_t lora_count(const ModelConfig& model, const nn::LoraOptions& lora) {
  const auto store = ParameterStore::meta();
  store->enable_lora(lora);
  const VideoUNet network(model.unet, Scope(store));
  int64_t count = 0;
  for (const auto& [name, tensor] : store->lora_parameters()) count += tensor.numel();
  return count;
}

std::string gigabytes(int64_t bytes) {
  const double number = static_cast<double>(bytes) / 1e9;
  return number < 1 ? fmt::format("{:.3f} GB", number) : fmt::format("{:.1f} GB", number);
}

}  // namespace

std::vector<std::string> held_parts(const PlannedStage& stage) {
  if (stage.name == "vae") return {"vae"};
  if (stage.name == "diffusion") return {"vae", "unet", "image_embedder"};
  if (stage.name == "decoder" && !stage.samples) return {"vae", "dino", "gaussian_decoder"};
  if (stage.name == "decoder" || stage.name == "distill") return {"vae", "unet", "image_embedder", "dino", "gaussian_decoder"};
  fail("the stage {} has no dry run", stage.name);
}

int64_t TrainingPlan::parameters() const {
  int64_t count = 0;
  for (const Part& part : parts) count += part.parameters;
  return count;
}

int64_t TrainingPlan::trained() const {
  int64_t count = 0;
  for (const Part& part : parts) count += part.trained;
  return count;
}

int64_t TrainingPlan::state_bytes() const {
  constexpr int64_t number = 4, per_trained = 4;  // gradient, two moments, average
  return number * (parameters() + per_trained * trained());
}

TrainingPlan plan_training(const ModelConfig& model, const PlannedStage& stage, int64_t processes) {
  require(processes >= 1 && stage.batch % processes == 0, "a batch of {} is not a multiple of {} processes", stage.batch,
          processes);
  TrainingPlan plan{stage.name, {}, stage.batch, processes, 0};
  const MetaNetworks networks{model, stage};
  for (const std::string& part : held_parts(stage)) {
    const int64_t count = parameter_count(part, model);
    plan.parts.push_back({part, count, networks.trains(part) ? count : 0});
  }
  if (stage.lora.rank > 0) {
    const int64_t count = lora_count(model, stage.lora);
    plan.parts.push_back({"lora", count, count});
  }
  if (stage.name == "vae") plan.activation_bytes = networks.vae();
  if (stage.name == "diffusion") plan.activation_bytes = networks.unet() + networks.image_embedder();
  if (stage.name == "decoder") plan.activation_bytes = networks.decoder();
  if (stage.name == "distill") plan.activation_bytes = networks.unet() + networks.decoder();
  return plan;
}

std::string plan_text(const TrainingPlan& plan) {
  std::string text = fmt::format("{:<18}{:>16}{:>16}\n", plan.stage, "parameters", "trained");
  for (const TrainingPlan::Part& part : plan.parts)
    text += fmt::format("  {:<16}{:>16}{:>16}\n", part.name, part.parameters, part.trained);
  text += fmt::format("  {:<16}{:>16}{:>16}\n", "all", plan.parameters(), plan.trained());
  text += fmt::format("each of {} processes: {} of a batch of {}\n", plan.processes, plan.items(), plan.batch);
  text += fmt::format("  weights, gradients, moments, average (float32)   {}\n", gigabytes(plan.state_bytes()));
  text += fmt::format("  activations of one item, without the rasterizer  {} in float32, about {} in bf16\n",
                      gigabytes(plan.activation_bytes), gigabytes(plan.activation_bytes / 2));
  return text + fmt::format("  estimated peak                                   {} in float32, about {} in bf16\n",
                            gigabytes(plan.peak_bytes(false)), gigabytes(plan.peak_bytes(true)));
}

ModelConfig with_smallest_pictures(const ModelConfig& model) {
  for (int64_t size = 64; size < model.image_size; size += 32) {
    ModelConfig smaller = model;
    smaller.image_size = size;
    try {
      check_model_config(smaller, "");
      // Every level of the UNet halves the latents, and the upsampler's windows fill its grid.
      const int64_t side = size / model.vae.downsampling(), grid = side / model.gaussian_decoder.patch_size;
      const int64_t halvings = int64_t{1} << (std::ssize(model.unet.channel_mult) - 1);
      if (side % halvings == 0 && 2 * grid >= model.gaussian_decoder.upsampler_window &&
          2 * grid % model.gaussian_decoder.upsampler_window == 0)
        return smaller;
    } catch (const Error&) {
    }
  }
  return model;
}

std::vector<ObjectViews> made_up_views(int64_t size, int64_t orbit_views) {
  std::vector<ObjectViews> orbits;
  for (const char* id : {"one", "two"}) {
    ObjectViews views;
    views.id = id;
    views.orbit_views = orbit_views;
    views.elevation_degrees = 10;
    views.cameras = orbit_cameras(orbit_views, 10, size);
    const Tensor line = (at::arange(size, at::kFloat) + 0.5) / static_cast<double>(size) * 2 - 1;
    const Tensor square = line.square().unsqueeze(0) + line.square().unsqueeze(1);
    const Tensor inside = (square < 0.5).to(at::kFloat), height = (0.5 - square).clamp_min(0).sqrt();
    const Tensor shades = at::stack({height, height * 0.7, 1 - height});
    views.rgba = (at::cat({shades * inside, inside.unsqueeze(0)}) * 255).to(at::kByte).repeat({orbit_views, 1, 1, 1});
    views.depth = ((2 - 0.5 * height) * inside).repeat({orbit_views, 1, 1});
    orbits.push_back(std::move(views));
  }
  return orbits;
}

}  // namespace gsv3d
