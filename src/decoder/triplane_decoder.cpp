#include "decoder/triplane_decoder.h"

#include <cmath>
#include <numbers>

#include "core/device.h"
#include "core/error.h"
#include "decoder/gaussian_head.h"

namespace gsv3d {
namespace {

constexpr int64_t bilinear = 0, zeros = 0;  // of at::grid_sampler: interpolation, and what lies outside
constexpr double first_radius = 0.4;        // of the ball that the points start in
constexpr double reach = 0.5;               // world units a point may move from there, along each axis

/// images [B, C, H, W], places [B, P, 2] in -1…1 from border to border → [B, P, C].
Tensor sampled(const Tensor& images, const Tensor& places) {
  return at::grid_sampler(images, places.unsqueeze(1), bilinear, zeros, /*align_corners=*/false).squeeze(2).transpose(1, 2);
}

/// [B, P, 2]: where the camera of each item sees its points, -1…1 from border to border of the picture.
Tensor places_in_photo(const Cameras& cameras, const Tensor& points) {
  std::vector<Tensor> places;
  for (int64_t i = 0; i < points.size(0); ++i) {
    const SeenPoints seen = seen_points(cameras.slice(i, i + 1), points[i]);
    places.push_back(at::stack(
        {seen.x[0] * (2.0 / static_cast<double>(cameras.width)) - 1, seen.y[0] * (2.0 / static_cast<double>(cameras.height)) - 1},
        -1));
  }
  return at::stack(places);
}

Cameras photo_cameras(const std::vector<Cameras>& items, int64_t side) {
  std::vector<Cameras> first;
  for (const Cameras& item : items) first.push_back(item.slice(0, 1).resized(side, side));
  return concatenate(first);
}

}  // namespace

Tensor points_in_ball(int64_t count, double radius) {
  // Height, angle and share of the volume below: the first in equal steps, the others by the plastic number's sequence.
  constexpr double plastic = 1.324717957244746;
  std::vector<double> values;
  for (int64_t i = 0; i < count; ++i) {
    const double place = static_cast<double>(i) + 0.5;
    const double y = 1 - 2 * place / static_cast<double>(count), flat = std::sqrt(1 - y * y);
    const double angle = 2 * std::numbers::pi * std::fmod(place / plastic, 1.0);
    const double r = radius * std::cbrt(std::fmod(place / (plastic * plastic), 1.0));
    values.insert(values.end(), {r * flat * std::cos(angle), r * y, r * flat * std::sin(angle)});
  }
  return at::tensor(values, at::kFloat).view({count, 3});
}

Tensor sample_planes(const Tensor& planes, const Tensor& points, double half_side) {
  const auto axes = (points / half_side).unbind(-1);
  const auto plane = [&](int64_t i, const Tensor& across, const Tensor& down) {
    return sampled(planes.select(1, i).permute({0, 3, 1, 2}).to(points.scalar_type()), at::stack({across, down}, -1));
  };
  return plane(0, axes[0], axes[1]) + plane(1, axes[0], axes[2]) + plane(2, axes[2], axes[1]);
}

TriplaneDecoder::TriplaneDecoder(const GaussianDecoderConfig& config, const nn::Scope& scope)
    : config_(config), context_embed_(scope / "context_embed", config.context_dim + 6, config.width) {
  const TriplaneConfig& own = *config.triplane;
  tokens_ = scope.parameter("tokens", {3 * own.side * own.side + own.point_tokens, config.width}, nn::Init::normal(0.5));
  for (int64_t i = 0; i < config.depth; ++i)
    blocks_.emplace_back(scope / "blocks" / i, config.width, config.num_heads, config.mlp_ratio);
  points_ = nn::Linear::zero(scope / "points", config.width, 3 * own.points_per_token);
  upsampler_ = Upsampler(scope / "upsampler", config);
  const int64_t width = upsampler_.width();
  seen_ = nn::Linear(scope / "seen", config.width, width);
  norm_ = nn::LayerNorm(scope / "norm", width);
  mlp_ = Mlp(scope / "mlp", width, config.mlp_ratio);
  head_norm_ = nn::LayerNorm(scope / "head" / "norm", width);
  head_ = nn::Linear::zero(scope / "head" / "linear", width, free_gaussian_channels(config.sh_degree));
}

/// [B, T, width]: every token with the ray through the middle of its patch.
Tensor TriplaneDecoder::photo_tokens(const Tensor& context, const Cameras& photo) const {
  const Tensor rays = plucker_rays(photo, photo.height, photo.width).flatten(2).transpose(1, 2);
  const auto type = context_embed_.weight.scalar_type();
  return context_embed_(at::cat({context.to(type), rays.to(type)}, -1));
}

/// Tokens [B, K, width] → [B, K · points_per_token, 3] world. In at least float32: bfloat16 would round positions to 0.002.
Tensor TriplaneDecoder::placed_points(const Tensor& tokens) const {
  const Autocast off(tokens.device().type(), at::kFloat);
  const auto type = points_.weight.scalar_type();
  const int64_t count = config_.triplane->point_tokens * config_.triplane->points_per_token;
  const Tensor moves = points_(tokens.to(type)).to(at::promote_types(type, at::kFloat)).reshape({tokens.size(0), count, 3});
  return points_in_ball(count, first_radius).to(moves.options().requires_grad(false)) + reach * at::tanh(moves);
}

Gaussians TriplaneDecoder::operator()(const DecoderInput& input) const {
  const TriplaneConfig& own = *config_.triplane;
  const int64_t items = input.context.size(0), side = std::llround(std::sqrt(static_cast<double>(input.context.size(1))));
  require(side * side == input.context.size(1), "triplane decoder: the photo's {} tokens are no square", input.context.size(1));
  const Cameras photo_camera = photo_cameras(input.cameras, side).to(input.context.device());
  const Tensor photo = photo_tokens(input.context, photo_camera);

  Tensor tokens = tokens_.unsqueeze(0).expand({items, -1, -1});
  for (const MultiViewBlock& block : blocks_) tokens = block(tokens, photo);
  const int64_t in_planes = 3 * own.side * own.side;
  const Tensor points = placed_points(tokens.narrow(1, in_planes, own.point_tokens));
  const Tensor planes = upsampler_(tokens.narrow(1, 0, in_planes).reshape({items * 3, own.side, own.side, config_.width}));

  const Autocast off(points.device().type(), at::kFloat);
  const auto type = head_.weight.scalar_type();
  const Tensor photo_grid = photo.to(points.scalar_type()).transpose(1, 2).reshape({items, config_.width, side, side});
  const Tensor features = sample_planes(planes.unflatten(0, {items, 3}), points, own.half_side).to(type) +
                          seen_(sampled(photo_grid, places_in_photo(photo_camera, points)).to(type));
  const Tensor raw = head_(head_norm_(features + mlp_(norm_(features))));
  return free_gaussians(raw.to(points.scalar_type()).flatten(0, 1), points.flatten(0, 1), config_);
}

}  // namespace gsv3d
