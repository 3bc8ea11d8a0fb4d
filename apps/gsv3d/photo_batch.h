// Many photos, or texts, in one call: which are meant, and what became of each.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/config.h"

namespace gsv3d {

struct BatchPhoto {
  std::filesystem::path path;  ///< of a text its beginning, as messages show it
  std::string name;        ///< of its folder of results: the file's name without extension, numbered when two photos share one
  std::string error = {};  ///< why there is nothing to read, for a folder without pictures
  std::optional<std::string> text = {};  ///< words instead of a photo
};

/// The photos behind the arguments, in their order; a folder stands for the pictures in it (by their extension, not hidden, not
/// in folders below), sorted by name.
std::vector<BatchPhoto> photos_of(const std::vector<std::filesystem::path>& arguments);

/// Adds one for each text; a folder of results is named after the words: their ASCII letters and digits, the rest single dashes.
void add_texts(std::vector<BatchPhoto>& photos, const std::vector<std::string>& texts);

/// What became of the photos of one call.
class BatchReport {
 public:
  explicit BatchReport(size_t photos) : photos_(photos), start_(std::chrono::steady_clock::now()) {}
  void made(const BatchPhoto& photo, Json details);  ///< details: an object; its keys follow "input"
  void skipped(const BatchPhoto& photo, const std::string& why);
  void failed(const BatchPhoto& photo, const std::string& why);
  bool any_failed() const { return !failed_.empty(); }
  /// One step for one photo, whatever happens to it: an error fails this photo alone. What is wrong with the call itself, and
  /// Ctrl-C, end the whole.
  void attempt(const BatchPhoto& photo, const std::function<void()>& step);
  /// Skips a photo whose OUTPUT/NAME/result.json is there. → Whether it is.
  bool skip_existing(const BatchPhoto& photo, const std::filesystem::path& output);

  /// {"made": [...], "skipped": [...], "failed": [...], "not_begun": 0, "seconds": ...}
  Json json() const;
  /// "made 3, skipped 1, failed 2 of 6 photos in 31.2 s", and a line for each failure; nothing for a single photo.
  std::string summary() const;
  /// Prints the one or the other.
  void print(bool as_json, bool quiet) const;

 private:
  double seconds() const;

  size_t photos_;
  std::chrono::steady_clock::time_point start_;
  Json made_ = Json::array(), skipped_ = Json::array(), failed_ = Json::array();
};

}  // namespace gsv3d
