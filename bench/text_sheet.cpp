// One picture of what `gsv3d text` made, as docs/text.md shows it (scripts/text_gallery.sh):
//   text_sheet pictures OUTPUT.png FOLDER...     the pictures, four in a row, their words below
//   text_sheet objects OUTPUT.png FOLDER...      a row for each: picture, then the object from four sides
#include <fmt/core.h>

#include <algorithm>
#include <string>
#include <vector>

#include "core/config.h"
#include "core/error.h"
#include "gaussian_files/gaussian_file.h"
#include "image/contact_sheet.h"
#include "image/framing.h"
#include "image/image.h"
#include "image/load_image.h"
#include "rasterizer/orbit_render.h"

namespace {

using namespace gsv3d;
namespace fs = std::filesystem;

bool was_made(const fs::path& folder) {
  return fs::exists(folder / "result.json");
}

std::string words_of(const fs::path& folder) {
  if (was_made(folder)) return read_json_file(folder / "result.json").at("text").at("text").get<std::string>();
  std::string words = folder.filename().string();
  std::replace(words.begin(), words.end(), '-', ' ');
  return words + ": nothing";
}

Image picture_of(const fs::path& folder) {
  return was_made(folder) ? composite_on_white(load_image(folder / "picture.png")) : blank_image(64, 64, 255, 255, 255);
}

std::vector<SheetRow> picture_rows(const std::vector<fs::path>& folders) {
  constexpr size_t in_a_row = 4;
  std::vector<SheetRow> rows;
  for (size_t i = 0; i < folders.size(); ++i) {
    if (i % in_a_row == 0) rows.emplace_back();
    rows.back().pictures.push_back(picture_of(folders[i]));
    rows.back().captions.push_back(words_of(folders[i]));
  }
  return rows;
}

std::vector<SheetRow> object_rows(const std::vector<fs::path>& folders, int64_t size) {
  std::vector<SheetRow> rows;
  for (const fs::path& folder : folders) {
    SheetRow& row = rows.emplace_back(words_of(folder), std::vector<Image>{picture_of(folder)}, std::vector<std::string>());
    if (!fs::exists(folder / "object.ply")) continue;
    OrbitOptions options;
    options.frames = 4, options.elevation_degrees = 10, options.size = size, options.supersampling = 2;
    for (const Tensor& view : render_orbit(read_gaussians(folder / "object.ply").gaussians, options).rgb.unbind())
      row.pictures.push_back(to_image(view));
  }
  return rows;
}

void run(const std::string& what, const fs::path& output, const std::vector<fs::path>& folders) {
  SheetOptions options;
  options.text_scale = 1;
  if (what == "objects") {
    options.cell_size = 88, options.margin = 2;
    save_png(output, contact_sheet(object_rows(folders, options.cell_size), options));
  } else {
    options.cell_size = 128;
    save_png(output, contact_sheet(picture_rows(folders), options));
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  if (argc < 4 || (what != "pictures" && what != "objects")) {
    fmt::print(stderr, "use: text_sheet pictures|objects OUTPUT.png FOLDER...\n");
    return 2;
  }
  try {
    run(what, argv[2], {argv + 3, argv + argc});
  } catch (const std::exception& error) {
    fmt::print(stderr, "text_sheet: {}\n", error.what());
    return 1;
  }
}
