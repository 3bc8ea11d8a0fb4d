#include "image/resize.h"

#include <numbers>

#include "core/error.h"

namespace gsv3d {
namespace {

constexpr int kPrecision = 22;  // fractional bits of the weights: Pillow's for 8-bit pictures
constexpr double kSupport = 3;

double sinc(double x) {
  return x == 0 ? 1 : std::sin(std::numbers::pi * x) / (std::numbers::pi * x);
}
double lanczos(double x) {
  return -kSupport <= x && x < kSupport ? sinc(x) * sinc(x / kSupport) : 0;
}

/// The source samples that one output sample is made of.
struct Taps {
  int64_t first = 0;
  std::vector<int32_t> weights;
};

std::vector<Taps> make_taps(int64_t in, int64_t out) {
  const double scale = static_cast<double>(in) / static_cast<double>(out), stretch = std::max(scale, 1.0);
  std::vector<Taps> all(out);
  for (int64_t o = 0; o < out; ++o) {
    const double centre = (static_cast<double>(o) + 0.5) * scale;
    const int64_t first = std::max<int64_t>(static_cast<int64_t>(centre - kSupport * stretch + 0.5), 0);
    const int64_t end = std::min<int64_t>(static_cast<int64_t>(centre + kSupport * stretch + 0.5), in);
    std::vector<double> weights(end - first);
    double sum = 0;
    for (int64_t i = first; i < end; ++i)
      sum += weights[i - first] = lanczos((static_cast<double>(i) - centre + 0.5) * (1 / stretch));
    all[o] = {first, std::vector<int32_t>(weights.size())};
    for (size_t i = 0; i < weights.size(); ++i) {
      const double fixed = (sum != 0 ? weights[i] / sum : weights[i]) * (1 << kPrecision);
      all[o].weights[i] = static_cast<int32_t>(fixed < 0 ? fixed - 0.5 : fixed + 0.5);
    }
  }
  return all;
}

uint8_t to_byte(int32_t sum) {
  return static_cast<uint8_t>(std::clamp(sum >> kPrecision, 0, 255));
}

std::vector<uint8_t> resize_rows(const std::vector<uint8_t>& in, int64_t in_width, int64_t out_width, int64_t height) {
  const auto taps = make_taps(in_width, out_width);
  std::vector<uint8_t> out(4 * out_width * height);
#pragma omp parallel for schedule(static)
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < out_width; ++x) {
      std::array<int32_t, 4> sum;
      sum.fill(1 << (kPrecision - 1));
      const uint8_t* source = in.data() + 4 * (y * in_width + taps[x].first);
      for (const int32_t weight : taps[x].weights) {
        for (int c = 0; c < 4; ++c) sum[c] += weight * source[c];
        source += 4;
      }
      for (int c = 0; c < 4; ++c) out[4 * (y * out_width + x) + c] = to_byte(sum[c]);
    }
  }
  return out;
}

std::vector<uint8_t> resize_columns(const std::vector<uint8_t>& in, int64_t width, int64_t in_height, int64_t out_height) {
  const auto taps = make_taps(in_height, out_height);
  const int64_t stride = 4 * width;
  std::vector<uint8_t> out(stride * out_height);
#pragma omp parallel for schedule(static)
  for (int64_t y = 0; y < out_height; ++y) {
    std::vector<int32_t> sum(stride, 1 << (kPrecision - 1));
    for (size_t t = 0; t < taps[y].weights.size(); ++t) {
      const uint8_t* source = in.data() + (taps[y].first + static_cast<int64_t>(t)) * stride;
      const int32_t weight = taps[y].weights[t];
      for (int64_t i = 0; i < stride; ++i) sum[i] += weight * source[i];
    }
    for (int64_t i = 0; i < stride; ++i) out[y * stride + i] = to_byte(sum[i]);
  }
  return out;
}

void premultiply(std::vector<uint8_t>& pixels) {
  for (size_t i = 0; i < pixels.size(); i += 4) {
    for (size_t c = 0; c < 3; ++c) {
      const unsigned product = unsigned{pixels[i + c]} * pixels[i + 3] + 128;
      pixels[i + c] = static_cast<uint8_t>(((product >> 8) + product) >> 8);
    }
  }
}

void unpremultiply(std::vector<uint8_t>& pixels) {
  for (size_t i = 0; i < pixels.size(); i += 4) {
    const unsigned alpha = pixels[i + 3];
    if (alpha == 0 || alpha == 255) continue;
    for (size_t c = 0; c < 3; ++c) pixels[i + c] = static_cast<uint8_t>(std::min(255u * pixels[i + c] / alpha, 255u));
  }
}

}  // namespace

Image resize_lanczos(const Image& image, int64_t width, int64_t height) {
  require(width > 0 && height > 0 && width <= kMaxPixels / height, "cannot resize a picture to {} x {} pixels", width, height);
  require(image.width > 0 && image.height > 0, "cannot resize an empty picture");
  if (width == image.width && height == image.height) return image;
  std::vector<uint8_t> pixels = image.pixels;
  premultiply(pixels);
  if (width != image.width) pixels = resize_rows(pixels, image.width, width, image.height);
  if (height != image.height) pixels = resize_columns(pixels, width, image.height, height);
  unpremultiply(pixels);
  Image result{width, height, std::move(pixels), false};
  result.has_alpha = image.has_alpha && has_transparency(result);
  return result;
}

}  // namespace gsv3d
