// Texture lookup for the renderer: bilinear, continued beyond its edges as the material says, with a pyramid of smaller copies
// against aliasing.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "image/image.h"

namespace gsv3d {

/// How a texture goes on beyond its edges.
enum class Wrap : uint8_t { repeat, clamp, mirror };
using WrapModes = std::array<Wrap, 2>;  ///< along u and v
inline constexpr WrapModes kRepeat{Wrap::repeat, Wrap::repeat};

class TexturePyramid {
 public:
  explicit TexturePyramid(const Image& image);

  /// Linear-light RGB and alpha at texture coordinates (u right, v up), where one sample covers about 2^level texels of the
  /// picture across; between two levels the colours are blended.
  std::array<float, 4> texel(float u, float v, float level, const WrapModes& wrap = kRepeat) const;

  /// Alpha 0-1 at full resolution: cut-outs keep their coverage only when the test runs before the averaging.
  float alpha(float u, float v, const WrapModes& wrap = kRepeat) const;

  bool has_alpha() const { return has_alpha_; }
  int64_t width() const { return levels_[0].width; }
  int64_t height() const { return levels_[0].height; }

 private:
  struct Level {
    int64_t width, height;
    std::vector<uint16_t> texels;  ///< RGB linear light and alpha, 0-65535
    std::array<float, 4> sample(float u, float v, const WrapModes& wrap) const;
  };
  std::vector<Level> levels_;
  bool has_alpha_ = false;
};

/// sRGB's transfer curve (IEC 61966-2-1), values 0-1.
float srgb_to_linear(float value);
float linear_to_srgb(float value);

}  // namespace gsv3d
