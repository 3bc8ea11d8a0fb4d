// The colours that have words, and objects painted in them.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "core/tensor.h"

namespace gsv3d {

struct NamedColor {
  std::string name;
  std::array<float, 3> rgb;  ///< 0-1, as pictures have it
  std::vector<std::string> synonyms = {};
};

/// Red, orange, yellow, green, blue, purple, pink, brown, black, white, grey, and "wooden", which is the colour of pale wood.
const std::vector<NamedColor>& named_colors();

/// Straight RGBA [B, 4, H, W] in 0-1, each object in one colour of `rgb` [B, 3]: its own light and dark parts, relative to its
/// mean brightness and softened, shade that colour. Alpha stays.
Tensor painted(const Tensor& rgba, const Tensor& rgb);

}  // namespace gsv3d
