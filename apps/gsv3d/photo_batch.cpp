#include "photo_batch.h"

#include <algorithm>
#include <cctype>
#include <set>

#include "core/error.h"
#include "core/standard_error.h"
#include "error_line.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;

bool is_picture_name(const fs::path& path) {
  static const std::set<std::string> known = {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".heic", ".heif", ".avif",
                                              ".tif", ".tiff", ".gif", ".bmp",  ".ppm", ".pgm",  ".pnm",  ".jxl",  ".jp2"};
  std::string extension = path.extension().string();
  for (char& letter : extension) letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  return known.count(extension) != 0 && !path.filename().string().starts_with(".");
}

std::vector<fs::path> pictures_in(const fs::path& folder) {
  std::vector<fs::path> pictures;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (is_picture_name(entry.path()) && !entry.is_directory(error)) pictures.push_back(entry.path());
  }
  std::sort(pictures.begin(), pictures.end());
  return pictures;
}

/// The name for a folder of results, numbered when it is taken; it is then.
std::string free_name(const std::string& stem, std::set<std::string>& taken) {
  std::string name = stem;
  for (int number = 2; !taken.insert(name).second; ++number) name = fmt::format("{}-{}", stem, number);
  return name;
}

std::string result_name(const fs::path& photo, std::set<std::string>& taken) {
  std::string stem = photo.stem().string();
  if (stem.empty() || stem == "." || stem == "..") stem = "object";
  return free_name(stem, taken);
}

/// A folder's name of the words: ASCII letters and digits, the rest as single dashes.
std::string folder_name(const std::string& text) {
  constexpr size_t longest = 48;
  std::string name;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (plain)
      name.push_back(c);
    else if (!name.empty() && name.back() != '-')
      name.push_back('-');
    if (name.size() == longest) break;
  }
  while (!name.empty() && name.back() == '-') name.pop_back();
  return name.empty() ? "text" : name;
}

/// As messages and reports show a text: not all of a long one.
std::string shown(const std::string& text) {
  constexpr size_t longest = 80;
  return text.size() <= longest ? text : fmt::format("{}...", text.substr(0, longest));
}

}  // namespace

std::vector<BatchPhoto> photos_of(const std::vector<fs::path>& arguments) {
  std::vector<BatchPhoto> photos;
  std::set<std::string> taken;
  for (const fs::path& argument : arguments) {
    std::error_code error;
    if (!fs::is_directory(argument, error)) {
      photos.push_back({argument, result_name(argument, taken), ""});
      continue;
    }
    const std::vector<fs::path> pictures = pictures_in(argument);
    for (const fs::path& picture : pictures) photos.push_back({picture, result_name(picture, taken), ""});
    if (pictures.empty()) photos.push_back({argument, "", "a folder without pictures (files named .jpg, .png, .heic, ...)"});
  }
  return photos;
}

void add_texts(std::vector<BatchPhoto>& photos, const std::vector<std::string>& texts) {
  std::set<std::string> taken;
  for (const BatchPhoto& photo : photos) taken.insert(photo.name);
  for (const std::string& text : texts) photos.push_back({shown(text), free_name(folder_name(text), taken), "", text});
}

void BatchReport::made(const BatchPhoto& photo, Json details) {
  Json entry = {{"input", photo.path.string()}};
  entry.update(details);
  made_.push_back(std::move(entry));
}

void BatchReport::skipped(const BatchPhoto& photo, const std::string& why) {
  skipped_.push_back({{"input", photo.path.string()}, {"why", why}});
}

void BatchReport::failed(const BatchPhoto& photo, const std::string& why) {
  failed_.push_back({{"input", photo.path.string()}, {"why", why}});
}

double BatchReport::seconds() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
}

Json BatchReport::json() const {
  const size_t begun = made_.size() + skipped_.size() + failed_.size();
  return {{"made", made_}, {"skipped", skipped_}, {"failed", failed_}, {"not_begun", photos_ - begun}, {"seconds", seconds()}};
}

std::string BatchReport::summary() const {
  if (photos_ < 2) return "";
  std::string text = fmt::format("made {}, skipped {}, failed {} of {} photos in {:.1f} s\n", made_.size(), skipped_.size(),
                                 failed_.size(), photos_, seconds());
  for (const Json& failure : failed_)
    text += fmt::format("  failed: {}: {}\n", one_line(failure["input"].get<std::string>()), failure["why"].get<std::string>());
  return text;
}

void BatchReport::attempt(const BatchPhoto& photo, const std::function<void()>& step) {
  try {
    require(photo.error.empty(), "{}", photo.error);
    step();
  } catch (const Cancelled&) {
    throw;
  } catch (const UsageError&) {
    throw;
  } catch (const std::exception& error) {
    // Messages about the photo's own file already begin with its path.
    const std::string line = error_line(error), path = one_line(photo.path.string());
    const bool named = line.find(path) != std::string::npos;
    print_error(fmt::format("gsv3d: {}{}\n", named ? "" : path + ": ", line));
    failed(photo, line);
  }
}

bool BatchReport::skip_existing(const BatchPhoto& photo, const fs::path& output) {
  const fs::path finished = output / photo.name / "result.json";
  if (!fs::exists(finished)) return false;
  skipped(photo, finished.string() + " is there");
  return true;
}

void BatchReport::print(bool as_json, bool quiet) const {
  if (as_json)
    fmt::print("{}\n", json_text(json(), 2));
  else if (!quiet)
    fmt::print("{}", summary());
  std::fflush(stdout);
}

}  // namespace gsv3d
