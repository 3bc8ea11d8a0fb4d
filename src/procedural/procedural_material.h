// Colours and textures of procedural objects: palettes whose hues go together, small patterns that repeat without a seam.
#pragma once

#include "core/dice.h"
#include "objects/object.h"

namespace gsv3d {

using Color = std::array<float, 3>;  ///< sRGB 0-1

/// hue in turns (any number), saturation and value 0-1.
Color hsv(float hue, float saturation, float value);

/// The materials of one object; drawn once, so that its parts go together.
class MaterialKit {
 public:
  explicit MaterialKit(Dice& dice);

  /// Indices of materials: a main colour for large parts, another one, a bright one for small parts, and fixed kinds.
  uint32_t main() { return main_; }
  uint32_t second() { return second_; }
  uint32_t accent() { return accent_; }
  uint32_t any();
  uint32_t wood();
  uint32_t metal();
  uint32_t dark();
  uint32_t green();
  uint32_t plain(const Color& color);

  /// Tiles of the material's texture per world unit, a whole number.
  float repeats(uint32_t material) const { return repeats_[material]; }
  void give_to(Object& object) const;

 private:
  uint32_t patterned(const Color& color, const Color& other, float probability);

  Dice& dice_;
  std::vector<Material> materials_;
  std::vector<Image> textures_;
  std::vector<float> repeats_;
  std::vector<Color> palette_;
  uint32_t main_, second_, accent_;
};

}  // namespace gsv3d
