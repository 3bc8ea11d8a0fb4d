#include "dataset/lighting.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/error.h"
#include "image/texture_pyramid.h"
#include "objects/vector.h"

namespace gsv3d {
namespace {

constexpr float kPi = std::numbers::pi_v<float>;

/// Real spherical harmonics up to order 2.
std::array<float, 9> harmonics(const Vector& n) {
  return {0.282095F,
          0.488603F * n[1],
          0.488603F * n[2],
          0.488603F * n[0],
          1.092548F * n[0] * n[1],
          1.092548F * n[1] * n[2],
          0.315392F * (3 * n[2] * n[2] - 1),
          1.092548F * n[0] * n[2],
          0.546274F * (n[0] * n[0] - n[1] * n[1])};
}

}  // namespace

std::array<float, 3> Lighting::reflected(const Vector& normal, float openness) const {
  const auto basis = harmonics(normal);
  Vector light{};
  for (int i = 0; i < 9; ++i)
    for (int channel = 0; channel < 3; ++channel) light[channel] += ambient[i][channel] * basis[i];
  for (float& value : light) value = std::max(value, 0.0F) * openness;
  for (const auto& lamp : lamps) {
    const float facing = normal[0] * lamp.direction[0] + normal[1] * lamp.direction[1] + normal[2] * lamp.direction[2];
    for (int channel = 0; channel < 3; ++channel) light[channel] += lamp.strength[channel] * std::max(facing, 0.0F);
  }
  return light;
}

Lighting studio_lighting() {
  Lighting lighting;
  // Reflected = 0.58 + 0.13 · n_y from all around.
  for (int channel = 0; channel < 3; ++channel) {
    lighting.ambient[0][channel] = 0.58F / 0.282095F;
    lighting.ambient[1][channel] = 0.13F / 0.488603F;
  }
  lighting.lamps.push_back({unit({0.45F, 0.7F, 0.75F}), {0.3F, 0.3F, 0.3F}});
  lighting.lamps.push_back({unit({-0.7F, 0.3F, -0.6F}), {0.15F, 0.15F, 0.15F}});
  return lighting;
}

Lighting random_lighting(Dice& dice, double amount) {
  const auto share = static_cast<float>(amount);
  const auto around = [&](float usual, float low, float high) { return usual + share * (dice.number(low, high) - usual); };
  const float base = around(0.58F, 0.45F, 0.68F), tilt = around(0.13F, 0, 0.2F), key = around(0.3F, 0.1F, 0.45F),
              fill = around(0.15F, 0.02F, 0.2F);
  const float turn = dice.number(-kPi, kPi), rise = dice.number(0.2F, 1.4F);
  const Vector drawn{std::cos(rise) * std::sin(turn), std::sin(rise), std::cos(rise) * std::cos(turn)};
  const Vector usual = unit({0.45F, 0.7F, 0.75F});
  Vector toward{};
  for (int axis = 0; axis < 3; ++axis) toward[axis] = usual[axis] + share * (drawn[axis] - usual[axis]);
  toward = unit(toward);
  DirectionalLight main{toward, {}}, weak{unit({-0.7F, 0.3F, -0.6F}), {}};
  if (share > 0) weak.direction = unit({-toward[0], 0.3F, -toward[2]});
  // The light is linear in the normal wherever the same lamps shine, so the brightest normal of each such case is known.
  const auto sum = [&](float of_key, float of_fill) {
    return base +
           length({of_key * toward[0] + of_fill * weak.direction[0], tilt + of_key * toward[1] + of_fill * weak.direction[1],
                   of_key * toward[2] + of_fill * weak.direction[2]});
  };
  const float brightest = std::max({sum(key, 0), sum(0, fill), sum(key, fill), 1.0F});
  const float scale = around(1.0F, 0.85F, 1.0F) / brightest;
  const float warmth = share * dice.number(-0.05F, 0.05F);
  const Vector tint{scale * (1 + std::min(warmth, 0.0F)), scale * (1 - 0.3F * std::abs(warmth)),
                    scale * (1 - std::max(warmth, 0.0F))};
  Lighting lighting;
  for (int channel = 0; channel < 3; ++channel) {
    lighting.ambient[0][channel] = tint[channel] * base / 0.282095F;
    lighting.ambient[1][channel] = tint[channel] * tilt / 0.488603F;
    main.strength[channel] = tint[channel] * key;
    weak.strength[channel] = tint[channel] * fill;
  }
  lighting.lamps = {main, weak};
  return lighting;
}

Lighting environment_lighting(const Image& panorama) {
  require(panorama.width > 1 && panorama.height > 1, "an environment picture needs at least 2 x 2 pixels");
  constexpr double pi = std::numbers::pi;
  // The cosine lobe's share per order, divided by pi: radiance → what a white surface reflects.
  constexpr double kLobe[9] = {1, 2. / 3, 2. / 3, 2. / 3, 0.25, 0.25, 0.25, 0.25, 0.25};
  double sums[9][3] = {};
  for (int64_t y = 0; y < panorama.height; ++y) {
    const double polar = pi * (static_cast<double>(y) + 0.5) / static_cast<double>(panorama.height);
    const double solid_angle =
        std::sin(polar) * (pi / static_cast<double>(panorama.height)) * (2 * pi / static_cast<double>(panorama.width));
    for (int64_t x = 0; x < panorama.width; ++x) {
      const double azimuth = 2 * pi * ((static_cast<double>(x) + 0.5) / static_cast<double>(panorama.width) - 0.5);
      const auto basis = harmonics({static_cast<float>(std::sin(polar) * std::sin(azimuth)), static_cast<float>(std::cos(polar)),
                                    static_cast<float>(std::sin(polar) * std::cos(azimuth))});
      const uint8_t* pixel = panorama.at(x, y);
      for (int channel = 0; channel < 3; ++channel) {
        const double radiance = srgb_to_linear(static_cast<float>(pixel[channel]) / 255) * solid_angle;
        for (int i = 0; i < 9; ++i) sums[i][channel] += kLobe[i] * radiance * basis[i];
      }
    }
  }
  const double mean = (sums[0][0] + sums[0][1] + sums[0][2]) / 3 * 0.282095;
  require(mean > 1e-6, "an environment picture is black");
  Lighting lighting;
  for (int i = 0; i < 9; ++i)
    for (int channel = 0; channel < 3; ++channel)
      lighting.ambient[i][channel] = static_cast<float>(sums[i][channel] * 0.8 / mean);
  return lighting;
}

}  // namespace gsv3d
