// The evaluation's results for people and programs: a Markdown table, JSON with every number, and pictures.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/config.h"
#include "evaluation/protocol.h"
#include "evaluation/score_columns.h"
#include "image/image.h"

namespace gsv3d {

/// What was evaluated and how, for the report.
struct EvaluationSettings {
  std::string version, model, model_name, dataset, train_dataset, device, dtype;
  int64_t objects = 0, view_size = 0, orbit_views = 0, random_views = 0, steps = 0;
  std::string protocol = "own";                        ///< EvaluationProtocol::name
  std::string cameras;                                 ///< EvaluationProtocol::cameras(), or of stored views
  std::optional<double> orbit_elevation_degrees = 10;  ///< empty: drawn per object
  std::optional<double> input_elevation_degrees = {};  ///< empty: the orbit's
  int64_t points = 0;                                  ///< of the group "sparse"
  std::string uids;                                    ///< file that chose the objects
  int64_t drawn_objects = 0;                           ///< so many were drawn by the seed; 0: not drawn
  uint64_t seed = 0;                                   ///< of the first object; each following object's is one more
  bool recolor = false;                                ///< objects in other colours: recolored()
  std::string objects_source, predictions;             ///< where geometry is scored on, and other programs' results; empty: none
  std::string alignment = "none";                      ///< of predictions to the truth
  std::vector<std::string> weights;                    ///< of the perceptual scores: KIND=FILE
  bool consistency = false;                            ///< the generated views were scored
  std::vector<std::string> rows, beside;               ///< the model's rows (empty: all); other models' NAME=FOLDER
  std::string split = "unknown";                       ///< split_of()
  int64_t test_scorings = 0;                           ///< of this model folder on a test split, this one included
  template <class Visitor>
  void fields(Visitor& visit) {
    visit("version", version), visit("model", model), visit("model_name", model_name), visit("dataset", dataset);
    visit("train_dataset", train_dataset), visit("device", device), visit("dtype", dtype), visit("objects", objects);
    visit("view_size", view_size), visit("orbit_views", orbit_views), visit("random_views", random_views), visit("steps", steps);
    visit("protocol", protocol), visit("cameras", cameras), visit("orbit_elevation_degrees", orbit_elevation_degrees);
    visit("input_elevation_degrees", input_elevation_degrees), visit("points", points), visit("uids", uids);
    visit("drawn_objects", drawn_objects), visit("seed", seed), visit("recolor", recolor);
    visit("objects_source", objects_source), visit("predictions", predictions), visit("alignment", alignment);
    visit("weights", weights), visit("consistency", consistency);
    visit("rows", rows), visit("beside", beside);
    visit("split", split), visit("test_scorings", test_scorings);
  }

  /// Folders of the models beside.
  std::vector<std::filesystem::path> other_models() const;
  /// What decides numbers, in one line without commas: "64 x 64 px; over white; longest side 1; alignment none; …cameras".
  std::string conditions() const;
  /// The conditions; which split this was, and how often the model, where there is one, has been scored on a test split.
  std::string test_note() const;
};

/// Whether the row "decoder on true latents" is there, which needs its note.
bool has_ceiling(const std::vector<MethodScores>& methods);

/// The columns of which some method has a number.
std::vector<ScoreColumn> shown_columns(const std::vector<MethodScores>& methods);

/// One row per method; means over objects, PSNR with its standard error; "–" where there is no number.
std::string markdown_table(const std::vector<MethodScores>& methods);

/// Every other method minus the first one, paired over objects: mean ± standard error [95 % bootstrap interval] of every score.
/// Empty for a single method. Says what the row of the true latents is a ceiling of, where there is one.
std::string difference_table(const std::vector<MethodScores>& methods);

/// One line per object that a method failed on, with the reason; empty without any.
std::string failure_list(const std::vector<MethodScores>& methods);

/// Whether some method has FID and KID.
bool has_sets(const std::vector<MethodScores>& methods);

/// FID and KID of each method's orbit views, a row each; empty without Inception's weights.
std::string set_table(const std::vector<MethodScores>& methods);

/// One line below the table: the autoencoder's means over objects with their standard errors. Empty without scores.
std::string autoencoder_line(const std::vector<AutoencoderScores>& autoencoder);

/// {settings, conditions, methods: [{name, description, orbit: {mean, standard_error}, random: {…}, geometry: {…}, views: {…},
/// difference: {to, orbit: {score: {objects, mean, standard_error, low, high}}, random: {…}}, objects: [{id, orbit, random,
/// geometry, views, seconds}], failures: [{id, reason}], set}], autoencoder: {psnr: {mean, standard_error}, foreground_psnr: {…},
/// objects: [{id, psnr, foreground_psnr}]}}. The first method has no difference. What is not a number is null; without scores of
/// the autoencoder it is missing.
Json evaluation_json(const EvaluationSettings& settings, const std::vector<MethodScores>& methods,
                     const std::vector<AutoencoderScores>& autoencoder = {});

/// Pictures of one object: a row of true views, then one per method; collected as evaluate() goes on and written to
/// folder/<id>.png (slashes become underscores).
class EvaluationSheets {
 public:
  explicit EvaluationSheets(std::filesystem::path folder) : folder_(std::move(folder)) {}
  /// Of an object's picture, without the folder.
  static std::string file_name(const std::string& id);
  /// To be given to evaluate(); `last_method` is the one after which an object's sheet is complete.
  void add(const EvaluationCase& object, const Method& method, const ViewSet& predicted, bool last_method);

 private:
  std::filesystem::path folder_;
  std::vector<std::pair<std::string, ViewSet>> rows_;  // of the object in work
};

}  // namespace gsv3d
