#include "evaluation/split_record.h"

#include <set>

#include "core/config.h"
#include "core/csv.h"
#include "core/error.h"
#include "core/log.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;

struct Record {
  std::vector<TestScoring> scored;
  template <class Visitor>
  void fields(Visitor& visit) {
    visit("scored", scored);
  }
};

fs::path record_path(const fs::path& model_folder) {
  return model_folder / "scored_on_test.json";
}

Record read_record(const fs::path& model_folder) {
  const fs::path path = record_path(model_folder);
  return fs::exists(path) ? config_from_json<Record>(read_json_file(path), path.string()) : Record{};
}

}  // namespace

std::map<std::string, std::string> read_splits(const fs::path& dataset) {
  std::map<std::string, std::string> splits;
  if (dataset.string().starts_with("procedural:")) return splits;  // made by the program, in no folder
  const bool is_table = dataset.extension() == ".csv";
  const fs::path table = is_table ? dataset : (fs::is_directory(dataset) ? dataset : dataset.parent_path()) / "objects.csv";
  if (!fs::exists(table)) return splits;
  for (auto& row : read_csv(table))
    if (!row["split"].empty()) splits[row["id"]] = row["split"];
  return splits;
}

std::string split_of(const fs::path& dataset, const std::vector<std::string>& ids) {
  const std::map<std::string, std::string> known = read_splits(dataset);
  std::set<std::string> splits;
  for (const std::string& id : ids)
    if (const auto found = known.find(id); found != known.end()) splits.insert(found->second);
  std::string joined;
  for (const std::string& split : splits) joined += (joined.empty() ? "" : "+") + split;
  return joined.empty() ? "unknown" : joined;
}

bool is_test_split(const std::string& split) {
  return ("+" + split + "+").find("+test+") != std::string::npos;
}

int64_t recorded_test_scorings(const fs::path& model_folder) {
  return static_cast<int64_t>(read_record(model_folder).scored.size());
}

int64_t record_test_scoring(const fs::path& model_folder, const TestScoring& scoring) {
  Record record;
  try {
    record = read_record(model_folder);
    record.scored.push_back(scoring);
    write_json_file(record_path(model_folder), config_to_json(record));
    spdlog::info("{}: scored on a test split for the {}. time, noted there", record_path(model_folder).string(),
                 record.scored.size());
  } catch (const Error& error) {
    spdlog::warn("this use of a test split is not on record: {}", error.what());
    if (record.scored.empty()) return 1;
  }
  return static_cast<int64_t>(record.scored.size());
}

}  // namespace gsv3d
