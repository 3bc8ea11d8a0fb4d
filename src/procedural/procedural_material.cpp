#include "procedural/procedural_material.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>

namespace gsv3d {
namespace {

constexpr int kSide = 64;  ///< pixels of a texture
constexpr float kPi = std::numbers::pi_v<float>;

Color mixed(const Color& a, const Color& b, float share) {
  return {a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1]), a[2] + share * (b[2] - a[2])};
}

Color brighter(const Color& color, float factor) {
  return {std::min(1.0F, color[0] * factor), std::min(1.0F, color[1] * factor), std::min(1.0F, color[2] * factor)};
}

Image painted(const std::function<Color(float, float)>& paint) {
  Image image = blank_image(kSide, kSide, 0, 0, 0);
  for (int y = 0; y < kSide; ++y)
    for (int x = 0; x < kSide; ++x) {
      const Color color = paint((static_cast<float>(x) + 0.5F) / kSide, (static_cast<float>(y) + 0.5F) / kSide);
      for (int k = 0; k < 3; ++k) image.at(x, y)[k] = static_cast<uint8_t>(std::lround(std::clamp(color[k], 0.0F, 1.0F) * 255));
    }
  return image;
}

/// Smooth noise in 0-1 that repeats after 1 in both directions.
class Noise {
 public:
  explicit Noise(Dice& dice) : seed_(dice.bits()) {}
  float operator()(float x, float y, int cells_x, int cells_y) const {
    const float u = x * static_cast<float>(cells_x), v = y * static_cast<float>(cells_y);
    const int i = static_cast<int>(std::floor(u)), j = static_cast<int>(std::floor(v));
    const auto smooth = [](float t) { return t * t * (3 - 2 * t); };
    const float fu = smooth(u - std::floor(u)), fv = smooth(v - std::floor(v));
    const auto lattice = [&](int a, int b) {
      const auto wrapped = [](int value, int period) { return ((value % period) + period) % period; };
      Dice dice(seed_ ^ static_cast<uint64_t>(wrapped(a, cells_x) * 7919 + wrapped(b, cells_y) * 104729 + cells_x));
      return dice.number(0, 1);
    };
    const float upper = lattice(i, j) + fu * (lattice(i + 1, j) - lattice(i, j)),
                lower = lattice(i, j + 1) + fu * (lattice(i + 1, j + 1) - lattice(i, j + 1));
    return upper + fv * (lower - upper);
  }
  float clouds(float x, float y, int cells) const {
    return (4 * (*this)(x, y, cells, cells) + 2 * (*this)(x, y, 2 * cells, 2 * cells) + (*this)(x, y, 4 * cells, 4 * cells)) / 7;
  }

 private:
  uint64_t seed_;
};

Image wood_texture(Dice& dice, const Color& light, const Color& dark) {
  const Noise noise(dice);
  const float rings = static_cast<float>(dice.whole(3, 7)), waves = dice.number(0.5F, 1.5F);
  return painted([&](float x, float y) {
    const float grain = 0.5F + 0.5F * std::sin(2 * kPi * (rings * x + waves * noise(x, y, 2, 3)));
    return mixed(light, dark, 0.7F * grain + 0.3F * noise(x, y, 32, 4));
  });
}

Image bricks(Dice& dice, const Color& stone, const Color& joint) {
  const Noise noise(dice);
  const int rows = 2 * dice.whole(1, 3);
  return painted([&](float x, float y) {
    const float v = y * static_cast<float>(rows), row = std::floor(v);
    const float u = x * static_cast<float>(rows) / 2 + (std::fmod(row, 2.0F) >= 1 ? 0.5F : 0.0F);
    const float in_x = u - std::floor(u), in_y = v - row;
    const bool gap = in_x < 0.06F || in_y < 0.12F;
    return gap ? joint : brighter(stone, 0.8F + 0.35F * noise(std::floor(u) / 8 + 0.05F, row / 8 + 0.05F, 64, 64));
  });
}

Image stripes(Dice& dice, const Color& a, const Color& b) {
  const int along_x = dice.whole(0, 3), along_y = along_x == 0 ? dice.whole(1, 4) : dice.whole(0, 1) * dice.whole(0, 3);
  const float share = dice.number(0.25F, 0.6F);
  return painted([&](float x, float y) {
    const float phase = x * static_cast<float>(along_x) + y * static_cast<float>(along_y);
    return phase - std::floor(phase) < share ? b : a;
  });
}

Image dots(Dice& dice, const Color& a, const Color& b) {
  const int count = dice.whole(1, 4);
  const float radius = dice.number(0.2F, 0.4F);
  return painted([&](float x, float y) {
    const float u = x * static_cast<float>(count), v = y * static_cast<float>(count);
    const float shift = std::fmod(std::floor(v), 2.0F) >= 1 && count % 2 == 0 ? 0.5F : 0.0F;
    return std::hypot(u + shift - std::floor(u + shift) - 0.5F, v - std::floor(v) - 0.5F) < radius ? b : a;
  });
}

Image pattern(Dice& dice, const Color& a, const Color& b) {
  switch (dice.whole(0, 7)) {
    case 0: {  // checks
      const int count = 2 * dice.whole(1, 3);
      return painted([&](float x, float y) {
        const int cell = static_cast<int>(x * static_cast<float>(count)) + static_cast<int>(y * static_cast<float>(count));
        return cell % 2 == 0 ? a : b;
      });
    }
    case 1:
    case 2:
      return stripes(dice, a, b);
    case 3:
      return dots(dice, a, b);
    case 4: {  // clouds, marble, spots of camouflage
      const Noise noise(dice);
      const int cells = dice.whole(2, 6);
      const float hardness = dice.chance(0.4F) ? 12.0F : 1.6F;
      return painted([&](float x, float y) {
        return mixed(a, b, std::clamp(0.5F + hardness * (noise.clouds(x, y, cells) - 0.5F), 0.0F, 1.0F));
      });
    }
    case 5:
      return bricks(dice, a, mixed(b, {0.8F, 0.8F, 0.8F}, 0.5F));
    case 6: {  // a gradient there and back
      return painted([&](float, float y) { return mixed(a, b, 0.5F - 0.5F * std::cos(2 * kPi * y)); });
    }
    default: {  // plaid
      const int count = dice.whole(1, 3);
      const float share = dice.number(0.2F, 0.5F);
      return painted([&](float x, float y) {
        const auto band = [&](float t) {
          return t * static_cast<float>(count) - std::floor(t * static_cast<float>(count)) < share;
        };
        return mixed(a, b, (band(x) ? 0.5F : 0.0F) + (band(y) ? 0.5F : 0.0F));
      });
    }
  }
}

/// A colour of the palette's mood around a hue.
Color colour_of_mood(Dice& dice, int mood, float hue) {
  hue += dice.number(-0.03F, 0.03F);
  switch (mood) {
    case 0:
    case 1:
    case 2:  // vivid
      return hsv(hue, dice.number(0.6F, 1), dice.number(0.6F, 1));
    case 3:  // pastel
      return hsv(hue, dice.number(0.15F, 0.45F), dice.number(0.8F, 1));
    case 4:  // muted
      return hsv(hue, dice.number(0.15F, 0.5F), dice.number(0.3F, 0.75F));
    case 5:  // dark
      return hsv(hue, dice.number(0.2F, 0.8F), dice.number(0.1F, 0.4F));
    default:  // grey, white, black
      return hsv(hue, dice.number(0, 0.1F), dice.number(0.1F, 0.97F));
  }
}

}  // namespace

Color hsv(float hue, float saturation, float value) {
  const float sixth = (hue - std::floor(hue)) * 6;
  Color color;
  for (int k = 0; k < 3; ++k) {
    const float position = std::fmod(sixth + static_cast<float>(k == 0 ? 5 : k == 1 ? 3 : 1), 6.0F);
    color[k] = value - value * saturation * std::clamp(std::min(position, 4 - position), 0.0F, 1.0F);
  }
  return color;
}

MaterialKit::MaterialKit(Dice& dice) : dice_(dice) {
  const float hue = dice.number(0, 1);
  constexpr std::array<float, 6> distances{0.0F, 0.08F, 0.33F, 0.42F, 0.5F, 0.17F};
  const float distance = dice.one_of(distances);
  const int mood = dice.whole(0, 6);
  for (int i = 0; i < 4; ++i)
    palette_.push_back(colour_of_mood(dice, dice.chance(0.3F) ? dice.whole(0, 6) : mood, hue + static_cast<float>(i) * distance));
  palette_.push_back(hsv(hue + 0.5F + dice.number(-0.1F, 0.1F), dice.number(0.65F, 1), dice.number(0.7F, 1)));
  main_ = dice.chance(0.15F) ? wood() : patterned(palette_[0], palette_[1], 0.45F);
  second_ = dice.chance(0.1F) ? metal() : patterned(palette_[1], palette_[2], 0.3F);
  accent_ = patterned(palette_[4], palette_[3], 0.15F);
}

uint32_t MaterialKit::plain(const Color& color) {
  materials_.push_back({color, 1, -1});
  repeats_.push_back(1);
  return static_cast<uint32_t>(materials_.size() - 1);
}

uint32_t MaterialKit::patterned(const Color& color, const Color& other, float probability) {
  if (!dice_.chance(probability)) return plain(color);
  Color contrast = other;
  const auto difference = [&] {
    return std::abs(color[0] - contrast[0]) + std::abs(color[1] - contrast[1]) + std::abs(color[2] - contrast[2]);
  };
  if (difference() < 0.35F) contrast = color[1] > 0.5F ? brighter(color, 0.5F) : mixed(color, {1, 1, 1}, 0.5F);
  const uint32_t index = plain({1, 1, 1});
  materials_[index].texture = static_cast<int32_t>(textures_.size());
  textures_.push_back(pattern(dice_, color, contrast));
  repeats_[index] = static_cast<float>(dice_.whole(1, 4));
  return index;
}

uint32_t MaterialKit::any() {
  switch (dice_.whole(0, 4)) {
    case 0:
      return main_;
    case 1:
      return second_;
    case 2:
      return accent_;
    default:
      return patterned(dice_.one_of(palette_), dice_.one_of(palette_), 0.3F);
  }
}

uint32_t MaterialKit::wood() {
  const Color light = hsv(dice_.number(0.04F, 0.11F), dice_.number(0.3F, 0.65F), dice_.number(0.4F, 0.9F));
  const uint32_t index = plain({1, 1, 1});
  materials_[index].texture = static_cast<int32_t>(textures_.size());
  textures_.push_back(wood_texture(dice_, light, brighter(light, dice_.number(0.55F, 0.8F))));
  repeats_[index] = static_cast<float>(dice_.whole(1, 3));
  return index;
}

uint32_t MaterialKit::metal() {
  return plain(hsv(dice_.chance(0.25F) ? 0.12F : 0.6F, dice_.chance(0.25F) ? 0.5F : 0.06F, dice_.number(0.45F, 0.85F)));
}

uint32_t MaterialKit::dark() {
  return plain(hsv(dice_.number(0, 1), dice_.number(0, 0.3F), dice_.number(0.06F, 0.25F)));
}

uint32_t MaterialKit::green() {
  // Leaves have no checks.
  const float hue = dice_.chance(0.8F) ? dice_.number(0.2F, 0.4F) : dice_.number(-0.03F, 0.14F);  // or autumn
  const Color leaf = hsv(hue, dice_.number(0.45F, 0.9F), dice_.number(0.3F, 0.75F)),
              other = hsv(hue + 0.04F, dice_.number(0.4F, 0.9F), dice_.number(0.3F, 0.9F));
  const uint32_t index = plain(leaf);
  if (dice_.chance(0.5F)) {
    const Noise noise(dice_);
    materials_[index] = {{1, 1, 1}, 1, static_cast<int32_t>(textures_.size())};
    textures_.push_back(painted([&](float x, float y) { return mixed(leaf, other, noise.clouds(x, y, 6)); }));
    repeats_[index] = static_cast<float>(dice_.whole(1, 4));
  }
  return index;
}

void MaterialKit::give_to(Object& object) const {
  object.materials = materials_;
  object.textures = textures_;
}

}  // namespace gsv3d
