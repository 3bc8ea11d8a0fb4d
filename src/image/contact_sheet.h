// Pictures side by side with captions: what a person looks at first.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "image/image.h"

namespace gsv3d {

struct SheetRow {
  std::string label;                  ///< shown above the row when not empty
  std::vector<Image> pictures;        ///< of any sizes
  std::vector<std::string> captions;  ///< below the pictures: empty, or one for each
};

struct SheetOptions {
  int64_t cell_size = 0;   ///< every picture is fitted into a square of this many pixels; 0: the largest picture's longer side
  int64_t margin = 8;      ///< pixels around every picture
  int64_t text_scale = 0;  ///< pixels per dot of the 5 × 7 letters; 0: by the cell size
  std::array<uint8_t, 3> background = {255, 255, 255};
  std::array<uint8_t, 3> text_colour = {60, 60, 60};
};

/// One opaque picture of all rows, left-aligned; transparent pictures are shown on the background. Throws Error when there is no
/// picture, a row has captions but not one for each picture, or the sheet would be larger than kMaxPixels.
Image contact_sheet(const std::vector<SheetRow>& rows, const SheetOptions& options = {});

}  // namespace gsv3d
