#include "models/checkpoint.h"

#include <algorithm>

#include "core/config.h"
#include "core/error.h"
#include "models/lora_import.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;

/// The shards that STEM.safetensors.index.json names.
std::vector<fs::path> shards(const fs::path& folder, const fs::path& index) {
  const Json json = read_json_file(index);
  require(json.is_object() && json.contains("weight_map") && json["weight_map"].is_object(),
          "{}: not an index of shards: it has no weight_map", index.string());
  std::vector<fs::path> files;
  for (const auto& [name, file] : json["weight_map"].items()) {
    require(file.is_string() && fs::path(file.get<std::string>()).filename() == file.get<std::string>(),
            "{}: tensor \"{}\" has no file name", index.string(), name);
    const fs::path path = folder / file.get<std::string>();
    if (std::find(files.begin(), files.end(), path) == files.end()) files.push_back(path);
  }
  return files;
}

std::vector<fs::path> files_of(const fs::path& path) {
  if (!fs::is_directory(path)) return {path};
  for (const char* stem : {"diffusion_pytorch_model", "model"}) {
    const fs::path whole = path / (std::string(stem) + ".safetensors"), index = whole.string() + ".index.json";
    if (fs::exists(whole)) return {whole};
    if (fs::exists(index)) return shards(path, index);
    if (const fs::path half = path / (std::string(stem) + ".fp16.safetensors"); fs::exists(half)) return {half};
  }
  fail(
      "{}: no diffusion_pytorch_model.safetensors or model.safetensors in it (.bin files are pickles: pass the safetensors ones)",
      path.string());
}

}  // namespace

Checkpoint::Checkpoint(const fs::path& path) : path_(path) {
  for (const fs::path& file : files_of(path)) {
    open_.emplace_back(file);
    for (const auto& [name, entry] : open_.back().entries()) {
      require(files_.emplace(name, open_.size() - 1).second, "{}: tensor \"{}\" is in two shards", path.string(), name);
    }
  }
}

const SafetensorsFile& Checkpoint::file_of(const std::string& name) const {
  const auto found = files_.find(name);
  require(found != files_.end(), "{}: no tensor \"{}\"", path_.string(), name);
  return open_[found->second];
}

const SafetensorsFile::Entry& Checkpoint::entry(const std::string& name) const {
  return file_of(name).entries().at(name);
}

Tensor Checkpoint::tensor(const std::string& name) const {
  return file_of(name).tensor(name);
}

void Checkpoint::release(const std::string& name) const {
  file_of(name).release(name);
}

std::vector<std::string> Checkpoint::names() const {
  std::vector<std::string> names;
  for (const auto& [name, index] : files_) names.push_back(name);
  return names;
}

size_t Checkpoint::bytes() const {
  size_t sum = 0;
  for (const auto& [name, index] : files_) sum += entry(name).end - entry(name).begin;
  return sum;
}

std::string describe_checkpoint(const std::vector<std::string>& names) {
  if (names.empty()) return "an empty file";
  const auto any = [&](auto&& matches) { return std::any_of(names.begin(), names.end(), matches); };
  const auto begins = [&](const char* text) { return any([&](const std::string& name) { return name.starts_with(text); }); };
  const auto holds = [&](const char* text) { return any([&](const std::string& name) { return name.find(text) != name.npos; }); };
  if (const std::string kind = other_adapter(names); !kind.empty())
    return fmt::format("an adapter of the kind {}, which is not supported", kind);
  if (holds("lora_") || holds("_lora.")) return "a LoRA: pass it with --lora, beside the model that it adapts";
  if (begins("model.diffusion_model.")) {
    if (!holds("time_stack")) return "a Stable Diffusion checkpoint, which makes pictures and no views: pass it with --sd";
    if (!begins("conditioner.")) return "the UNet of a video model alone: pass the whole file";
    return "a video diffusion checkpoint of Stability AI's";
  }
  if (begins("down_blocks.") || begins("encoder.down_blocks."))
    return "one part of a diffusers model: pass the folder that holds unet/, vae/ and image_encoder/";
  if (begins("vision_model.") || begins("text_model.")) return "a CLIP model: pass a whole SV3D file or folder";
  if (holds("blocks.0.attn.qkv.weight") || holds("encoder.layer.0.attention.")) return "DINOv2 weights: pass them with --dino";
  if (begins("input_blocks.0.")) return "the UNet of a model folder: pass that folder to --model of gsv3d generate";
  if (begins("context_embed.")) return "a Gaussian decoder: pass it with --decoder";
  return fmt::format("none of the models known here (its first tensor is \"{}\")", names.front());
}

}  // namespace gsv3d
