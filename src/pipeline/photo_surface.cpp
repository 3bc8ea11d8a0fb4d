#include "pipeline/photo_surface.h"

#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/error.h"
#include "gaussians/rotations.h"
#include "image/window_mean.h"
#include "rasterizer/rasterizer.h"

namespace gsv3d {
namespace {

constexpr double solid = 0.5;    ///< alpha from which a pixel is shown
constexpr double settled = 0.9;  ///< alpha of the object from which its depth is that of a surface
constexpr double opacity = 0.95;
constexpr double width = 0.55,
                 thickness = 0.15;              ///< standard deviations in pixels' footprints: neighbours just close the surface
constexpr double least_facing = 0.3;            ///< cosine below which a pixel is a border's: the object's own Gaussians stay
constexpr double reach = 1;                     ///< of a Gaussian from its middle, in standard deviations
constexpr double smoothing_share = 0.02;        ///< of the picture's side: the reach of the depths' smoothing
constexpr double same_surface = 0.04;           ///< depths that differ by more, in world units, hardly smooth each other
constexpr double grazing = 0.3, frontal = 0.5;  ///< cosines between which the photo's colours take over from the object's
constexpr double rim_share = 0.01;  ///< of the picture's side: unsettled pixels so near to settled ones are the outline's
constexpr double largest_correction = 0.15;  ///< of a colour, away from the photo's

/// RGB, not premultiplied, [1, 3, P, P] and alpha [1, 1, P, P].
struct Picture {
  Tensor rgb, alpha;
  int64_t side() const { return alpha.size(3); }
};

Picture shrunk_to(const Tensor& photo, int64_t max_solid) {
  const Tensor alpha = photo.narrow(0, 3, 1).unsqueeze(0), rgb = photo.narrow(0, 0, 3).unsqueeze(0) * alpha;
  const auto count = (alpha > solid).sum().item<int64_t>();
  if (count <= max_solid) return {photo.narrow(0, 0, 3).unsqueeze(0), alpha};
  const auto side =
      std::max<int64_t>(1, static_cast<int64_t>(static_cast<double>(alpha.size(3)) *
                                                std::sqrt(static_cast<double>(max_solid) / static_cast<double>(count))));
  const Tensor small = at::adaptive_avg_pool2d(alpha, {side, side});
  return {at::adaptive_avg_pool2d(rgb, {side, side}) / small.clamp_min(1e-3), small};
}

/// Depths [1, 1, P, P] where `known`, each the mean of its neighbourhood's depths that are of the same surface (a bilateral
/// filter: Tomasi and Manduchi 1998).
Tensor smoothed(const Tensor& depth, const Tensor& known) {
  const int64_t side = depth.size(3), reach = std::llround(std::ceil(smoothing_share * static_cast<double>(side)));
  const std::vector<int64_t> border = {reach, reach, reach, reach};
  const Tensor depths = at::constant_pad_nd(depth, border), there = at::constant_pad_nd(known.to(at::kFloat), border);
  Tensor sum = at::zeros_like(depth), total = at::zeros_like(depth);
  for (int64_t down = 0; down <= 2 * reach; ++down) {
    for (int64_t right = 0; right <= 2 * reach; ++right) {
      const auto moved = [&](const Tensor& x) { return x.narrow(2, down, side).narrow(3, right, side); };
      const Tensor neighbour = moved(depths);
      const Tensor weight = moved(there) * (-((neighbour - depth) / same_surface).square()).exp();
      sum.addcmul_(neighbour, weight), total.add_(weight);
    }
  }
  return sum / total.clamp_min(1e-12);
}

/// Values [1, C, P, P] that are `known` [1, 1, P, P], continued outwards until every pixel of `wanted` has one.
Tensor continued(const Tensor& image, const Tensor& known, const Tensor& wanted) {
  Tensor weight = known.to(at::kFloat), values = image * weight;
  while (wanted.logical_and(weight == 0).any().item<bool>()) {
    const Tensor around = window_mean(weight, 1), reached = (around > 0).logical_and(weight == 0);
    values = at::where(reached, window_mean(values * weight, 1) / around.clamp_min(1e-12), values);
    weight = at::where(reached, at::ones({}), weight);
  }
  return values;
}

/// Pixels [1, 1, P, P] at most so many pixels from those in `mask`, in both directions.
Tensor near(const Tensor& mask, int64_t reach) {
  const int64_t window = 2 * reach + 1;
  return at::max_pool2d(mask.to(at::kFloat), {window, window}, {1, 1}, {reach, reach}) > 0;
}

/// The object's outline: its last settled pixel, whose slope nobody knows, and those around it where it fades out.
Tensor outline(const Tensor& settled_pixels) {
  const auto reach = std::llround(std::ceil(rim_share * static_cast<double>(settled_pixels.size(3))));
  return near(settled_pixels.logical_not(), 1).logical_and(near(settled_pixels, reach));
}

/// Differences [3, P, P] of points [3, P, P] along an axis, half of what the two neighbours are apart.
Tensor tangent(const Tensor& points, int64_t axis) {
  const int64_t size = points.size(axis);
  const Tensor ahead = at::cat({points.narrow(axis, 1, size - 1), points.narrow(axis, size - 1, 1)}, axis);
  const Tensor behind = at::cat({points.narrow(axis, 0, 1), points.narrow(axis, 0, size - 1)}, axis);
  return (ahead - behind) / 2;
}

/// What a picture sees of a surface, for each of its pixels.
struct SurfaceMap {
  Tensor points;        ///< [3, P, P] world
  Tensor across, down;  ///< [3, P, P] along the surface, from pixel to pixel
  Tensor normals;       ///< [3, P, P] towards the camera
  Tensor facing;        ///< [1, 1, P, P] cosine of the angle between the ray and the normal, 0 to 1
  Tensor footprint;     ///< [P, P] a pixel's width there, world units
};

/// The surface at `depth` [1, 1, P, P], camera z.
SurfaceMap map_surface(const Tensor& depth, const Cameras& camera) {
  const int64_t side = depth.size(3);
  const Rays rays = camera_rays(camera, side, side);
  const Tensor axes = camera.world_to_camera[0].slice(0, 0, 3).slice(1, 0, 3);  // rows: the camera's x, y, z in the world
  const Tensor along = at::tensordot(axes[2], rays.directions[0], {0}, {0});    // [P, P] z of the unit directions
  SurfaceMap map;
  map.points = rays.origins[0].view({3, 1, 1}) + rays.directions[0] * (depth[0][0] / along);
  map.footprint = depth[0][0] / camera.intrinsics[0][0][0];
  map.across = tangent(map.points, 2), map.down = tangent(map.points, 1);
  // Image axes run to the right and down, so their product looks away from the camera.
  const Tensor away = at::linalg_cross(map.across, map.down, 0);
  map.normals = -away / at::linalg_vector_norm(away, 2, {0}).clamp_min(1e-12);
  map.facing = (map.normals * rays.directions[0]).sum(0).abs().view_as(depth);
  return map;
}

/// Whether none of other cameras sees the pixel's surface less from the side, were nothing between: [1, 1, P, P].
Tensor seen_best(const SurfaceMap& map, const Cameras& others) {
  Tensor best = at::ones_like(map.facing, at::kBool);
  if (!others.world_to_camera.defined()) return best;
  for (const Tensor& position : others.positions().unbind()) {
    const Tensor direction = position.view({3, 1, 1}) - map.points;
    const Tensor cosine = (map.normals * direction).sum(0) / at::linalg_vector_norm(direction, 2, {0}).clamp_min(1e-12);
    best = best.logical_and(cosine.view_as(map.facing) <= map.facing);
  }
  return best;
}

/// One Gaussian for each of the pixels `places` [K] of the map, row-major indices; black.
Gaussians pixels_of(const SurfaceMap& map, const Tensor& places) {
  const auto at_places = [&](const Tensor& x) { return x.flatten(-2).index_select(-1, places).t(); };  // [K, 3]
  const auto norm = [](const Tensor& v) { return at::linalg_vector_norm(v, 2, {1}, /*keepdim=*/true); };
  const Tensor across = at_places(map.across), down = at_places(map.down);
  const Tensor footprint = map.footprint.flatten().index_select(0, places).unsqueeze(1);
  const Tensor u = across / norm(across), rest = down - u * (down * u).sum(1, /*keepdim=*/true), v = rest / norm(rest);
  const Tensor scales =
      at::cat({width * norm(across), width * at::maximum(norm(rest), 0.5 * footprint), thickness * footprint}, 1);
  const Tensor rotations = at::stack({u, v, at::linalg_cross(u, v, 1)}, 2);
  const int64_t count = places.numel();
  return {at_places(map.points), quaternions_from_matrices(rotations), scales, at::full({count}, opacity),
          at::zeros({count, 1, 3})};
}

/// False for Gaussians that `camera` sees inside the mask before the surface or in it: those would hide its pixels.
Tensor not_before(const Gaussians& object, const Tensor& depth, const Tensor& mask, const Cameras& camera) {
  const SeenPoints seen = seen_points(camera, object.means);
  const Tensor pixel = pixels_of(seen, camera)[0], index = pixel.clamp_min(0);
  const Tensor own_reach = reach * object.scales.mean(1);
  const Tensor before = seen.z[0] - own_reach < depth.flatten().index_select(0, index);
  return (pixel >= 0).logical_and(mask.flatten().index_select(0, index)).logical_and(before).logical_not();
}

Gaussians joined(const Gaussians& a, const Gaussians& b) {
  // The photo's pixels look alike from everywhere: coefficients of higher degrees are 0.
  const int64_t coefficients = a.sh.size(1);
  const Tensor sh = at::cat({b.sh, at::zeros({b.count(), coefficients - 1, 3})}, 1);
  return {at::cat({a.means, b.means}), at::cat({a.quats, b.quats}), at::cat({a.scales, b.scales}),
          at::cat({a.opacities, b.opacities}), at::cat({a.sh.to(at::kFloat), sh})};
}

}  // namespace

Gaussians with_photo_surface(const Gaussians& object, const Tensor& photo, const Cameras& camera,
                             const PhotoSurfaceOptions& options, const Cameras& rivals) {
  require(photo.dim() == 3 && photo.size(0) == 4 && photo.size(1) == photo.size(2) && camera.count() == 1,
          "photo surface: the photo must be [4, P, P], of one camera");
  const c10::NoGradGuard no_grad;
  if (object.count() == 0) return object;
  const Picture picture = shrunk_to(photo, options.max_gaussians);
  const Cameras view = camera.resized(picture.side(), picture.side());
  const Rendering seen = rasterize(object, view);
  // Where the object fades out its depth is of its near side or of its far one: a ragged rim that shows from the side.
  const Tensor shown = picture.alpha > solid, known = seen.alpha > settled;
  if (!shown.logical_and(known).any().item<bool>()) return object;

  // One pixel more than is shown, so that every pixel has neighbours to tell its slope from.
  const Tensor rim = near(shown.logical_or(known), 1);
  const Tensor smooth = smoothed(expected_depth(seen), known), color = seen.rgb / seen.alpha.clamp_min(solid);
  const Tensor around = continued(at::cat({smooth, color}, 1), known, rim), depth = around.narrow(1, 0, 1);
  const SurfaceMap surface = map_surface(depth, view);
  const Tensor mask = shown.logical_and(surface.facing > least_facing).logical_and(seen_best(surface, rivals));
  const Gaussians rest = object.select(not_before(object, depth, mask, view));
  const Tensor places = mask.flatten().nonzero().flatten();
  Gaussians all = joined(rest, pixels_of(surface, places));
  const auto at_pixels = [&](const Tensor& image) { return image[0].flatten(1).index_select(1, places).t(); };  // [K, 3]
  // Where the surface turns away, and at its outline, the object's own colours stay, so that no border shows from the side.
  const Tensor own = at_pixels(around.narrow(1, 1, 3));
  const Tensor inside = at_pixels(outline(known).logical_not().to(at::kFloat));
  const Tensor share = ((at_pixels(surface.facing) - grazing) / (frontal - grazing)).clamp(0, 1) * inside;
  const Tensor wanted = at::lerp(own, at_pixels(picture.rgb), share).clamp(0, 1);
  Tensor colors = wanted;
  for (int64_t round = 0;; ++round) {
    all.sh.slice(0, rest.count()).select(1, 0).copy_(rgb_to_sh(colors).select(1, 0));
    if (round == options.color_rounds) return all;
    // Neighbours overlap, which blurs: each Gaussian takes up what its pixel lacks.
    const Rendering now = rasterize(all, view, {}, {.depth = false});
    colors = colors + wanted * at_pixels(now.alpha) - at_pixels(now.rgb);
    colors = at::min(at::max(colors, wanted - largest_correction), wanted + largest_correction).clamp(0, 1);
  }
}

Gaussians with_photo_surfaces(const Gaussians& object, const std::vector<PosedPhoto>& photos,
                              const PhotoSurfaceOptions& options) {
  PhotoSurfaceOptions each = options;
  const auto count = std::ssize(photos);
  if (count > 1) each.max_gaussians = options.max_gaussians * (count + 1) / (2 * count);
  Gaussians result = object;
  for (int64_t i = count - 1; i >= 0; --i) {  // the first photo last: nothing of the others stands before what it shows
    std::vector<Cameras> others;
    for (int64_t j = 0; j < count; ++j)
      if (j != i) others.push_back(photos[j].camera.resized(1, 1));
    result = with_photo_surface(result, photos[i].rgba, photos[i].camera, each, others.empty() ? Cameras() : concatenate(others));
  }
  return result;
}

}  // namespace gsv3d
