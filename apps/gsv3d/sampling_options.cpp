#include "sampling_options.h"

#include "run_options.h"
#include "setting_options.h"

namespace gsv3d {

void SamplingOptions::add_to(CLI::App& command) {
  add_setting_options(command, described_settings(SamplerConfig()), sampler);
  command
      .add_option_function<double>(
          "--elevation", [this](double value) { elevation = value, has_elevation = true; },
          "degrees of the photo's camera above the object (default: the model's)")
      ->check(number_between(-89, 89));
  command.add_option(
      "--orbit", orbit,
      "path of the cameras: sine, sine:DEGREES, or a JSON file with azimuths_degrees and elevations_degrees (default: "
      "a level circle); for models told of cameras, as sv3d_p");
  command.add_option("--frames", frames, "views to make (default: the model's, which it was trained for)")
      ->check(CLI::Range(2, 1024));
  command.add_option("--size", size, "pixels of a view (default: the model's, which it was trained for)")
      ->check(CLI::Range(8, 4096));
  command.add_option("--decode-chunk", decode_chunk, "views decoded at a time; fewer need less memory (default: what fits)")
      ->check(CLI::Range(1, 1024));
  command
      .add_option("--guidance-batch", guidance_batch,
                  "both halves of the guidance together (joint) or one after the other (split), which takes half of the memory "
                  "(default: what fits)")
      ->check(CLI::IsMember({"joint", "split"}));
  command.add_flag("--preview", preview, "keep OUTPUT/NAME-preview.png up to date while the views are made");
  command.add_flag("--resume", resume,
                   "keep the sampler's state in OUTPUT/NAME-sampling.safetensors, and go on from there after an interruption");
}

void SamplingOptions::apply_to(ModelConfig& config) const {
  if (frames > 0) config.frames = frames;
  if (size > 0) config.image_size = size;
  if (frames > 0 || size > 0) check_model_config(config, fmt::format("--frames {} --size {}", config.frames, config.image_size));
}

void SamplingOptions::apply_to(GenerateOptions& options, const ModelConfig& config) const {
  options.sampling = sampler;
  if (has_elevation) options.elevation_degrees = elevation;
  if (!orbit.empty())
    options.orbit = parse_orbit(orbit, config.frames, options.elevation_degrees.value_or(config.elevation_degrees));
  if (decode_chunk > 0) options.decode_chunk = decode_chunk;
  if (!guidance_batch.empty()) options.guidance_batch = guidance_batch == "joint" ? GuidanceBatch::kJoint : GuidanceBatch::kSplit;
}

}  // namespace gsv3d
