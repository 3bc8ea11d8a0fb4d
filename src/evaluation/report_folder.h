// The folder of an evaluation: what it is about, what has been scored so far, and the report at the end. Several processes may
// fill one folder, and a broken-off run goes on where it was: an object's part appears whole or not at all.
//   plan.json                     settings and objects; every process must agree with it
//   truth/00012-ID-000000.tar     views of objects that are rendered for this evaluation
//   parts/00012-ID.json           what was scored of one object (object_part.h), .safetensors beside it: features for FID and KID
//   report.html, scores.csv …     write_report(), when the last part is there
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "evaluation/html_report.h"
#include "evaluation/object_part.h"

namespace gsv3d {

/// What an evaluation is about: two runs with the same plan score the same.
struct ReportPlan {
  EvaluationSettings settings;
  std::string needs_weights;  ///< ReportContent::needs_weights
  std::string model_files;    ///< file_stamp() of the model folder
  std::vector<std::string> objects;
  template <class Visitor>
  void fields(Visitor& visit) {
    visit("settings", settings), visit("needs_weights", needs_weights), visit("model_files", model_files);
    visit("objects", objects);
  }
};

/// Tells whether files have changed: of name, size and time of modification of a file, or of a folder's config.json and
/// .safetensors files; empty for an empty path.
std::string file_stamp(const std::filesystem::path& path);

class ReportFolder {
 public:
  /// Writes plan.json, or compares with the one that is there. Throws Error, naming the first difference, when that is another
  /// evaluation: the device, and how often a model was scored on a test split, may differ.
  ReportFolder(std::filesystem::path folder, const ReportPlan& plan);
  /// An evaluation that was begun. Throws Error when there is none.
  explicit ReportFolder(std::filesystem::path folder);

  /// Removes what an evaluation leaves in a folder, and nothing else. Throws Error when something cannot be removed.
  static void clear(const std::filesystem::path& folder);

  const ReportPlan& plan() const { return plan_; }
  std::filesystem::path truth() const { return folder_ / "truth"; }
  std::filesystem::path sheets() const { return folder_ / "sheets"; }
  bool has_report() const;

  /// Whether the object at this place needs no more work: scored by every method, with this stamp of its prediction.
  bool is_scored(size_t place, const std::string& stamp) const;
  void save(size_t place, const ObjectPart& part, const std::string& stamp) const;

  /// How many objects have no part yet.
  int64_t missing() const;
  /// What the parts say together; objects without one are listed as failures of every method. Throws Error without any part, and
  /// for damaged ones.
  ReportContent merged() const;

 private:
  std::filesystem::path part_path(size_t place, const char* ending) const;
  ObjectPart read_part(size_t place) const;

  std::filesystem::path folder_;
  ReportPlan plan_;
};

}  // namespace gsv3d
