#include "decoder/gaussian_head.h"

#include "core/device.h"
#include "core/error.h"
#include "gaussians/rotations.h"

namespace gsv3d {
namespace {

// Where σ starts: visible surfaces lie in front of the object's centre, so the first distance is 40 % of the way from near to far
// (1.84 at the default limits: a shell of radius 0.16). The scale starts in the middle, about one output pixel (docs/decoder.md).
constexpr double distance_logit = -0.405465108108164;  // ln(0.4 / 0.6)
constexpr double opacity_logit = -2;                   // 0.12: transparent enough that hidden Gaussians receive gradients

// The same around a visual hull: the surface is where the hull says, give or take reach; opacity 0.002 outside a silhouette and
// 0.82 inside; the scale starts at 0.29 of its interval.
constexpr double reach = 0.35, outside_logit = -6, inside_gain = 7.5, hull_scale_logit = -0.9;
constexpr double least_colour = 0.02;

constexpr double free_reach = 0.1;  // of Gaussians that belong to no pixel, world units along each axis

Tensor bounded(const Tensor& x, double low, double high) {
  return low + (high - low) * at::sigmoid(x);
}

/// The distance, and what the raw outputs are residuals to; everything [V, P, ·], or one number.
struct Start {
  Tensor distance, scale_logit, opacity_logit, colour_logit;
};

Start start_on_shell(const GaussianDecoderConfig& config, const Tensor& moves) {
  const Tensor none = at::zeros({}, moves.options());
  return {bounded(moves + distance_logit, config.near, config.far), none, none + opacity_logit, none};
}

Start start_on_hull(const PixelEvidence& evidence, const Tensor& moves, at::ScalarType type) {
  const auto by_pixel = [&](const Tensor& images) { return images.to(type).flatten(2).transpose(1, 2); };
  const Tensor colour = by_pixel(evidence.straight_colour()).clamp(least_colour, 1 - least_colour);
  return {by_pixel(evidence.distance) + reach * at::tanh(moves), at::full({}, hull_scale_logit, moves.options()),
          outside_logit + inside_gain * by_pixel(evidence.alpha), at::logit(colour)};
}

/// Raw quaternions [..., 4] around (1, 0, 0, 0) → unit ones.
Tensor unit_quaternions(const Tensor& raw) {
  const Tensor moved = at::cat({raw.narrow(-1, 0, 1) + 1, raw.narrow(-1, 1, 3)}, -1);
  return moved / at::linalg_vector_norm(moved, 2, {-1}, /*keepdim=*/true).clamp_min(1e-8);
}

/// Colours in logits [..., 3] and higher coefficients [..., 3 · (coefficients - 1)] → [G, coefficients, 3].
Tensor harmonics(const Tensor& colour, const Tensor& higher, int64_t coefficients) {
  const Tensor base = rgb_to_sh(at::sigmoid(colour).reshape({-1, 3}));
  return coefficients == 1 ? base : at::cat({base, higher.reshape({-1, coefficients - 1, 3})}, 1);
}

int64_t coefficients_of(int64_t sh_degree) {
  return (sh_degree + 1) * (sh_degree + 1);
}

}  // namespace

int64_t gaussian_channels(int64_t sh_degree) {
  return 9 + 3 * coefficients_of(sh_degree);
}

int64_t free_gaussian_channels(int64_t sh_degree) {
  return 11 + 3 * coefficients_of(sh_degree);
}

Gaussians place_gaussians(const Tensor& raw, const Cameras& cameras, const GaussianDecoderConfig& config,
                          const PixelEvidence* evidence) {
  const int64_t views = raw.size(0), pixels = raw.size(1) * raw.size(2), coefficients = coefficients_of(config.sh_degree);
  require(raw.dim() == 4 && raw.size(3) == gaussian_channels(config.sh_degree) && cameras.count() == views,
          "gaussian head: {} views of {} numbers per pixel, {} cameras", views, raw.size(-1), cameras.count());
  const Rays rays = camera_rays(cameras, raw.size(1), raw.size(2));
  const auto parts = raw.reshape({views, pixels, raw.size(3)}).split_with_sizes({1, 3, 1, 4, 3, 3 * (coefficients - 1)}, -1);

  Gaussians gaussians;
  const Start start = evidence ? start_on_hull(*evidence, parts[0], raw.scalar_type()) : start_on_shell(config, parts[0]);
  const Tensor directions = rays.directions.flatten(2).transpose(1, 2).to(raw.scalar_type());
  gaussians.means = (rays.origins.unsqueeze(1).to(raw.scalar_type()) + start.distance * directions).reshape({-1, 3});
  gaussians.scales = bounded(parts[1] + start.scale_logit, config.min_scale, config.max_scale).reshape({-1, 3});
  gaussians.opacities = at::sigmoid(parts[2] + start.opacity_logit).reshape({-1});

  // Rotations are predicted in camera axes and turned into the world: what looks the same from a camera is the same output.
  const Tensor camera_to_world = cameras.world_to_camera.slice(1, 0, 3).slice(2, 0, 3).transpose(1, 2);
  const Tensor turn = left_products(quaternions_from_matrices(camera_to_world)).to(raw.scalar_type());
  gaussians.quats = at::matmul(unit_quaternions(parts[3]), turn.transpose(1, 2)).reshape({-1, 4});

  gaussians.sh = harmonics(parts[4] + start.colour_logit, parts[5], coefficients);
  return gaussians;
}

Gaussians free_gaussians(const Tensor& raw, const Tensor& points, const GaussianDecoderConfig& config) {
  require(raw.dim() == 2 && raw.size(1) == free_gaussian_channels(config.sh_degree) && points.dim() == 2 &&
              points.size(0) == raw.size(0) && points.size(1) == 3,
          "gaussian head: outputs {} for points {}", fmt::join(raw.sizes(), " x "), fmt::join(points.sizes(), " x "));
  const int64_t coefficients = coefficients_of(config.sh_degree);
  const auto parts = raw.split_with_sizes({3, 3, 1, 4, 3, 3 * (coefficients - 1)}, -1);
  return {points + free_reach * at::tanh(parts[0]), unit_quaternions(parts[3]),
          bounded(parts[1], config.min_scale, config.max_scale), at::sigmoid(parts[2] + opacity_logit).reshape({-1}),
          harmonics(parts[4], parts[5], coefficients)};
}

GaussianHead::GaussianHead(const nn::Scope& scope, int64_t width, const GaussianDecoderConfig& config)
    : config_(config),
      norm_(scope / "norm", width),
      linear_(nn::Linear::zero(scope / "linear", width, gaussian_channels(config.sh_degree))) {}

Gaussians GaussianHead::operator()(const Tensor& features, const Cameras& cameras, const PixelEvidence* evidence) const {
  const Autocast off(features.device().type(), at::kFloat);
  const auto type = linear_.weight.scalar_type();
  const Tensor raw = linear_(norm_(features.to(type)));
  return place_gaussians(raw.to(at::promote_types(type, at::kFloat)), cameras, config_, evidence);
}

}  // namespace gsv3d
