// The peer that bench_rasterizer compares with: the straightforward one-thread rasterizer that OpenSplat's CPU path is. Splats
// are sorted by depth once per view; each walks over the pixels of its box. No tiles, no vectors by hand, no threads.
#pragma once

#include <vector>

#include "rasterizer/cpu/projection.h"

namespace gsv3d {

/// One camera's images and the gradients of their pixels, planes of H·W floats. Reused from call to call.
struct PlainImages {
  std::vector<float> rgb, alpha, depth;  ///< 3, 1 and 1 planes
};

class PlainRasterizer {
 public:
  /// `in` describes one scene and its views. It projects one Gaussian at a time.
  PlainRasterizer(const splat_cpu::ProjectionParameters& in, const float* background);

  /// Renders every view: → one PlainImages per view.
  const std::vector<PlainImages>& forward();
  /// Gradients of all Gaussians, given those of every view's images.
  void backward(const std::vector<PlainImages>& v_images, const splat_cpu::ProjectionGradients& out);

 private:
  struct ViewState {
    std::vector<int32_t> order;        ///< visible splats, nearest first
    std::vector<float> transmittance;  ///< per pixel, behind the last splat
    std::vector<int32_t> last;         ///< per pixel, one past the place in `order` of the last splat that counted
  };
  void project();
  void project_backward(const splat_cpu::ProjectionGradients& out) const;
  void render(int64_t view);
  void render_backward(int64_t view, const PlainImages& v_images);

  splat_cpu::ProjectionParameters in_;
  const float* background_;
  int64_t gaussians_, views_;
  std::vector<splat_cpu::Splat> splats_;  ///< [views, gaussians]
  std::vector<ViewState> states_;
  std::vector<PlainImages> images_;
  std::vector<char> done_;
  std::vector<splat_cpu::SplatMoments> moments_;  ///< one per splat
};

}  // namespace gsv3d
