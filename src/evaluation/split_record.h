// Choosing and testing kept apart: which split was used, and how often a model has been scored on a test split.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace gsv3d {

/// Id → split by the table objects.csv beside the shards (gsv3d data render writes it), or by `dataset` itself when it is a .csv;
/// empty without a table.
std::map<std::string, std::string> read_splits(const std::filesystem::path& dataset);

/// The splits of the evaluated objects by that table, joined by "+" in alphabetical order; "unknown" where there is no table or
/// it names none of them.
std::string split_of(const std::filesystem::path& dataset, const std::vector<std::string>& ids);

/// True for "test" and what holds it.
bool is_test_split(const std::string& split);

/// One evaluation on a test split.
struct TestScoring {
  std::string dataset, version;
  int64_t objects = 0;
  template <class Visitor>
  void fields(Visitor& visit) {
    visit("dataset", dataset), visit("version", version), visit("objects", objects);
  }
};

/// Adds one to the record MODEL/scored_on_test.json and says so in the log → how often this model folder was scored on a test
/// split, this time included. Where the record cannot be written or read a warning says so; then the count is what the record
/// says, or 0 when it says nothing, plus one.
int64_t record_test_scoring(const std::filesystem::path& model_folder, const TestScoring& scoring);

/// How often the record says it was; 0 without a record. Throws Error when the record is damaged.
int64_t recorded_test_scorings(const std::filesystem::path& model_folder);

}  // namespace gsv3d
