#include "models/import_model.h"

#include <algorithm>

#include "core/cancel.h"
#include "core/device.h"
#include "core/error.h"
#include "core/output_folder.h"
#include "decoder/dinov2_import.h"
#include "models/lora_file.h"
#include "models/lora_import.h"
#include "models/sd_source.h"
#include "models/sv3d_source.h"
#include "models/text_model.h"
#include "text/byte_pairs.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;

constexpr const char* lora_part = "distilled_lora";

/// Everything that will be written, found out from headers before anything is.
struct Plan {
  ModelConfig config;
  std::vector<PlannedPart> parts;  // of --sv3d and --sd
  std::vector<IgnoredTensors> ignored;
  Merges vocabulary;
  NamedTensors dino;  // views of the file, q, k and v joined
  std::shared_ptr<const Checkpoint> decoder;
  NamedTensors lora;
};

bool is_autoencoder(const std::string& part) {
  return part == "vae" || part == "text_vae";
}

/// In which type a tensor of a planned part is stored.
at::ScalarType stored_type(const ImportOptions& options, const std::string& part, const PlannedTensor& tensor,
                           at::ScalarType source) {
  if (!options.dtype) return source;
  const at::ScalarType wanted = is_autoencoder(part) ? vae_dtype(*options.dtype) : *options.dtype;
  const at::ScalarType type = tensor.shape.size() <= 1 ? at::kFloat : wanted;
  // Widening float16 to float32 would only fill the disk.
  return is_autoencoder(part) && c10::elementSize(type) > c10::elementSize(source) && *options.dtype != at::kFloat ? source
                                                                                                                   : type;
}

at::ScalarType source_type(const PlannedPart& part, const PlannedTensor& tensor) {
  return part.source->entry(tensor.recipe.parts.front()).dtype;
}

SafetensorsWriter::Item item_of(const ImportOptions& options, const PlannedPart& part, const PlannedTensor& tensor) {
  return {tensor.name, stored_type(options, part.name, tensor, source_type(part, tensor)), tensor.shape};
}

bool is_new_folder(const ImportOptions& options) {
  std::error_code error;
  return !options.sv3d.empty() || (!options.sd.empty() && !fs::exists(options.output, error));
}

void check(const ImportOptions& options) {
  if (options.sv3d.empty() && options.sd.empty() && options.dino.empty() && options.decoder.empty() && options.lora.empty())
    throw UsageError("nothing to import: give --sv3d or --sd, or --dino, --decoder or --lora for a model folder that exists");
  if (options.merge_lora && (options.lora.empty() || options.sv3d.empty()))
    throw UsageError("--merge-lora needs --lora and --sv3d: it changes the weights while they are imported");
  if (options.sd.empty() && (!options.sd_vocabulary.empty() || !options.sd_kind.empty()))
    throw UsageError("--sd-vocabulary and --sd-kind go with --sd");
  for (const fs::path& path : {options.dino, options.decoder, options.lora, options.sd_vocabulary}) {
    std::error_code error;
    require(path.empty() || fs::exists(path, error), "{}: no such file", path.string());
  }
  std::error_code error;
  if (is_new_folder(options))
    require(!fs::exists(options.output, error), "{} exists already: give a folder that is to be made", options.output.string());
}

ModelConfig base_config(const ImportOptions& options) {
  if (!is_new_folder(options)) return read_model_config(options.output);
  if (options.config.empty()) return {};
  const auto config = config_from_json<ModelConfig>(read_json_file(options.config), options.config.string());
  check_model_config(config, options.config.string());
  return config;
}

void plan_dino(Plan& plan, const fs::path& path, bool sets_decoder_width) {
  const Checkpoint file(path);
  NamedTensors tensors;
  for (const std::string& name : file.names()) tensors.emplace(name, file.tensor(name));
  try {
    plan.dino = dinov2_official_names(tensors);
    const Dinov2Config known = plan.config.dino;
    plan.config.dino = dinov2_config_of(plan.dino);
    // What a file does not say stays as the configuration has it.
    if (plan.config.dino.embed_dim == known.embed_dim)
      plan.config.dino.num_heads = known.num_heads, plan.config.dino.image_size = known.image_size;
  } catch (const Error& error) {
    fail("{}: {} (the file seems to be {})", path.string(), error.what(), describe_checkpoint(file.names()));
  }
  if (sets_decoder_width) plan.config.gaussian_decoder.context_dim = plan.config.dino.embed_dim;
  const auto store = nn::ParameterStore::from_tensors(plan.dino, path.string(), at::kFloat, at::kMeta);
  const Dinov2 network(plan.config.dino, nn::Scope(store));
  store->check_all_used({"mask_token"});
}

void plan_decoder(Plan& plan, const fs::path& path) {
  plan.decoder = std::make_shared<const Checkpoint>(path);
  const fs::path description = path.parent_path() / "config.json";
  if (fs::exists(description)) {
    const auto given = config_from_json<ModelConfig>(read_json_file(description), description.string());
    plan.config.gaussian_decoder = given.gaussian_decoder;
    if (plan.dino.empty()) plan.config.dino = given.dino;
  }
  NamedTensors tensors;
  for (const std::string& name : plan.decoder->names()) tensors.emplace(name, plan.decoder->tensor(name));
  try {
    const auto store = nn::ParameterStore::from_tensors(std::move(tensors), path.string(), at::kFloat, at::kMeta);
    const GaussianDecoder network(plan.config.gaussian_decoder, nn::Scope(store));
    store->check_all_used();
  } catch (const Error& error) {
    fail("{} (the file seems to be {}; its widths come from the config.json beside it)", error.what(),
         describe_checkpoint(plan.decoder->names()));
  }
}

void plan_pictures(Plan& plan, const ImportOptions& options) {
  std::optional<SdKind> kind;
  if (!options.sd_kind.empty()) kind = parse_sd_kind(options.sd_kind);
  SdPlan pictures = plan_sd(options.sd, plan.config.text.value_or(TextModelConfig()), kind);
  if (options.sv3d.empty() && is_new_folder(options) && options.config.empty()) plan.config.name = options.sd.stem().string();
  plan.config.text = std::move(pictures.config);
  std::move(pictures.tensors.parts.begin(), pictures.tensors.parts.end(), std::back_inserter(plan.parts));
  std::move(pictures.tensors.ignored.begin(), pictures.tensors.ignored.end(), std::back_inserter(plan.ignored));
  const fs::path vocabulary = options.sd_vocabulary.empty() ? pictures.vocabulary : options.sd_vocabulary;
  require(!vocabulary.empty(),
          "{}: holds no vocabulary: give --sd-vocabulary, a file bpe_simple_vocab_16e6.txt.gz (in the Python package "
          "open-clip-torch), merges.txt or tokenizer.json",
          options.sd.string());
  plan.vocabulary = read_merges(vocabulary);
  const int64_t tokens = BytePairs(plan.vocabulary).vocabulary_size();
  require(tokens == plan.config.text->tower.vocabulary_size, "{}: makes {} tokens, but the text tower has {}: another model's",
          vocabulary.string(), tokens, plan.config.text->tower.vocabulary_size);
}

Plan make_plan(const ImportOptions& options) {
  Plan plan;
  plan.config = base_config(options);
  if (!options.sv3d.empty()) {
    Sv3dPlan sv3d = plan_sv3d(options.sv3d, plan.config);
    plan.config = std::move(sv3d.config);
    plan.parts = std::move(sv3d.tensors.parts), plan.ignored = std::move(sv3d.tensors.ignored);
  }
  if (!options.sd.empty()) plan_pictures(plan, options);
  const bool has_decoder =
      !options.decoder.empty() || (!is_new_folder(options) && fs::exists(options.output / "gaussian_decoder.safetensors"));
  if (!options.dino.empty()) plan_dino(plan, options.dino, !has_decoder);
  if (!options.decoder.empty()) plan_decoder(plan, options.decoder);
  if (!options.lora.empty()) plan.lora = import_lora(options.lora, plan.config.unet, options.lora_weight);
  // Scales are inside the file already.
  if (!options.lora.empty() && !options.merge_lora) plan.config.lora_alpha = 0;
  check_model_config(plan.config, "the imported model");
  return plan;
}

uint64_t bytes_of(const NamedTensors& tensors) {
  uint64_t bytes = 0;
  for (const auto& [name, tensor] : tensors) bytes += tensor.numel() * tensor.element_size();
  return bytes;
}

uint64_t planned_bytes(const Plan& plan, const ImportOptions& options) {
  uint64_t bytes = bytes_of(plan.dino) + (plan.decoder ? plan.decoder->bytes() : 0);
  if (!options.merge_lora) bytes += bytes_of(plan.lora);
  for (const PlannedPart& part : plan.parts)
    for (const PlannedTensor& tensor : part.tensors) bytes += item_of(options, part, tensor).bytes();
  return bytes;
}

void check_disk(const fs::path& output, uint64_t bytes) {
  fs::path place = fs::absolute(output);
  std::error_code error;
  while (!fs::exists(place, error) && place.has_relative_path()) place = place.parent_path();
  const fs::space_info space = fs::space(place, error);
  constexpr uint64_t headers = 1 << 20;
  require(error || space.available >= bytes + headers,
          "{}: the model needs {:.2f} GB and {:.2f} GB are free there: choose another place, or --dtype fp16 or bf16",
          output.string(), static_cast<double>(bytes) / 1e9, static_cast<double>(space.available) / 1e9);
}

/// Adds up what has been written and tells the caller.
struct Meter {
  const ImportProgress& on_progress;
  uint64_t total, done = 0;
  void add(uint64_t bytes) {
    throw_if_cancelled();
    done += bytes;
    if (on_progress) on_progress(done, total);
  }
};

/// W + B A, where the layer has a LoRA.
Tensor with_lora(const Tensor& weight, const std::string& name, const NamedTensors& lora) {
  const std::string layer = name.substr(0, name.rfind('.'));
  const auto down = lora.find(layer + ".lora_A.weight");
  if (down == lora.end() || !name.ends_with(".weight")) return weight;
  return weight.to(at::kFloat) + at::matmul(lora.at(layer + ".lora_B.weight"), down->second);
}

/// Throws Error when the value is not finite in the type it is stored in.
Tensor converted(const Tensor& value, at::ScalarType type, const std::string& where) {
  const Tensor result = value.to(type);
  if (at::isfinite(result).all().item<bool>()) return result;
  require(at::isfinite(value).all().item<bool>(), "{} holds values that are not finite: the file is damaged", where);
  fail("{} does not fit into {}: choose --dtype bf16 or fp32", where, dtype_name(type));
}

ImportedPart write_planned_part(const PlannedPart& part, const ImportOptions& options, const NamedTensors& lora,
                                const fs::path& folder, Meter& meter) {
  std::vector<SafetensorsWriter::Item> items;
  std::vector<const PlannedTensor*> order;
  for (const PlannedTensor& tensor : part.tensors) order.push_back(&tensor);
  // Sizes that keep the next tensor on a multiple of 64 bytes come first, so that mapped weights are aligned for vector loads.
  std::stable_partition(order.begin(), order.end(),
                        [&](const PlannedTensor* tensor) { return item_of(options, part, *tensor).bytes() % 64 == 0; });
  for (const PlannedTensor* tensor : order) items.push_back(item_of(options, part, *tensor));
  ImportedPart report{part.name, static_cast<int64_t>(items.size()), 0, 0};
  SafetensorsWriter writer(folder / (part.name + ".safetensors"), items);
  for (size_t i = 0; i < items.size(); ++i) {
    const PlannedTensor& tensor = *order[i];
    Tensor value = read_planned(*part.source, tensor);
    if (part.name == "unet" && !lora.empty()) value = with_lora(value, tensor.name, lora);
    writer.add(converted(value, items[i].dtype,
                         fmt::format("{}: tensor \"{}\"", part.source->path().string(), tensor.recipe.parts.front())));
    value.reset();  // it may be a view of the pages that go now
    release_planned(*part.source, tensor);
    report.source_tensors += static_cast<int64_t>(tensor.recipe.parts.size());
    report.bytes += items[i].bytes();
    meter.add(items[i].bytes());
  }
  writer.commit();
  return report;
}

ImportedPart write_tensors(const std::string& name, const NamedTensors& tensors, const fs::path& folder, Meter& meter) {
  write_safetensors(folder / (name + ".safetensors"), tensors);
  meter.add(bytes_of(tensors));
  const auto count = static_cast<int64_t>(tensors.size());
  return {name, count, count, bytes_of(tensors)};
}

NamedTensors all_tensors(const Checkpoint& file) {
  NamedTensors tensors;
  for (const std::string& name : file.names()) tensors.emplace(name, file.tensor(name));
  return tensors;
}

Json report_json(const ImportReport& report, const ImportOptions& options) {
  Json json;
  json["dtype"] = options.dtype ? dtype_name(*options.dtype) : "as stored";
  for (const auto& [key, path] : std::map<std::string, fs::path>{{"sv3d", options.sv3d},
                                                                 {"sd", options.sd},
                                                                 {"dino", options.dino},
                                                                 {"decoder", options.decoder},
                                                                 {"lora", options.lora}})
    if (!path.empty()) json["sources"][key] = path.filename().string();
  if (!options.lora.empty()) json["lora"] = {{"weight", options.lora_weight}, {"merged", options.merge_lora}};
  for (const ImportedPart& part : report.parts)
    json["parts"][part.name] = {{"tensors", part.tensors}, {"source_tensors", part.source_tensors}, {"bytes", part.bytes}};
  for (const IgnoredTensors& group : report.ignored) json["ignored"][group.reason] = group.names;
  return json;
}

}  // namespace

ImportReport import_model(const ImportOptions& options, const ImportProgress& on_progress) {
  check(options);
  const Plan plan = make_plan(options);
  const uint64_t bytes = planned_bytes(plan, options);
  check_disk(options.output, bytes);

  fs::path place = fs::absolute(options.output).lexically_normal();
  if (!place.has_filename()) place = place.parent_path();  // "model/"
  OutputFolder folder(place.parent_path(), place.filename().string());
  const fs::path& staging = folder.staging();
  Meter meter{on_progress, bytes};
  ImportReport report{plan.config, {}, plan.ignored};
  const NamedTensors merged = options.merge_lora ? plan.lora : NamedTensors();
  for (const PlannedPart& part : plan.parts) report.parts.push_back(write_planned_part(part, options, merged, staging, meter));
  if (!plan.vocabulary.empty()) write_merges(staging / merges_file_name, plan.vocabulary);
  if (!plan.dino.empty()) report.parts.push_back(write_tensors("dino", plan.dino, staging, meter));
  if (plan.decoder) report.parts.push_back(write_tensors("gaussian_decoder", all_tensors(*plan.decoder), staging, meter));
  if (!plan.lora.empty() && !options.merge_lora) report.parts.push_back(write_tensors(lora_part, plan.lora, staging, meter));
  write_model_config(staging, plan.config);
  write_json_file(staging / "import.json", report_json(report, options));
  folder.commit();
  return report;
}

}  // namespace gsv3d
