#include "pipeline/photo_palette.h"

#include <algorithm>

namespace gsv3d {
namespace {

constexpr double solid = 0.9;  ///< alpha of pixels that show nothing but the object

struct Palette {
  Tensor colors;   ///< [P, 3]
  Tensor heights;  ///< [P] world y
};

/// World y of the points where the rays of all pixels meet the plane through the origin that faces the camera: [H, W].
Tensor pixel_heights(const Cameras& camera) {
  const Rays rays = camera_rays(camera, camera.height, camera.width);
  const Tensor forward = camera.world_to_camera.select(0, 0).select(0, 2).slice(0, 0, 3);
  const Tensor to_plane = -rays.origins[0].dot(forward) / (rays.directions[0] * forward.view({3, 1, 1})).sum(0);
  return rays.origins[0][1] + to_plane * rays.directions[0][1];
}

/// Every n-th solid pixel, so that no more than `most` are left.
Palette palette_of(const std::vector<PosedPhoto>& photos, int64_t most) {
  std::vector<Tensor> colors, heights;
  for (const auto& [rgba, camera] : photos) {
    const Tensor shown = rgba[3].gt(solid);
    colors.push_back(rgba.slice(0, 0, 3).permute({1, 2, 0}).index({shown}));
    heights.push_back(pixel_heights(camera).index({shown}));
  }
  const Palette all = {at::cat(colors), at::cat(heights)};
  const int64_t stride = std::max<int64_t>(1, (all.colors.size(0) + most - 1) / most);
  const Tensor which = at::arange(0, all.colors.size(0), stride, at::kLong);
  return {all.colors.index_select(0, which), all.heights.index_select(0, which)};
}

}  // namespace

Gaussians with_photo_palette(Gaussians gaussians, const std::vector<PosedPhoto>& photos, const PhotoPaletteOptions& options) {
  const Palette palette = palette_of(photos, options.max_colors);
  if (palette.colors.size(0) == 0 || gaussians.count() == 0) return gaussians;
  // A distance counts in standard deviations: colours and height are coordinates of one space.
  const auto place = [&](const Tensor& colors, const Tensor& heights) {
    return at::cat({colors / options.color_spread, heights.unsqueeze(1) / options.height_spread}, 1);
  };
  const Tensor known = place(palette.colors, palette.heights), base = sh_to_rgb(gaussians.sh);
  std::vector<Tensor> changed;
  for (const Tensor& some : place(base, gaussians.means.select(1, 1)).split(4096))
    changed.push_back(at::matmul(at::softmax(at::cdist(some, known).square() * -0.5, 1), palette.colors));
  gaussians.sh = at::cat({rgb_to_sh(at::cat(changed)), gaussians.sh.slice(1, 1)}, 1);
  return gaussians;
}

}  // namespace gsv3d
