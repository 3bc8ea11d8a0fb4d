#include "image/contact_sheet.h"

#include "core/error.h"
#include "image/bitmap_font.h"
#include "image/resize.h"

namespace gsv3d {
namespace {

struct Layout {
  int64_t cell, margin, scale, line;  ///< line: height of a line of text with the gap below it
};

Layout make_layout(const std::vector<SheetRow>& rows, const SheetOptions& options) {
  int64_t largest = 0;
  for (const SheetRow& row : rows) {
    require(row.captions.empty() || row.captions.size() == row.pictures.size(),
            "contact sheet: row \"{}\" has {} pictures and {} captions", row.label, row.pictures.size(), row.captions.size());
    for (const Image& picture : row.pictures) largest = std::max({largest, picture.width, picture.height});
  }
  require(largest > 0, "contact sheet: there is no picture");
  Layout layout{options.cell_size > 0 ? options.cell_size : largest, std::max<int64_t>(options.margin, 0), options.text_scale, 0};
  if (layout.scale <= 0) layout.scale = std::clamp<int64_t>(layout.cell / 96, 1, 8);
  layout.line = layout.scale * (kGlyphHeight + 3);
  return layout;
}

/// The picture scaled to fit the cell: down with Lanczos; up by whole steps, so that small renders keep their true pixels.
Image fit(const Image& picture, int64_t cell) {
  const int64_t longer = std::max(picture.width, picture.height);
  if (longer == cell) return picture;
  if (longer > cell) {
    return resize_lanczos(picture, std::max<int64_t>(picture.width * cell / longer, 1),
                          std::max<int64_t>(picture.height * cell / longer, 1));
  }
  const int64_t factor = cell / longer;
  if (factor == 1) return picture;
  Image larger{picture.width * factor, picture.height * factor, {}, picture.has_alpha};
  larger.pixels.resize(4 * larger.width * larger.height);
  for (int64_t y = 0; y < larger.height; ++y) {
    for (int64_t x = 0; x < larger.width; ++x) std::copy_n(picture.at(x / factor, y / factor), 4, larger.at(x, y));
  }
  return larger;
}

std::vector<Image> fit_all(const std::vector<Image>& pictures, int64_t cell) {
  std::vector<Image> fitted;
  for (const Image& picture : pictures) fitted.push_back(fit(picture, cell));
  return fitted;
}

/// Pictures of a row are centred in a strip as high as the highest of them.
int64_t strip_height(const std::vector<Image>& fitted) {
  int64_t height = 0;
  for (const Image& picture : fitted) height = std::max(height, picture.height);
  return height;
}

int64_t row_height(const SheetRow& row, const Layout& layout) {
  const int64_t lines = (row.label.empty() ? 0 : 1) + (row.captions.empty() ? 0 : 1);
  return strip_height(row.pictures) + layout.margin + lines * layout.line;
}

void paste(Image& sheet, const Image& picture, int64_t left, int64_t top) {
  for (int64_t y = 0; y < picture.height; ++y) {
    for (int64_t x = 0; x < picture.width; ++x) {
      const uint8_t* source = picture.at(x, y);
      uint8_t* target = sheet.at(left + x, top + y);
      const int alpha = source[3];
      for (int c = 0; c < 3; ++c) target[c] = static_cast<uint8_t>((source[c] * alpha + target[c] * (255 - alpha) + 127) / 255);
    }
  }
}

void draw_row(Image& sheet, const SheetRow& row, int64_t top, const Layout& layout, const SheetOptions& options) {
  if (!row.label.empty()) {
    draw_text(sheet, layout.margin, top, row.label, layout.scale, options.text_colour);
    top += layout.line;
  }
  const int64_t strip = strip_height(row.pictures);
  int64_t left = layout.margin;
  for (size_t i = 0; i < row.pictures.size(); ++i) {
    const Image& picture = row.pictures[i];
    paste(sheet, picture, left + (layout.cell - picture.width) / 2, top + (strip - picture.height) / 2);
    if (!row.captions.empty()) {
      // A caption that is too wide would run into its neighbour: it loses its end.
      const auto fitting = static_cast<size_t>((layout.cell + layout.margin) / (layout.scale * kGlyphAdvance));
      const auto caption = std::string_view(row.captions[i]).substr(0, fitting);
      const int64_t indent = std::max<int64_t>(layout.cell - text_width(caption, layout.scale), 0) / 2;
      draw_text(sheet, left + indent, top + strip + layout.scale * 2, caption, layout.scale, options.text_colour);
    }
    left += layout.cell + layout.margin;
  }
}

}  // namespace

Image contact_sheet(const std::vector<SheetRow>& given, const SheetOptions& options) {
  const Layout layout = make_layout(given, options);
  std::vector<SheetRow> rows = given;
  for (SheetRow& row : rows) row.pictures = fit_all(row.pictures, layout.cell);
  int64_t width = 0, height = layout.margin;
  for (const SheetRow& row : rows) {
    const auto pictures = static_cast<int64_t>(row.pictures.size());
    width = std::max({width, layout.margin + pictures * (layout.cell + layout.margin),
                      text_width(row.label, layout.scale) + 2 * layout.margin});
    height += row_height(row, layout);
  }
  require(width <= kMaxPixels / height, "contact sheet: {} x {} pixels is too large", width, height);
  const auto [red, green, blue] = options.background;
  Image sheet = blank_image(width, height, red, green, blue);
  int64_t top = layout.margin;
  for (const SheetRow& row : rows) {
    draw_row(sheet, row, top, layout, options);
    top += row_height(row, layout);
  }
  return sheet;
}

}  // namespace gsv3d
