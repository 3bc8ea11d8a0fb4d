#include "service/generation_options.h"

#include <charconv>

#include "camera/orbit.h"
#include "core/spelling.h"
#include "mesh/physical_size.h"

namespace gsv3d {
namespace {

const DescribedSetting* find(const std::vector<DescribedSetting>& all, const std::string& name) {
  for (const DescribedSetting& setting : all) {
    if (setting.setting.option && setting.name() == name) return &setting;
  }
  return nullptr;
}

/// {name: value} of a value that may be the command line's text for it: "7", "true", "constant:2".
Json change_of(const std::vector<DescribedSetting>& all, const DescribedSetting& setting, const Json& value) {
  if (!value.is_string() || setting.value.is_string()) return {{setting.name(), value}};
  const std::string text = value.get<std::string>();
  if (!setting.value.is_null()) return parse_setting(all, setting, text);
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) throw UsageError(fmt::format("\"{}\" is not a number", text));
  return {{setting.name(), number}};
}

}  // namespace

std::vector<DescribedSetting> generation_settings(const SamplerConfig& sampler) {
  std::vector<DescribedSetting> all = described_settings(GenerationOptions());
  for (DescribedSetting& setting : described_settings(sampler)) {
    if (setting.setting.option) all.push_back(std::move(setting));
  }
  return all;
}

GenerationOptions parse_generation_options(const Json& given, const SamplerConfig& sampler) {
  require(given.is_object(), "options: expected an object, found {}", given.type_name());
  const std::vector<DescribedSetting> own = described_settings(GenerationOptions()), samplers = described_settings(sampler);
  Json own_changes = Json::object(), sampler_changes = Json::object();
  for (const auto& [name, value] : given.items()) {
    try {
      if (const DescribedSetting* setting = find(own, name)) {
        own_changes.update(change_of(own, *setting, value));
      } else if (const DescribedSetting* of_sampler = find(samplers, name)) {
        sampler_changes.update(change_of(samplers, *of_sampler, value));
      } else {
        std::vector<std::string> names;
        for (const DescribedSetting& known : generation_settings(sampler)) names.push_back(known.name());
        throw UsageError(fmt::format("unknown option{}", did_you_mean(name, names)));
      }
    } catch (const UsageError& error) {
      throw UsageError(fmt::format("options.{}: {}", name, error.what()));
    }
  }
  auto options = with_settings(GenerationOptions(), own_changes, "options");
  (void)with_settings(sampler, sampler_changes, "options");
  options.sampling = sampler_changes;
  return options;
}

ResolvedGeneration resolved(const GenerationOptions& options, const ModelConfig& model) {
  ModelConfig config = model;
  if (options.frames > 0) config.frames = options.frames;
  if (options.size > 0) config.image_size = options.size;
  if (options.frames > 0 || options.size > 0) check_model_config(config, "options: frames and size");
  ResolvedGeneration result;
  result.frames = config.frames, result.image_size = config.image_size;
  GenerateOptions& generate = result.generate;
  generate.seed = options.seed;
  generate.sampling = options.sampling;
  generate.elevation_degrees = options.elevation;
  if (!options.orbit.empty()) {
    // parse_orbit also reads files, which are not for clients to name.
    if (options.orbit != "sine" && !options.orbit.starts_with("sine:"))
      throw UsageError("options.orbit: use sine or sine:DEGREES");
    if (config.vector_dimensions.size() != 3)
      throw UsageError(fmt::format("options.orbit: model {} is not told where its cameras are", config.name));
    generate.orbit = parse_orbit(options.orbit, config.frames, options.elevation.value_or(config.elevation_degrees));
  }
  if (options.decode_chunk > 0) generate.decode_chunk = options.decode_chunk;
  if (options.guidance_batch != "auto")
    generate.guidance_batch = options.guidance_batch == "joint" ? GuidanceBatch::kJoint : GuidanceBatch::kSplit;
  generate.views_only = options.views_only;
  generate.refine = options.refinement;
  generate.photo_surface = options.photo_surface;
  if (options.photo_palette != "auto") generate.photo_palette = options.photo_palette == "true";
  if (options.spread > 0 && options.confidence_seeds > 0) throw UsageError("options: spread or confidence_seeds, not both");
  generate.spread_seeds = std::max(options.spread, options.confidence_seeds);
  generate.confidence = options.confidence_seeds > 0;
  if (generate.confidence && generate.views_only) throw UsageError("options: confidence_seeds needs an object, not views_only");
  generate.matting = options.matting;
  generate.fit_steps = options.fit_steps;
  result.outputs.mesh = options.mesh;
  result.outputs.viewer = options.viewer;
  if (!options.mesh_size.empty() && !options.height.empty()) throw UsageError("options: mesh_size or height, not both");
  if (!options.mesh_size.empty())
    result.outputs.placement.size = {SizedSide::kLongest, parse_length(options.mesh_size, "options.mesh_size")};
  if (!options.height.empty())
    result.outputs.placement.size = {SizedSide::kHeight, parse_length(options.height, "options.height")};
  return result;
}

}  // namespace gsv3d
