#include "training/dry_run.h"

#include <algorithm>

#include "core/error.h"
#include "training/activation_estimate.h"

namespace gsv3d {
namespace {

using nn::ParameterStore;
using nn::Scope;

/// The networks that a stage holds, trained or not, by the names of their files.
std::vector<std::string> held_parts(const PlannedStage& stage) {
  if (stage.name == "vae") return {"vae"};
  if (stage.name == "diffusion") return {"vae", "unet", "image_embedder"};
  if (stage.name == "decoder" && !stage.samples) return {"vae", "dino", "gaussian_decoder"};
  if (stage.name == "decoder" || stage.name == "distill") return {"vae", "unet", "image_embedder", "dino", "gaussian_decoder"};
  fail("the stage {} has no dry run", stage.name);
}

bool trains(const PlannedStage& stage, const std::string& part) {
  return std::any_of(stage.files.begin(), stage.files.end(),
                     [&](const TrainedFile& file) { return file.name == part + ".safetensors"; });
}

/// From the shapes alone: nothing is allocated.
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

ActivationBytes activations_of(const ModelConfig& model, const PlannedStage& stage) {
  const ActivationCase of{stage.lora, trains(stage, "dino"), trains(stage, "gaussian_decoder"), stage.recompute};
  if (stage.name == "vae") return autoencoder_activations(model);
  if (stage.name == "decoder") return decoder_activations(model, of);
  const ActivationBytes unet = unet_activations(model, of);
  if (stage.name == "distill") return unet + decoder_activations(model, of);
  return trains(stage, "image_embedder") ? unet + embedder_activations(model, of) : unet;
}

std::string gigabytes(int64_t bytes) {
  const double number = static_cast<double>(bytes) / 1e9;
  return number < 1 ? fmt::format("{:.3f} GB", number) : fmt::format("{:.1f} GB", number);
}

}  // namespace

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
  constexpr int64_t number = 4, moments = 2, others = 2;  // others: gradient, average
  const int64_t own = shares_moments ? (trained() + processes - 1) / processes : trained();
  return number * (parameters() + others * trained() + moments * own);
}

std::vector<TrainingPlan::Part> counted_parts(const ModelConfig& model, const PlannedStage& stage) {
  std::vector<TrainingPlan::Part> parts;
  for (const std::string& part : held_parts(stage)) {
    const int64_t count = parameter_count(part, model);
    parts.push_back({part, count, trains(stage, part) ? count : 0});
  }
  if (stage.lora.rank > 0) {
    const int64_t count = lora_count(model, stage.lora);
    parts.push_back({"lora", count, count});
  }
  return parts;
}

TrainingPlan plan_training(const ModelConfig& model, const PlannedStage& stage, int64_t processes) {
  require(processes >= 1 && stage.batch % processes == 0, "a batch of {} is not a multiple of {} processes", stage.batch,
          processes);
  return {stage.name,           counted_parts(model, stage), stage.batch, processes, stage.recompute, stage.accumulate,
          stage.shares_moments, activations_of(model, stage)};
}

std::string plan_text(const TrainingPlan& plan) {
  std::string text = fmt::format("{:<18}{:>16}{:>16}\n", plan.stage, "parameters", "trained");
  for (const TrainingPlan::Part& part : plan.parts)
    text += fmt::format("  {:<16}{:>16}{:>16}\n", part.name, part.parameters, part.trained);
  text += fmt::format("  {:<16}{:>16}{:>16}\n", "all", plan.parameters(), plan.trained());
  text += fmt::format(
      "each of {} processes: {} of a batch of {}{}{}{}\n", plan.processes, plan.items(), plan.batch,
      plan.recompute ? ", blocks recomputed" : "", plan.shares_moments ? ", its part of the moments" : "",
      plan.accumulate > 1 ? fmt::format("; {} batches make a step of {}", plan.accumulate, plan.accumulate * plan.batch) : "");
  const auto line = [&](const char* what, const std::string& value) { text += fmt::format("  {:<58} {}\n", what, value); };
  line("counted: weights, gradients, moments, average (float32)", gigabytes(plan.state_bytes()));
  line("estimated: activations of one item kept for the way back", gigabytes(plan.activations.kept) + " in float32");
  line("estimated: the most of what passes beside them", gigabytes(plan.activations.passing));
  line("estimated: peak",
       fmt::format("{} in float32, about {} in bf16", gigabytes(plan.peak_bytes(false)), gigabytes(plan.peak_bytes(true))));
  return text +
         "Estimated: measured in float32 on this CPU at smaller widths, depths, numbers of frames and sizes of pictures, and "
         "continued\n"
         "along straight lines; bf16 is taken for half. Not in it: the rasterizer, operators' own buffers, data, the GPU's "
         "libraries.\n";
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
