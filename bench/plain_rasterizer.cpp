#include "plain_rasterizer.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "rasterizer/math/projection.h"
#include "rasterizer/math/projection_gradient.h"

namespace gsv3d {
namespace {

using splat_cpu::kMaxAlpha;
using splat_cpu::kMinAlpha;
using splat_cpu::kMinTransmittance;
using splat_cpu::Splat;
using splat_cpu::SplatMoments;

/// The pixels whose centres lie in a splat's box. Its half sizes do not look at the opacity, as in OpenSplat; its 3 standard
/// deviations would cut off what our rules keep, so that it takes 3.33 to draw the same image.
struct Box {
  int x_begin, x_end, y_begin, y_end;
  Box(const Splat& s, const splat_cpu::Grid& grid) {
    const float determinant = s.a * s.c - s.b * s.b;
    const float extent_x = splat_cpu::kMaxExtentInDeviations * std::sqrt(s.c / determinant),
                extent_y = splat_cpu::kMaxExtentInDeviations * std::sqrt(s.a / determinant);
    x_begin = std::max(0, static_cast<int>(std::ceil(s.x - extent_x - 0.5f)));
    x_end = std::min(grid.width, static_cast<int>(std::floor(s.x + extent_x - 0.5f)) + 1);
    y_begin = std::max(0, static_cast<int>(std::ceil(s.y - extent_y - 0.5f)));
    y_end = std::min(grid.height, static_cast<int>(std::floor(s.y + extent_y - 0.5f)) + 1);
  }
};

}  // namespace

PlainRasterizer::PlainRasterizer(const splat_cpu::ProjectionParameters& in, const float* background)
    : in_(in), background_(background), gaussians_(in.scenes[0].gaussians()), views_(in.scenes[0].views()) {
  const auto pixels = static_cast<size_t>(in.grid.pixels());
  splats_.resize(gaussians_ * views_);
  moments_.resize(splats_.size());
  states_.resize(views_);
  images_.resize(views_);
  done_.resize(pixels);
  for (auto& state : states_) state.transmittance.resize(pixels), state.last.resize(pixels);
  for (auto& image : images_) image.rgb.resize(3 * pixels), image.alpha.resize(pixels), image.depth.resize(pixels);
}

const std::vector<PlainImages>& PlainRasterizer::forward() {
  project();
  for (int64_t view = 0; view < views_; ++view) render(view);
  return images_;
}

void PlainRasterizer::project() {
  const splat_math::DrawRules rules = {in_.grid, 0.01f, 1e10f, in_.antialiased};
  const auto& g = in_.gaussians;
  for (int64_t i = 0; i < gaussians_; ++i) {
    const auto shape = splat_math::shape_terms(g.quats + 4 * i, g.scales + 3 * i);
    const float* color = static_cast<const float*>(g.colors) + 3 * std::max(g.sh_count, 1) * i;
    for (int64_t view = 0; view < views_; ++view) {
      Splat& splat = splats_[view * gaussians_ + i];
      splat_math::ProjectionTerms terms;
      if (splat_math::project_one(rules, in_.views[view], g.means + 3 * i, shape.covariance, g.opacities[i], splat, terms))
        splat_math::splat_color(in_.views[view], g.means + 3 * i, color, g.sh_count, &splat.red);
      else
        splat = Splat{};
    }
  }
}

void PlainRasterizer::project_backward(const splat_cpu::ProjectionGradients& out) const {
  const auto& g = in_.gaussians;
  const int64_t color_floats = 3 * std::max(g.sh_count, 1);
  std::memset(out.colors, 0, sizeof(float) * color_floats * gaussians_);
  for (int64_t i = 0; i < gaussians_; ++i) {
    const auto shape = splat_math::shape_terms(g.quats + 4 * i, g.scales + 3 * i);
    const splat_math::GaussianInput gaussian = {g.means + 3 * i, static_cast<const float*>(g.colors) + color_floats * i,
                                                g.sh_count, g.opacities[i]};
    splat_math::GaussianGradient sum;
    for (int64_t view = 0; view < views_; ++view) {
      const auto& moments = moments_[view * gaussians_ + i];
      if (splat_math::is_zero(moments)) continue;
      splat_math::view_backward<double>(in_.grid, in_.antialiased, in_.views[view], gaussian, shape,
                                        splats_[view * gaussians_ + i], moments, out.colors + color_floats * i, sum, nullptr);
    }
    std::copy(sum.mean, sum.mean + 3, out.means + 3 * i);
    out.opacities[i] = sum.opacity;
    splat_math::covariance_backward(shape, g.scales + 3 * i, sum.covariance, out.scales + 3 * i, out.quats + 4 * i);
  }
}

void PlainRasterizer::render(int64_t view) {
  const Splat* splats = splats_.data() + view * gaussians_;
  auto& [order, transmittance, last] = states_[view];
  auto& image = images_[view];
  order.clear();
  for (int32_t i = 0; i < gaussians_; ++i)
    if (splats[i].extent_x > 0) order.push_back(i);
  std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) { return splats[a].depth < splats[b].depth; });

  const int width = in_.grid.width;
  const int64_t plane = in_.grid.pixels();
  std::fill(transmittance.begin(), transmittance.end(), 1.0f);
  std::fill(last.begin(), last.end(), 0);
  std::fill(done_.begin(), done_.end(), 0);
  std::fill(image.rgb.begin(), image.rgb.end(), 0.0f);
  std::fill(image.depth.begin(), image.depth.end(), 0.0f);
  for (size_t place = 0; place < order.size(); ++place) {
    const Splat& s = splats[order[place]];
    const Box box(s, in_.grid);
    for (int y = box.y_begin; y < box.y_end; ++y) {
      for (int x = box.x_begin; x < box.x_end; ++x) {
        const int64_t p = int64_t{y} * width + x;
        if (done_[p]) continue;
        const float dx = static_cast<float>(x) + 0.5f - s.x, dy = static_cast<float>(y) + 0.5f - s.y;
        const float sigma = 0.5f * (s.a * dx * dx + s.c * dy * dy) + s.b * dx * dy;
        if (sigma < 0) continue;
        const float alpha = std::min(kMaxAlpha, s.opacity * std::exp(-sigma));
        if (alpha < kMinAlpha) continue;
        const float left = transmittance[p], next = left * (1 - alpha);
        if (next <= kMinTransmittance) {
          done_[p] = 1;
          continue;
        }
        const float weight = alpha * left;
        image.rgb[p] += s.red * weight;
        image.rgb[plane + p] += s.green * weight;
        image.rgb[2 * plane + p] += s.blue * weight;
        image.depth[p] += s.depth * weight;
        transmittance[p] = next;
        last[p] = static_cast<int32_t>(place) + 1;
      }
    }
  }
  for (int64_t p = 0; p < plane; ++p) {
    for (int c = 0; c < 3; ++c) image.rgb[c * plane + p] += transmittance[p] * background_[c];
    image.alpha[p] = 1 - transmittance[p];
  }
}

void PlainRasterizer::backward(const std::vector<PlainImages>& v_images, const splat_cpu::ProjectionGradients& out) {
  std::fill(moments_.begin(), moments_.end(), SplatMoments{});
  for (int64_t view = 0; view < views_; ++view) render_backward(view, v_images[view]);
  project_backward(out);
}

void PlainRasterizer::render_backward(int64_t view, const PlainImages& v_image) {
  const Splat* splats = splats_.data() + view * gaussians_;
  SplatMoments* moments = moments_.data() + view * gaussians_;
  const auto& [order, final_transmittance, last] = states_[view];
  const int width = in_.grid.width;
  const int64_t plane = in_.grid.pixels();
  std::vector<float> transmittance = final_transmittance, behind(4 * plane, 0.0f);  // colour and depth behind, premultiplied
  for (size_t place = order.size(); place-- > 0;) {
    const Splat& s = splats[order[place]];
    SplatMoments& sum = moments[order[place]];
    const Box box(s, in_.grid);
    for (int y = box.y_begin; y < box.y_end; ++y) {
      for (int x = box.x_begin; x < box.x_end; ++x) {
        const int64_t p = int64_t{y} * width + x;
        if (static_cast<int32_t>(place) >= last[p]) continue;
        const float dx = static_cast<float>(x) + 0.5f - s.x, dy = static_cast<float>(y) + 0.5f - s.y;
        const float sigma = 0.5f * (s.a * dx * dx + s.c * dy * dy) + s.b * dx * dy;
        if (sigma < 0) continue;
        const float raw = s.opacity * std::exp(-sigma), alpha = std::min(kMaxAlpha, raw);
        if (alpha < kMinAlpha) continue;
        const float inverse = 1 / (1 - alpha), before = transmittance[p] *= inverse, weight = alpha * before;
        const float value[4] = {s.red, s.green, s.blue, s.depth};
        const float v[4] = {v_image.rgb[p], v_image.rgb[plane + p], v_image.rgb[2 * plane + p], v_image.depth[p]};
        float v_alpha = final_transmittance[p] * inverse * v_image.alpha[p];
        for (int c = 0; c < 3; ++c) v_alpha -= final_transmittance[p] * inverse * background_[c] * v[c];
        for (int c = 0; c < 4; ++c) {
          v_alpha += (value[c] * before - behind[c * plane + p] * inverse) * v[c];
          behind[c * plane + p] += value[c] * weight;
        }
        sum.red += weight * v[0], sum.green += weight * v[1], sum.blue += weight * v[2], sum.depth += weight * v[3];
        if (raw > kMaxAlpha) continue;
        const float v_sigma = -raw * v_alpha;
        sum.s += v_sigma, sum.sx += v_sigma * dx, sum.sy += v_sigma * dy;
        sum.sxx += v_sigma * dx * dx, sum.sxy += v_sigma * dx * dy, sum.syy += v_sigma * dy * dy;
      }
    }
  }
}

}  // namespace gsv3d
