#include "sampling_options.h"

#include <cmath>
#include <vector>

#include "core/error.h"
#include "run_options.h"

namespace gsv3d {
namespace {

double number(const std::string& text, const std::string& whole) {
  double value = 0;
  if (!CLI::detail::lexical_cast(text, value) || !(value >= 0 && value <= 20))
    throw UsageError(fmt::format("--guidance {}: \"{}\" is not a scale from 0 to 20", whole, text));
  return value;
}

/// "2.5", "triangle", "constant:2", "linear:1:3".
void parse_guidance(const std::string& text, GenerateOptions& options) {
  std::vector<std::string> parts = CLI::detail::split(text, ':');
  const std::string kind = parts.front();
  if (kind == "triangle" || kind == "linear" || kind == "constant") {
    options.guider = kind;
    parts.erase(parts.begin());
    if (parts.size() > (kind == "constant" ? 1u : 2u))
      throw UsageError(fmt::format("--guidance {}: too many numbers (constant:SCALE, triangle:MIN:MAX, linear:MIN:MAX)", text));
  } else if (parts.size() > 1) {
    throw UsageError(fmt::format("--guidance {}: unknown kind \"{}\": use triangle, linear or constant", text, kind));
  }
  if (parts.size() == 2) options.min_guidance = number(parts.front(), text);
  if (!parts.empty()) options.guidance = number(parts.back(), text);
  if (options.min_guidance && *options.min_guidance > *options.guidance)
    throw UsageError(fmt::format("--guidance {}: the smallest scale comes first", text));
}

/// "0.3:20": two noise levels.
std::vector<double> parse_guidance_range(const std::string& text) {
  std::vector<double> range;
  for (const std::string& part : CLI::detail::split(text, ':')) {
    double value = 0;
    if (!CLI::detail::lexical_cast(part, value) || !(value >= 0 && std::isfinite(value)))
      throw UsageError(fmt::format("--guidance-range {}: \"{}\" is not a noise level", text, part));
    range.push_back(value);
  }
  if (range.size() != 2 || range[0] >= range[1])
    throw UsageError(fmt::format("--guidance-range {}: expected LOW:HIGH, the smaller noise level first", text));
  return range;
}

}  // namespace

void SamplingOptions::add_to(CLI::App& command) {
  command.add_option("--steps", steps, "denoising steps (default: the model's)")->check(CLI::Range(1, 1000));
  command
      .add_option(
          "--sampler", sampler,
          "kind of step: euler (SV3D's own), heun (evaluates the network twice per step) or dpmpp2m (DPM-Solver++(2M)), both "
          "for fewer steps (default: the model's)")
      ->check(CLI::IsMember(solver_names()));
  command.add_option(
      "--guidance", guidance,
      "guidance over the views: its largest scale, or triangle:MIN:MAX, linear:MIN:MAX, constant:SCALE (default: the "
      "model's)");
  command.add_option(
      "--guidance-range", guidance_range,
      "LOW:HIGH, the noise levels that are guided; elsewhere only half of the network's work is done (default: the model's, else "
      "all)");
  command
      .add_option(
          "--cache-steps", cache_steps,
          "compute the network's deep part in every N-th step only, and reuse it in between: faster, less exact (default: "
          "the model's, else 0, off)")
      ->check(CLI::Range(0, 1000));
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
  if (steps > 0) options.steps = steps;
  if (!sampler.empty()) options.sampler = sampler;
  if (!guidance.empty()) parse_guidance(guidance, options);
  if (!guidance_range.empty()) options.guidance_range = parse_guidance_range(guidance_range);
  if (cache_steps >= 0) options.cache_steps = cache_steps;
  if (has_elevation) options.elevation_degrees = elevation;
  if (!orbit.empty())
    options.orbit = parse_orbit(orbit, config.frames, options.elevation_degrees.value_or(config.elevation_degrees));
  if (decode_chunk > 0) options.decode_chunk = decode_chunk;
  if (!guidance_batch.empty()) options.guidance_batch = guidance_batch == "joint" ? GuidanceBatch::kJoint : GuidanceBatch::kSplit;
}

}  // namespace gsv3d
