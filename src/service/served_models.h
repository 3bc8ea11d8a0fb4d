// The models that clients choose from by name. The first is in memory from the start; further ones are loaded when a job asks for
// them, and make room for one another.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "models/model_folder.h"
#include "models/text_model.h"

namespace gsv3d {

/// A model as clients are told of it.
struct ServedModel {
  ModelConfig config;  ///< config.name: by which clients ask for it
  std::filesystem::path folder = {};
  std::filesystem::path text_folder = {};    ///< of the networks that make pictures from words
  std::optional<TextModelConfig> text = {};  ///< of those; none: takes no words
  at::Device device = at::kCPU;
  at::ScalarType dtype = at::kFloat;
  bool distilled = false;
};

/// Reads the folder's description. `name` "": the one in its config.json; `dtype` none: what is fastest there. Throws Error when
/// it is no model folder or lacks what making views needs. `text_folder` "": the folder's own networks make pictures from words,
/// if it has such; else those of that folder, and Error when it has none.
ServedModel served_model(const std::filesystem::path& folder, const std::string& name, at::Device device,
                         std::optional<at::ScalarType> dtype, const std::filesystem::path& text_folder = {});

class ServedModels {
 public:
  using Loader = std::function<Model(const ServedModel&)>;

  /// `most_further`: at most so many beside the first are in memory at a time. Throws UsageError when two have one name.
  explicit ServedModels(std::vector<ServedModel> models, int64_t most_further = 1, Loader loader = load_served_model);

  const std::vector<ServedModel>& all() const { return models_; }
  const ServedModel& first() const { return models_.front(); }
  /// "": the first. Throws UsageError "there is no model …" with the names there are.
  const ServedModel& find(const std::string& name) const;
  /// By the entry "model" of a job's options, a name; without it the first. Throws UsageError.
  const ServedModel& of_options(const Json& options) const;
  /// Whether it is in memory in this process.
  bool is_loaded(const std::string& name) const;

  /// The model, loaded if need be. It stays in memory while the result lives. Where there is no room, waits until a further model
  /// is not used any more, and takes the place of the one that was used least recently; who waits longest is served first. Throws
  /// Cancelled, and what loading throws: the next call then tries anew.
  std::shared_ptr<const Model> acquire(const std::string& name);
  /// Its networks that make pictures from words, loaded if need be; they go when the model makes room for another. To be called
  /// while the model is held. Throws what load_text_model throws.
  std::shared_ptr<const TextModel> acquire_text(const std::string& name);

  /// As load_model() does it, under the name of `about`.
  static Model load_served_model(const ServedModel& about);

 private:
  struct Slot {
    std::shared_ptr<const Model> model;
    std::shared_ptr<const TextModel> text_model;
    bool loading = false;
    int64_t used = 0;  ///< grows with each use
  };
  size_t index_of(const std::string& name) const;
  bool make_room();
  void load(size_t index, std::unique_lock<std::mutex>& lock);

  std::vector<ServedModel> models_;
  int64_t most_further_;
  Loader loader_;
  mutable std::mutex mutex_;
  std::mutex text_loading_;  ///< held while text networks are loaded: once, however many jobs ask; taken before mutex_
  std::condition_variable changed_;
  std::vector<Slot> slots_;
  std::list<size_t> waiting_;  ///< who asks for further models, in order
  int64_t uses_ = 0;
};

}  // namespace gsv3d
