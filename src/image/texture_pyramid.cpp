#include "image/texture_pyramid.h"

#include <algorithm>
#include <cmath>

namespace gsv3d {

float srgb_to_linear(float value) {
  return value <= 0.04045F ? value / 12.92F : std::pow((value + 0.055F) / 1.055F, 2.4F);
}

float linear_to_srgb(float value) {
  return value <= 0.0031308F ? value * 12.92F : 1.055F * std::pow(value, 1 / 2.4F) - 0.055F;
}

TexturePyramid::TexturePyramid(const Image& image) : has_alpha_(image.has_alpha) {
  std::array<uint16_t, 256> linear;
  for (int i = 0; i < 256; ++i)
    linear[i] = static_cast<uint16_t>(std::lround(srgb_to_linear(static_cast<float>(i) / 255) * 65535));
  Level base{image.width, image.height, std::vector<uint16_t>(image.pixels.size())};
  for (size_t i = 0; i < image.pixels.size(); ++i)
    base.texels[i] = i % 4 == 3 ? static_cast<uint16_t>(image.pixels[i] * 257) : linear[image.pixels[i]];
  levels_.push_back(std::move(base));
  while (levels_.back().width > 1 || levels_.back().height > 1) {
    const Level& fine = levels_.back();
    Level coarse{std::max<int64_t>(1, fine.width / 2), std::max<int64_t>(1, fine.height / 2), {}};
    coarse.texels.resize(static_cast<size_t>(coarse.width * coarse.height * 4));
    for (int64_t y = 0; y < coarse.height; ++y)
      for (int64_t x = 0; x < coarse.width; ++x) {
        // Colours weigh by their alpha: what is cut out must not bleed in. The 1 decides where everything is cut out.
        uint64_t sum[3] = {0, 0, 0}, weight = 0, alpha = 0;
        for (int64_t j = 0; j < 2; ++j)
          for (int64_t i = 0; i < 2; ++i) {
            const int64_t column = std::min(2 * x + i, fine.width - 1), row = std::min(2 * y + j, fine.height - 1);
            const uint16_t* texel = &fine.texels[static_cast<size_t>((row * fine.width + column) * 4)];
            const uint64_t w = texel[3] + uint64_t{1};
            for (int k = 0; k < 3; ++k) sum[k] += w * texel[k];
            weight += w;
            alpha += texel[3];
          }
        uint16_t* out = &coarse.texels[static_cast<size_t>((y * coarse.width + x) * 4)];
        for (int k = 0; k < 3; ++k) out[k] = static_cast<uint16_t>(sum[k] / weight);
        out[3] = static_cast<uint16_t>(alpha / 4);
      }
    levels_.push_back(std::move(coarse));
  }
}

namespace {

/// The coordinate's place within the picture, 0-1.
float folded(float value, Wrap wrap) {
  if (wrap == Wrap::clamp) return std::clamp(value, 0.0F, 1.0F);
  if (wrap == Wrap::repeat) return value - std::floor(value);
  const float half = 0.5F * value, within = 2 * (half - std::floor(half));
  return within > 1 ? 2 - within : within;
}

/// The texel that stands for one just outside: the opposite edge's where the picture repeats, else the edge's own.
int64_t inside(int64_t i, int64_t n, Wrap wrap) {
  if (wrap == Wrap::repeat) return i < 0 ? i + n : i >= n ? i - n : i;
  return std::clamp<int64_t>(i, 0, n - 1);
}

}  // namespace

std::array<float, 4> TexturePyramid::Level::sample(float u, float v, const WrapModes& wrap) const {
  // Texel centres are at halves; v counts from the lower edge, rows from the upper.
  const float x = folded(u, wrap[0]) * static_cast<float>(width) - 0.5F,
              y = (1 - folded(v, wrap[1])) * static_cast<float>(height) - 0.5F;
  const float x_floor = std::floor(x), y_floor = std::floor(y);
  const float fx = x - x_floor, fy = y - y_floor;
  const auto column_of = static_cast<int64_t>(x_floor), row_of = static_cast<int64_t>(y_floor);
  const int64_t x0 = inside(column_of, width, wrap[0]), x1 = inside(column_of + 1, width, wrap[0]);
  const int64_t y0 = inside(row_of, height, wrap[1]), y1 = inside(row_of + 1, height, wrap[1]);
  const auto texel = [&](int64_t column, int64_t row) { return &texels[static_cast<size_t>((row * width + column) * 4)]; };
  const uint16_t *a = texel(x0, y0), *b = texel(x1, y0), *c = texel(x0, y1), *d = texel(x1, y1);
  std::array<float, 4> result;
  for (int k = 0; k < 4; ++k) {
    const float upper = static_cast<float>(a[k]) + fx * (static_cast<float>(b[k]) - static_cast<float>(a[k]));
    const float lower = static_cast<float>(c[k]) + fx * (static_cast<float>(d[k]) - static_cast<float>(c[k]));
    result[k] = (upper + fy * (lower - upper)) / 65535;
  }
  return result;
}

std::array<float, 4> TexturePyramid::texel(float u, float v, float level, const WrapModes& wrap) const {
  const float last = static_cast<float>(levels_.size() - 1);
  level = std::clamp(level, 0.0F, last);
  const auto fine = static_cast<size_t>(level);
  const float blend = level - static_cast<float>(fine);
  auto result = levels_[fine].sample(u, v, wrap);
  if (blend <= 0) return result;
  const auto coarse = levels_[fine + 1].sample(u, v, wrap);
  for (int k = 0; k < 4; ++k) result[k] += blend * (coarse[k] - result[k]);
  return result;
}

float TexturePyramid::alpha(float u, float v, const WrapModes& wrap) const {
  return levels_[0].sample(u, v, wrap)[3];
}

}  // namespace gsv3d
