#include "decoder/gaussian_decoder.h"

#include <algorithm>

#include "core/error.h"
#include "decoder/multi_view_decoder.h"
#include "decoder/pixel_aligned_decoder.h"
#include "decoder/triplane_decoder.h"

namespace gsv3d {
namespace {

void check_triplane(const GaussianDecoderConfig& c) {
  const TriplaneConfig& own = *c.triplane;
  require(!c.hull && !c.pixel_aligned, "gaussian_decoder: triplane excludes hull and pixel_aligned");
  require(c.context_dim > 0, "gaussian_decoder: triplane sees the photo alone, so context_dim cannot be 0");
  const auto fits = [](int64_t value, int64_t limit) { return value > 0 && value <= limit; };
  require(fits(own.side, 256) && fits(own.point_tokens, 65536) && fits(own.points_per_token, 1024) && own.half_side > 0,
          "gaussian_decoder.triplane: side {}, point_tokens {}, points_per_token {}, half_side {}", own.side, own.point_tokens,
          own.points_per_token, own.half_side);
}

void check_pixel_aligned(const GaussianDecoderConfig& c) {
  const PixelAlignedConfig& own = *c.pixel_aligned;
  const auto levels = static_cast<int64_t>(own.widths.size());
  const auto fits = [](int64_t width) { return width > 0 && width <= 65536 && width % pixel_norm_groups == 0; };
  require(!c.hull, "gaussian_decoder: pixel_aligned excludes hull");
  require(own.views > 0, "gaussian_decoder.pixel_aligned: {} views", own.views);
  require(levels > 0 && levels <= 8 && std::all_of(own.widths.begin(), own.widths.end(), fits),
          "gaussian_decoder.pixel_aligned: widths [{}] are not one to eight multiples of {}", fmt::join(own.widths, ", "),
          pixel_norm_groups);
  require(own.output_level >= 0 && own.output_level <= levels,
          "gaussian_decoder.pixel_aligned: output_level {} is not one of the levels 0 to {}", own.output_level, levels);
}

std::unique_ptr<const GaussianNetwork> make_network(const GaussianDecoderConfig& config, const nn::Scope& scope) {
  check_gaussian_decoder(config);
  if (config.triplane) return std::make_unique<TriplaneDecoder>(config, scope);
  if (config.pixel_aligned) return std::make_unique<PixelAlignedDecoder>(config, scope);
  return std::make_unique<MultiViewDecoder>(config, scope);
}

void check_input(const GaussianDecoderConfig& config, const DecoderInput& input) {
  const Tensor& latents = input.latents;
  require(latents.dim() == 5 && latents.size(2) == config.latent_channels,
          "Gaussian decoder: latents {} are not [B, N, {}, h, w]", fmt::join(latents.sizes(), " x "), config.latent_channels);
  require(static_cast<int64_t>(input.cameras.size()) == latents.size(0), "Gaussian decoder: {} items and {} batches of cameras",
          latents.size(0), input.cameras.size());
  for (const auto& item : input.cameras)
    require(item.count() == latents.size(1), "Gaussian decoder: {} views and {} cameras", latents.size(1), item.count());
  const Tensor& context = input.context;
  require(config.context_dim == 0 || config.pixel_aligned ||
              (context.dim() == 3 && context.size(0) == latents.size(0) && context.size(2) == config.context_dim),
          "Gaussian decoder: context {} is not [{}, T, {}]", fmt::join(context.sizes(), " x "), latents.size(0),
          config.context_dim);
  if (!config.sees_pictures()) return;
  const Tensor& pictures = input.pictures;
  require(pictures.defined() && pictures.dim() == 5 && pictures.size(0) == latents.size(0) &&
              pictures.size(1) == latents.size(1) && (pictures.size(2) == 3 || pictures.size(2) == 4),
          "Gaussian decoder: it takes pictures [{}, {}, 4, S, S] of the views", latents.size(0), latents.size(1));
}

}  // namespace

void check_gaussian_decoder(const GaussianDecoderConfig& c) {
  require(c.latent_channels > 0 && c.patch_size > 0 && c.depth >= 0 && c.mlp_ratio > 0 && c.context_dim >= 0,
          "gaussian_decoder: sizes must be positive");
  require(c.num_heads > 0 && c.width % c.num_heads == 0, "gaussian_decoder: width {} cannot be split into {} heads", c.width,
          c.num_heads);
  require(c.sh_degree >= 0 && c.sh_degree <= 3, "gaussian_decoder: sh_degree {} is not between 0 and 3", c.sh_degree);
  require(0 < c.near && c.near < c.far, "gaussian_decoder: near {} and far {} are no interval of distances", c.near, c.far);
  require(0 < c.min_scale && c.min_scale < c.max_scale, "gaussian_decoder: min_scale {} and max_scale {} are no interval",
          c.min_scale, c.max_scale);
  if (c.hull) check_visual_hull(*c.hull);
  if (c.triplane) check_triplane(c);
  if (c.pixel_aligned) check_pixel_aligned(c);
}

GaussianDecoder::GaussianDecoder(const GaussianDecoderConfig& config, const nn::Scope& scope)
    : config_(config), network_(make_network(config, scope)) {}
GaussianDecoder::~GaussianDecoder() = default;
GaussianDecoder::GaussianDecoder(GaussianDecoder&&) noexcept = default;

std::vector<Gaussians> GaussianDecoder::operator()(const Tensor& latents, const std::vector<Cameras>& cameras,
                                                   const Tensor& context, const Tensor& pictures) const {
  const DecoderInput input{latents, cameras, context, pictures};
  check_input(config_, input);
  const Gaussians gaussians = (*network_)(input);
  const int64_t items = latents.size(0);
  const auto split = [items](const Tensor& tensor) { return tensor.unflatten(0, {items, tensor.size(0) / items}).unbind(0); };
  const auto means = split(gaussians.means), quats = split(gaussians.quats), scales = split(gaussians.scales);
  const auto opacities = split(gaussians.opacities), sh = split(gaussians.sh);
  std::vector<Gaussians> result;
  for (int64_t i = 0; i < items; ++i) result.push_back({means[i], quats[i], scales[i], opacities[i], sh[i]});
  return result;
}

}  // namespace gsv3d
