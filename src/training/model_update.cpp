#include "training/model_update.h"

#include <unistd.h>

#include <algorithm>

#include "core/error.h"
#include "core/fingerprint.h"
#include "core/log.h"
#include "core/safetensors.h"
#include "models/model_folder.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;

constexpr const char *kUnet = "unet.safetensors", *kVae = "vae.safetensors", *kLora = "distilled_lora.safetensors",
                     *kConfig = "config.json";

bool has_trained_weights(const fs::path& path) {
  if (!fs::exists(path)) return false;
  const auto metadata = SafetensorsFile(path).metadata();
  const auto origin = metadata.find(weights_header::origin);
  return origin == metadata.end() || origin->second != weights_header::random;
}

/// A second name for the file where the file system allows it: whoever changes either writes a new file.
void link_or_copy(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::create_hard_link(from, to, error);
  if (error) fs::copy_file(from, to);
}

/// Files under temporary names, which go unless they are renamed.
struct StagedFiles {
  std::vector<fs::path> paths;
  void add(const fs::path& from, const fs::path& path) {
    fs::remove(path);
    paths.push_back(path);
    link_or_copy(from, path);
  }
  ~StagedFiles() {
    std::error_code ignored;
    for (const fs::path& path : paths) fs::remove(path, ignored);
  }
};

}  // namespace

std::string weights_fingerprint(const fs::path& path) {
  const SafetensorsFile file(path);
  if (const auto found = file.metadata().find(weights_header::fingerprint); found != file.metadata().end()) return found->second;
  NamedTensors tensors;
  for (const auto& [name, entry] : file.entries()) tensors[name] = file.tensor(name);
  return fingerprint_text(fingerprint(tensors));
}

ModelUpdate::ModelUpdate(fs::path model, fs::path run, std::vector<TrainedFile> files, bool resumes, bool replace)
    : model_(std::move(model)), run_(std::move(run)), files_(std::move(files)), replace_(replace) {
  // Runs of versions without this record wrote into the model folder as they went: what is there is theirs.
  const bool recorded = resumes && fs::exists(record_path());
  if (recorded) record_ = config_from_json<Record>(read_json_file(record_path()), record_path().string());
  for (const auto& [name, goes_on] : files_) {
    if (!recorded && (goes_on || resumes) && fs::exists(model_ / name))
      record_.files[name].begun_with = weights_fingerprint(model_ / name);
  }
  refuse_foreign_weights("");
}

void ModelUpdate::refuse_foreign_weights(const std::string& rest) const {
  for (const auto& [name, goes_on] : files_) {
    const fs::path path = model_ / name;
    if (replace_ || !has_trained_weights(path)) continue;
    const auto known = record_.files.find(name);
    require(
        known != record_.files.end() && known->second.is(weights_fingerprint(path)),
        "{}: holds trained weights that this run does not begin with: set \"initial_weights\": \"model_folder\" to train them "
        "further, give --replace to put them aside (into {}), or choose another model folder{}",
        path.string(), next_previous().string(), rest);
  }
}

bool ModelUpdate::trains(const std::string& file) const {
  return std::any_of(files_.begin(), files_.end(), [&](const TrainedFile& trained) { return trained.name == file; });
}

fs::path ModelUpdate::next_previous() const {
  for (int number = 1;; ++number) {
    if (fs::path path = model_ / fmt::format("previous-{}", number); !fs::exists(path)) return path;
  }
}

void ModelUpdate::complete(const Json& patch) {
  Json config = read_json_file(model_ / kConfig);
  config.merge_patch(patch);
  write_json_file(result() / kConfig, config);
  std::vector<std::string> others;
  for (const std::string& part : model_part_names()) others.push_back(part + ".safetensors");
  if (!trains(kUnet)) others.emplace_back(kLora);
  for (const std::string& name : others) {
    if (trains(name)) continue;
    if (fs::is_symlink(result() / name)) fs::remove(result() / name);
    if (fs::exists(model_ / name) && !fs::exists(result() / name))
      fs::create_symlink(fs::absolute(model_ / name), result() / name);
  }
  write_json_file(record_path(), config_to_json(record_));
}

bool ModelUpdate::is_installed() const {
  return std::all_of(files_.begin(), files_.end(), [&](const TrainedFile& file) {
    return fs::exists(model_ / file.name) && weights_fingerprint(model_ / file.name) == weights_fingerprint(result() / file.name);
  });
}

void ModelUpdate::warn_of_stale_parts() const {
  if (trains(kUnet) && fs::exists(model_ / kLora))
    spdlog::warn("{}: belongs to the UNet before and is put aside; gsv3d train distill makes a new one",
                 (model_ / kLora).string());
  if (!trains(kVae)) return;
  for (const char* name : {kUnet, "gaussian_decoder.safetensors"}) {
    if (has_trained_weights(model_ / name))
      spdlog::warn("{}: was trained on latents of another autoencoder; train it further or again", (model_ / name).string());
  }
}

void ModelUpdate::put_aside(const std::vector<std::string>& names) const {
  if (names.empty()) return;
  fs::path place;
  do place = next_previous();
  while (!fs::create_directory(place));  // another run may take the number
  for (const std::string& name : names) link_or_copy(model_ / name, place / name);
  fs::copy_file(model_ / kConfig, place / kConfig);
  spdlog::info("{}: what {} held before; move it back to undo this training", place.string(), model_.string());
}

void ModelUpdate::install(const Json& patch) {
  refuse_foreign_weights(fmt::format("; this run's weights are in {}", result().string()));
  if (is_installed()) return;
  std::vector<std::string> replaced;
  StagedFiles staged;
  for (const auto& [name, goes_on] : files_) {
    Known& known = record_.files[name];
    if (has_trained_weights(model_ / name) && !known.has_made(weights_fingerprint(model_ / name))) replaced.push_back(name);
    if (const std::string made = weights_fingerprint(result() / name); !known.has_made(made)) known.made.push_back(made);
    staged.add(result() / name, model_ / fmt::format("{}.{}.part", name, ::getpid()));
  }
  write_json_file(record_path(), config_to_json(record_));
  warn_of_stale_parts();
  const bool drops_lora = trains(kUnet) && fs::exists(model_ / kLora);
  if (drops_lora) replaced.emplace_back(kLora);
  put_aside(replaced);
  for (size_t i = 0; i < files_.size(); ++i) fs::rename(staged.paths[i], model_ / files_[i].name);
  if (drops_lora) fs::remove(model_ / kLora);
  if (patch.empty()) return;
  Json config = read_json_file(model_ / kConfig);
  config.merge_patch(patch);
  write_json_file(model_ / kConfig, config);
}

}  // namespace gsv3d
