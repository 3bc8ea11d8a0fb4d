#include "service/served_models.h"

#include <algorithm>

#include "core/cancel.h"
#include "core/error.h"
#include "core/log.h"
#include "models/defaults.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;

const std::vector<std::string> needed_parts = {"vae", "image_embedder", "unet"};
constexpr auto look_again = std::chrono::milliseconds(20);  // for models that jobs let go of, and for cancels

}  // namespace

ServedModel served_model(const fs::path& folder, const std::string& name, at::Device device, std::optional<at::ScalarType> dtype,
                         const fs::path& text_folder) {
  ServedModel model{read_model_config(folder)};
  model.folder = folder, model.device = device;
  model.distilled = fs::exists(folder / "distilled_lora.safetensors");
  for (const std::string& part : needed_parts)
    require(fs::exists(folder / (part + ".safetensors")), "model {}: {}.safetensors is missing, and this needs it",
            folder.string(), part);
  model.dtype = dtype ? *dtype : default_dtype(model.config, device);
  if (!name.empty()) model.config.name = name;
  model.text_folder = text_folder.empty() ? folder : text_folder;
  if (fs::exists(model.text_folder / "text_unet.safetensors")) model.text = read_model_config(model.text_folder).text;
  require(text_folder.empty() || model.text, "{}: makes no pictures from words: a folder that gsv3d import --sd made is needed",
          text_folder.string());
  return model;
}

Model ServedModels::load_served_model(const ServedModel& about) {
  Model model = load_model(about.folder, {about.device, about.dtype, true, false});
  require_parts(model, needed_parts);
  model.config.name = about.config.name;
  return model;
}

ServedModels::ServedModels(std::vector<ServedModel> models, int64_t most_further, Loader loader)
    : models_(std::move(models)), most_further_(most_further), loader_(std::move(loader)), slots_(models_.size()) {
  require(!models_.empty(), "a service needs a model");
  for (size_t i = 0; i < models_.size(); ++i) {
    if (index_of(models_[i].config.name) != i)
      throw UsageError(fmt::format("there are two models of the name \"{}\"", models_[i].config.name));
  }
}

size_t ServedModels::index_of(const std::string& name) const {
  if (name.empty()) return 0;
  for (size_t i = 0; i < models_.size(); ++i) {
    if (models_[i].config.name == name) return i;
  }
  std::vector<std::string> names;
  for (const ServedModel& model : models_) names.push_back(model.config.name);
  throw UsageError(fmt::format("there is no model \"{}\": use one of {}", name, fmt::join(names, ", ")));
}

const ServedModel& ServedModels::find(const std::string& name) const {
  return models_[index_of(name)];
}

const ServedModel& ServedModels::of_options(const Json& options) const {
  if (!options.is_object() || !options.contains("model")) return first();
  const Json& name = options["model"];
  if (!name.is_string()) throw UsageError("options.model: the name of a model was expected");
  try {
    return find(name.get<std::string>());
  } catch (const UsageError& error) {
    throw UsageError(fmt::format("options.model: {}", error.what()));
  }
}

bool ServedModels::is_loaded(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  return slots_[index_of(name)].model != nullptr;
}

/// For one further model more.
bool ServedModels::make_room() {
  while (true) {
    const auto is_there = [](const Slot& slot) { return slot.loading || slot.model; };
    if (std::count_if(slots_.begin() + 1, slots_.end(), is_there) < most_further_) return true;
    Slot* oldest = nullptr;
    for (size_t i = 1; i < slots_.size(); ++i) {
      Slot& slot = slots_[i];
      const bool is_idle = slot.model && slot.model.use_count() == 1;  // others get it under the lock alone
      if (is_idle && (!oldest || slot.used < oldest->used)) oldest = &slot;
    }
    if (!oldest) return false;
    oldest->model.reset();
    oldest->text_model.reset();
  }
}

void ServedModels::load(size_t index, std::unique_lock<std::mutex>& lock) {
  Slot& slot = slots_[index];
  slot.loading = true;
  lock.unlock();
  std::shared_ptr<const Model> model;
  try {
    model = std::make_shared<const Model>(loader_(models_[index]));
  } catch (...) {
    lock.lock();
    slot.loading = false;
    changed_.notify_all();
    throw;
  }
  if (index > 0) spdlog::info("model {} is loaded", models_[index].config.name);
  lock.lock();
  slot.model = std::move(model);
  slot.loading = false;
  changed_.notify_all();
}

std::shared_ptr<const Model> ServedModels::acquire(const std::string& name) {
  const size_t index = index_of(name);
  std::unique_lock lock(mutex_);
  Slot& slot = slots_[index];
  // One after the other, so that a model in constant use cannot keep those out who wait for another. The first needs no room.
  const auto place = waiting_.insert(waiting_.end(), index);
  const std::shared_ptr<void> leaves(nullptr, [&](void*) {
    waiting_.erase(place);
    changed_.notify_all();
  });
  const auto waits = [&](size_t i) { return i > 0 && !slots_[i].loading; };
  const auto may_go_on = [&] { return index == 0 || std::find_if(waiting_.begin(), place, waits) == place; };
  while (!slot.model || !may_go_on()) {
    if (!slot.loading && may_go_on() && (index == 0 || make_room())) {
      load(index, lock);
      continue;
    }
    throw_if_cancelled();
    changed_.wait_for(lock, look_again);
  }
  slot.used = ++uses_;
  return slot.model;
}

std::shared_ptr<const TextModel> ServedModels::acquire_text(const std::string& name) {
  const size_t index = index_of(name);
  const std::lock_guard one_at_a_time(text_loading_);
  {
    const std::lock_guard lock(mutex_);
    if (slots_[index].text_model) return slots_[index].text_model;
  }
  const ServedModel& about = models_[index];
  auto loaded = std::make_shared<const TextModel>(load_text_model(about.text_folder, {about.device, about.dtype, true, false}));
  const std::lock_guard lock(mutex_);
  slots_[index].text_model = loaded;
  return loaded;
}

}  // namespace gsv3d
