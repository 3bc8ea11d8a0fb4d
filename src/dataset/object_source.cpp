#include "dataset/object_source.h"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <optional>

#include "core/atomic_file.h"
#include "core/csv.h"
#include "core/error.h"
#include "dataset/object_tree.h"
#include "objects/furniture_catalog.h"
#include "objects/object_pack.h"
#include "objects/object_reader.h"
#include "objects/text_lines.h"
#include "procedural/procedural_object.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;
using Row = std::map<std::string, std::string>;

std::string extension_of(const fs::path& path) {
  return lower_case(path.extension().string());
}

/// Archives are opened when the first of their objects is read, then shared.
class LazyZip {
 public:
  explicit LazyZip(fs::path path) : path_(std::move(path)) {}
  const FileSource& files() {
    const std::lock_guard lock(mutex_);
    if (!files_) files_ = open_zip(path_);
    return *files_;
  }

 private:
  fs::path path_;
  std::shared_ptr<FileSource> files_;
  std::mutex mutex_;
};

std::vector<fs::path> find_libraries(const fs::path& source) {
  std::vector<fs::path> libraries;
  if (fs::is_regular_file(source)) {
    if (extension_of(source) == ".sh3f") libraries.push_back(source);
  } else {
    for (const auto& entry : fs::directory_iterator(source))
      if (extension_of(entry.path()) == ".sh3f") libraries.push_back(entry.path());
  }
  std::sort(libraries.begin(), libraries.end());
  return libraries;
}

std::vector<ObjectEntry> list_catalogues(const std::vector<fs::path>& libraries) {
  std::vector<ObjectEntry> entries;
  for (const auto& library : libraries) {
    auto zip = std::make_shared<LazyZip>(library);
    const auto catalog = zip->files().read("PluginFurnitureCatalog.properties");
    require(catalog.has_value(), "{}: not a furniture library (no PluginFurnitureCatalog.properties)", library.string());
    for (const auto& item : parse_furniture_catalog(*catalog)) {
      const std::string model =
          resolve_name("", item.model.substr(std::min(item.model.size(), item.model.find_first_not_of('/'))));
      if (model.empty() || !is_object_file(model)) continue;
      const Matrix3 rotation = parse_matrix(item.model_rotation, library.string() + ": " + item.id);
      const std::string id = library.stem().string() + "/" + (item.id.empty() ? item.name : item.id);
      entries.push_back({id, id, "", item.name, item.creator, "", library.filename().string() + ":" + model,
                         [zip, model, rotation] { return load_object(zip->files(), model, rotation); }});
    }
  }
  return entries;
}

std::vector<ObjectEntry> list_split_rows(const std::vector<fs::path>& libraries, const std::vector<Row>& rows) {
  std::map<std::string, std::shared_ptr<LazyZip>> zips;
  for (const auto& library : libraries) zips[library.filename().string()] = std::make_shared<LazyZip>(library);
  std::vector<ObjectEntry> entries;
  for (const Row& row : rows) {
    const std::string file = fs::path(row.at("package_file")).filename().string();
    const auto zip = zips.find(file);
    if (zip == zips.end()) continue;
    const Matrix3 rotation = parse_matrix(row.at("model_rotation"), row.at("id"));
    entries.push_back({row.at("id"), row.at("group"), row.at("split"), row.at("name"), row.at("author"), row.at("licence"),
                       file + ":" + row.at("zip_path"), [zip = zip->second, model = row.at("zip_path"), rotation] {
                         return load_object(zip->files(), model, rotation);
                       }});
  }
  return entries;
}

/// Rows of the split file that are usable; a table for other sources needs no more than id and split.
std::vector<Row> usable_rows(const fs::path& split_file) {
  auto rows = read_csv(split_file);
  require(!rows.empty() && rows[0].count("id") && rows[0].count("split"), "{}: needs the columns id and split",
          split_file.string());
  std::erase_if(rows, [](const Row& row) { return row.count("usable") && row.at("usable") != "1"; });
  return rows;
}

void apply_split_table(std::vector<ObjectEntry>& entries, const std::vector<Row>& rows) {
  std::map<std::string, const Row*> by_id;
  for (const Row& row : rows) by_id[row.at("id")] = &row;
  std::erase_if(entries, [&](ObjectEntry& entry) {
    const auto found = by_id.find(entry.id);
    if (found == by_id.end()) return true;
    const Row& row = *found->second;
    entry.split = row.at("split");
    for (auto [column, field] : {std::pair{"group", &entry.group}, {"author", &entry.author}, {"licence", &entry.licence}})
      if (row.count(column) && !row.at(column).empty()) *field = row.at(column);
    return false;
  });
}

struct ProceduralSet {
  int64_t count = 0;
  uint64_t seed = 1;
};

/// "procedural:COUNT" or "procedural:COUNT:SEED"; nothing for other texts. Throws Error when the numbers are none.
std::optional<ProceduralSet> parse_procedural(std::string_view text) {
  constexpr std::string_view prefix = "procedural:";
  if (!text.starts_with(prefix)) return std::nullopt;
  const std::string whole(text);
  text.remove_prefix(prefix.size());
  ProceduralSet set;
  const size_t colon = text.find(':');
  bool good = parse_number(text.substr(0, colon), set.count) && set.count >= 1;
  if (colon != std::string_view::npos) good = good && parse_number(text.substr(colon + 1), set.seed);
  require(good, "{}: procedural objects are named procedural:COUNT or procedural:COUNT:SEED", whole);
  return set;
}

/// The entries of the split, at most as many as wanted.
std::vector<ObjectEntry> select(std::vector<ObjectEntry> entries, const fs::path& source, const ObjectSelection& selection) {
  if (!selection.split.empty()) std::erase_if(entries, [&](const ObjectEntry& entry) { return entry.split != selection.split; });
  require(!entries.empty(), "{}: no objects found{}", source.string(),
          selection.split.empty() ? "" : fmt::format(" in split \"{}\" (is a split file given?)", selection.split));
  if (selection.limit > 0 && selection.limit < static_cast<int64_t>(entries.size())) {
    std::vector<ObjectEntry> some;
    for (int64_t i = 0; i < selection.limit; ++i)
      some.push_back(entries[i * static_cast<int64_t>(entries.size()) / selection.limit]);
    entries = std::move(some);
  }
  return entries;
}

}  // namespace

Matrix3 parse_matrix(const std::string& text, const std::string& where) {
  Matrix3 matrix{1, 0, 0, 0, 1, 0, 0, 0, 1};
  std::string_view rest = trimmed(text);
  if (rest.empty()) return matrix;
  for (float& value : matrix)
    require(parse_number(take_word(rest), value) && std::isfinite(value), "{}: \"{}\" is not a 3 x 3 matrix", where, text);
  require(trimmed(rest).empty(), "{}: \"{}\" has more than nine numbers", where, text);
  return matrix;
}

std::vector<ObjectEntry> list_objects(const fs::path& source, const ObjectSelection& selection) {
  if (const auto made = parse_procedural(source.string()))
    return select(procedural_objects(made->count, made->seed, "train"), source, selection);
  require(fs::exists(source), "{}: no such file or folder", source.string());
  std::vector<Row> rows;
  if (!selection.split_file.empty()) rows = usable_rows(selection.split_file);
  const auto libraries = find_libraries(source);
  std::vector<ObjectEntry> entries;
  const bool rows_name_libraries =
      !rows.empty() && rows[0].count("package_file") && rows[0].count("zip_path") && rows[0].count("model_rotation");
  if (!libraries.empty() && rows_name_libraries) {
    entries = list_split_rows(libraries, rows);
  } else {
    entries = !libraries.empty()       ? list_catalogues(libraries)
              : is_object_pack(source) ? list_pack(source)
                                       : list_object_tree(source);
    if (!selection.split_file.empty()) apply_split_table(entries, rows);
  }
  return select(std::move(entries), source, selection);
}

void write_object_list(const fs::path& path, const std::vector<ObjectEntry>& entries) {
  std::string text = "id,split,group,name,author,licence,origin\n";
  for (const auto& entry : entries) {
    const char* separator = "";
    for (const std::string* field :
         {&entry.id, &entry.split, &entry.group, &entry.name, &entry.author, &entry.licence, &entry.origin}) {
      text += separator + csv_field(*field);
      separator = ",";
    }
    text += "\n";
  }
  write_file(path, text);
}

}  // namespace gsv3d
