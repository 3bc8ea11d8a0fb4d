// How a run's weights enter the model folder: through RUN/model, at the end, and never in place of trained weights that the run
// did not begin with.
#pragma once

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "core/config.h"
#include "training/trainer_config.h"

namespace gsv3d {

/// 16 hexadecimal digits that tell weight files apart: as the file's header says, else of all names and values.
std::string weights_fingerprint(const std::filesystem::path& path);

class ModelUpdate {
 public:
  /// For a run that begins with the weights that are there now (`files` says of which it takes them), or, with `resumes`, for one
  /// that RUN/model_files.json knows. Writes nothing. Throws Error when the model folder holds trained weights that the run
  /// neither began with nor made, unless `replace`.
  ModelUpdate(std::filesystem::path model, std::filesystem::path run, std::vector<TrainedFile> files, bool resumes, bool replace);

  /// RUN/model, where exports go.
  std::filesystem::path result() const { return run_ / "model"; }

  /// After an export: with MODEL/config.json changed by `patch` (a JSON merge patch, RFC 7396) and links to the other parts,
  /// RUN/model is a whole model folder, to look at what has been trained so far.
  void complete(const Json& patch);

  /// After complete(): puts the run's files and the patch into the model folder, each by one rename. What they replace, and a
  /// distilled LoRA over a UNet that is replaced, goes to MODEL/previous-N, the first free N, with the config.json of that time;
  /// only what this run itself installed before goes for good. Does nothing when the weights are there already. Throws Error as
  /// the constructor does, leaving everything as it was.
  void install(const Json& patch);

 private:
  struct Known {
    std::string begun_with;         // fingerprint; empty for none
    std::vector<std::string> made;  // fingerprints of what it installed
    bool is(const std::string& fingerprint) const { return fingerprint == begun_with || has_made(fingerprint); }
    bool has_made(const std::string& fingerprint) const { return std::find(made.begin(), made.end(), fingerprint) != made.end(); }
    template <class Visitor>
    void fields(Visitor& visit) {
      visit("begun_with", begun_with), visit("made", made);
    }
  };
  struct Record {
    std::map<std::string, Known> files;
    template <class Visitor>
    void fields(Visitor& visit) {
      visit("files", files);
    }
  };

  std::filesystem::path record_path() const { return run_ / "model_files.json"; }
  std::filesystem::path next_previous() const;
  bool trains(const std::string& file) const;
  void refuse_foreign_weights(const std::string& rest) const;
  bool is_installed() const;
  void warn_of_stale_parts() const;
  void put_aside(const std::vector<std::string>& names) const;

  std::filesystem::path model_, run_;
  std::vector<TrainedFile> files_;
  bool replace_;
  Record record_;
};

}  // namespace gsv3d
