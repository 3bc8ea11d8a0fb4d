#include "models/sv3d_source.h"

#include <algorithm>
#include <set>

#include "core/error.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;

std::string shape_text(at::IntArrayRef shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

/// The first few of many names.
std::string some(const std::vector<std::string>& names) {
  const size_t shown = std::min<size_t>(names.size(), 3);
  return fmt::format("{}{}", fmt::join(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(shown), ", "),
                     shown < names.size() ? ", ..." : "");
}

using Namer = std::function<TensorRecipe(const std::string& part, const std::string& name)>;

/// The checkpoints of the parts and the names in them.
struct Layout {
  std::map<std::string, std::shared_ptr<const Checkpoint>> sources;  // by part; official files have one for all
  Namer recipe;
  std::function<std::string_view(const std::string& part, const std::string& name)> ignored_reason;
};

Layout official_layout(const fs::path& path) {
  const auto file = std::make_shared<const Checkpoint>(path);
  const auto names = file->names();
  const auto has = [&](const char* prefix) {
    return std::any_of(names.begin(), names.end(), [&](const std::string& name) { return name.starts_with(prefix); });
  };
  require(has("model.diffusion_model.") && has("conditioner.embedders."), "{}: not an SV3D checkpoint; it seems to be {}",
          path.string(), describe_checkpoint(names));
  Layout layout;
  for (const char* part : {"unet", "vae", "image_embedder"}) layout.sources.emplace(part, file);
  layout.recipe = official_sv3d_source;
  layout.ignored_reason = [](const std::string&, const std::string& name) { return official_ignored_reason(name); };
  return layout;
}

Layout diffusers_layout(const fs::path& folder, const ModelConfig& config) {
  Layout layout;
  const std::map<std::string, std::string> subfolders = {{"unet", "unet"}, {"vae", "vae"}, {"image_embedder", "image_encoder"}};
  for (const auto& [part, subfolder] : subfolders) {
    require(fs::is_directory(folder / subfolder),
            "{}: no folder {} in it: pass SV3D's .safetensors file, or a diffusers folder with unet/, vae/ and image_encoder/",
            folder.string(), subfolder);
    layout.sources.emplace(part, std::make_shared<const Checkpoint>(folder / subfolder));
  }
  const bool old_attention = layout.sources.at("vae")->contains("encoder.mid_block.attentions.0.query.weight");
  layout.recipe = [config, old_attention](const std::string& part, const std::string& name) -> TensorRecipe {
    if (part == "unet") return {{diffusers_unet_name(name, config.unet)}};
    if (part == "vae") return {{diffusers_vae_name(name, config.vae, old_attention)}};
    return transformers_clip_source(name);
  };
  layout.ignored_reason = [](const std::string& part, const std::string& name) { return diffusers_ignored_reason(part, name); };
  return layout;
}

/// SV3D comes in two: told of the cameras (1280 numbers per frame), or only of the noise on the photo (the first 256 of them).
ModelConfig with_variant(ModelConfig config, const Layout& layout, const fs::path& path) {
  const Checkpoint& unet = *layout.sources.at("unet");
  const std::string name = layout.recipe("unet", "label_emb.0.0.weight").parts.front();
  require(unet.contains(name), "{}: not an SV3D checkpoint: it has no \"{}\"", path.string(), name);
  const auto& shape = unet.entry(name).shape;
  const int64_t width = shape.size() == 2 ? shape[1] : 0;
  if (width == config.unet.adm_in_channels) return config;
  if (config.vector_dimensions.size() == 3 && width == config.vector_dimensions[0]) {
    config.vector_dimensions.resize(1);
    config.unet.adm_in_channels = width;
    if (config.name == ModelConfig().name) config.name = "sv3d_u";
    return config;
  }
  fail("{}: not SV3D: its \"{}\" takes {} numbers per frame, SV3D's {}{}", path.string(), name, width,
       config.unet.adm_in_channels, width == 768 ? " (it seems to be Stable Video Diffusion: pass sv3d_p or sv3d_u)" : "");
}

/// Extents of 1 do not count: [C, C, 1, 1] is what a linear layer's [C, C] becomes.
std::vector<int64_t> without_ones(at::IntArrayRef shape) {
  std::vector<int64_t> kept;
  for (const int64_t extent : shape)
    if (extent != 1) kept.push_back(extent);
  return kept;
}

/// What the recipe makes, from the headers alone.
std::vector<int64_t> made_shape(const Checkpoint& source, const TensorRecipe& recipe) {
  std::vector<int64_t> shape = source.entry(recipe.parts.front()).shape;
  for (size_t i = 1; i < recipe.parts.size(); ++i) {
    const auto& part = source.entry(recipe.parts[i]).shape;
    if (part.empty() || part.size() != shape.size() || !std::equal(part.begin() + 1, part.end(), shape.begin() + 1)) return {};
    shape.front() += part.front();
  }
  if (recipe.transposed) std::reverse(shape.begin(), shape.end());
  return shape;
}

/// What is wrong with the source, collected to be said in one line.
struct Problems {
  std::vector<std::string> missing, misshapen;
  size_t planned = 0;

  void report(const fs::path& path, const std::vector<std::string>& unknown) const {
    if (missing.empty() && misshapen.empty()) return;
    std::string text;
    if (!missing.empty()) text += fmt::format("{} of {} tensors missing ({}); ", missing.size(), planned, some(missing));
    if (!misshapen.empty()) text += fmt::format("{} of another shape ({}); ", misshapen.size(), some(misshapen));
    if (!unknown.empty()) text += fmt::format("{} unknown ({}); ", unknown.size(), some(unknown));
    text.resize(text.size() - 2);
    const bool other_size = misshapen.size() > planned / 4;
    fail("{}: not a complete SV3D checkpoint: {}{}", path.string(), text,
         other_size ? ": a model of other widths; give them with --config" : "");
  }
};

PlannedPart plan_part(const std::string& name, const Layout& layout, const ModelConfig& config, Problems& problems) {
  PlannedPart part{name, layout.sources.at(name), {}};
  const Checkpoint& source = *part.source;
  for (const auto& [tensor_name, tensor] : part_shapes(name, config)) {
    PlannedTensor planned{tensor_name, tensor.sizes().vec(), layout.recipe(name, tensor_name)};
    ++problems.planned;
    const auto absent = std::find_if(planned.recipe.parts.begin(), planned.recipe.parts.end(),
                                     [&](const std::string& source_name) { return !source.contains(source_name); });
    if (absent != planned.recipe.parts.end()) {
      problems.missing.push_back(*absent);
      continue;
    }
    for (const std::string& source_name : planned.recipe.parts)
      require(at::isFloatingType(source.entry(source_name).dtype), "{}: tensor \"{}\" is not of a floating-point type",
              source.path().string(), source_name);
    const auto shape = made_shape(source, planned.recipe);
    if (without_ones(shape) != without_ones(planned.shape)) {
      problems.misshapen.push_back(fmt::format("{} is {}, not {}", planned.recipe.parts.front(),
                                               shape_text(source.entry(planned.recipe.parts.front()).shape),
                                               shape_text(planned.shape)));
    }
    part.tensors.push_back(std::move(planned));
  }
  return part;
}

constexpr const char* unknown_reason = "unknown to SV3D";

std::vector<IgnoredTensors> find_ignored(const Layout& layout, const std::vector<PlannedPart>& parts) {
  std::map<const Checkpoint*, std::set<std::string>> used;
  for (const PlannedPart& part : parts)
    for (const PlannedTensor& tensor : part.tensors)
      used[part.source.get()].insert(tensor.recipe.parts.begin(), tensor.recipe.parts.end());
  std::map<std::string, std::vector<std::string>> by_reason;
  std::set<const Checkpoint*> seen;
  for (const auto& [part, source] : layout.sources) {
    if (!seen.insert(source.get()).second) continue;
    for (const std::string& name : source->names()) {
      if (used[source.get()].count(name)) continue;
      const std::string_view reason = layout.ignored_reason(part, name);
      by_reason[reason.empty() ? unknown_reason : std::string(reason)].push_back(name);
    }
  }
  std::vector<IgnoredTensors> ignored;
  for (auto& [reason, names] : by_reason) ignored.push_back({reason, std::move(names)});
  return ignored;
}

}  // namespace

NamedTensors part_shapes(const std::string& part, const ModelConfig& config) {
  const auto store = nn::ParameterStore::meta();
  const nn::Scope scope(store);
  if (part == "unet") {
    VideoUNet(config.unet, scope);
  } else if (part == "vae") {
    AutoencoderEncoder(config.vae, scope);
    AutoencoderDecoder(config.vae, scope);
  } else {
    ImageEmbedder(config.image_embedder, scope);
  }
  return store->parameters();
}

Sv3dPlan plan_sv3d(const fs::path& path, const ModelConfig& base) {
  std::error_code error;
  require(fs::exists(path, error), "{}: no such file or folder", path.string());
  const Layout layout = fs::is_directory(path) ? diffusers_layout(path, base) : official_layout(path);
  Sv3dPlan plan;
  plan.config = with_variant(base, layout, path);
  Problems problems;
  for (const char* part : {"unet", "vae", "image_embedder"}) plan.parts.push_back(plan_part(part, layout, plan.config, problems));
  plan.ignored = find_ignored(layout, plan.parts);
  std::vector<std::string> unknown;
  for (const IgnoredTensors& group : plan.ignored)
    if (group.reason == unknown_reason) unknown = group.names;
  problems.report(path, unknown);
  return plan;
}

Tensor read_planned(const Checkpoint& source, const PlannedTensor& planned) {
  const TensorRecipe& recipe = planned.recipe;
  std::vector<Tensor> parts;
  for (const std::string& name : recipe.parts) parts.push_back(source.tensor(name));
  const Tensor whole = parts.size() == 1 ? parts.front() : at::cat(parts);
  return (recipe.transposed ? whole.t() : whole).reshape(planned.shape);
}

void release_planned(const Checkpoint& source, const PlannedTensor& planned) {
  for (const std::string& name : planned.recipe.parts) source.release(name);
}

}  // namespace gsv3d
