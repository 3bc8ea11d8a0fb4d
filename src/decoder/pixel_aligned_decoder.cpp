#include "decoder/pixel_aligned_decoder.h"

#include <cmath>

#include "core/error.h"

namespace gsv3d {
namespace {

constexpr int64_t channels_in = 9;  // colour and Plücker ray

}  // namespace

std::vector<int64_t> spread_views(int64_t views, int64_t chosen) {
  require(0 < chosen && chosen <= views, "a pixel-aligned decoder of {} views was given {}", chosen, views);
  std::vector<int64_t> places;
  for (int64_t i = 0; i < chosen; ++i)
    places.push_back(std::llround(static_cast<double>(i * views) / static_cast<double>(chosen)));
  return places;
}

PixelBlock::PixelBlock(const nn::Scope& scope, int64_t width)
    : norm1_(scope / "norm1", width, pixel_norm_groups),
      norm2_(scope / "norm2", width, pixel_norm_groups),
      conv1_(scope / "conv1", width, width, 3, 1, 1),
      conv2_(scope / "conv2", width, width, 3, 1, 1) {}

Tensor PixelBlock::operator()(const Tensor& x) const {
  return x + conv2_(at::silu(norm2_(conv1_(at::silu(norm1_(x))))));
}

PixelAlignedDecoder::PixelAlignedDecoder(const GaussianDecoderConfig& config, const nn::Scope& scope)
    : config_(config), stem_(scope / "stem", channels_in, config.pixel_aligned->widths.front(), 3, 1, 1) {
  const PixelAlignedConfig& own = *config.pixel_aligned;
  const auto levels = static_cast<int64_t>(own.widths.size());
  const auto width = [&](int64_t level) { return level < levels ? own.widths[static_cast<size_t>(level)] : config.width; };
  for (int64_t level = 0; level < levels; ++level) {
    const nn::Scope at = scope / "down" / level;
    down_.push_back({PixelBlock(at / "block", width(level)), nn::Conv2d(at / "halve", width(level), width(level + 1), 3, 2, 1)});
  }
  for (int64_t i = 0; i < config.depth; ++i)
    blocks_.emplace_back(scope / "blocks" / i, config.width, config.num_heads, config.mlp_ratio, /*sees_photo=*/false);
  for (int64_t level = levels - 1; level >= own.output_level; --level) {
    const nn::Scope at = scope / "up" / level;
    up_.push_back({nn::Conv2d(at / "widen", width(level + 1), width(level), 3, 1, 1), PixelBlock(at / "block", width(level))});
  }
  head_ = std::make_unique<GaussianHead>(scope / "head", width(own.output_level), config);
}

Gaussians PixelAlignedDecoder::operator()(const DecoderInput& input) const {
  const int64_t items = input.pictures.size(0), side = input.pictures.size(3), factor = int64_t{1} << down_.size();
  require(side % factor == 0, "pixel-aligned decoder: the side {} of the pictures is not a multiple of {}", side, factor);
  const std::vector<int64_t> places = spread_views(input.pictures.size(1), config_.pixel_aligned->views);
  const Tensor index = at::tensor(places, at::kLong);
  std::vector<Cameras> chosen;
  for (const Cameras& item : input.cameras)
    chosen.push_back(item.resized(side, side).select(index.to(item.world_to_camera.device())));
  const at::Device device = input.pictures.device();
  const Cameras cameras = concatenate(chosen).to(device);

  const auto type = stem_.weight.scalar_type();
  const Tensor colours = input.pictures.narrow(2, 0, 3).index_select(1, index.to(device)).flatten(0, 1);
  Tensor x = stem_(at::cat({colours.to(type) * 2 - 1, plucker_rays(cameras, side, side).to(type)}, 1));
  std::vector<Tensor> levels;
  for (const Descent& level : down_) {
    levels.push_back(level.block(x));
    x = level.halve(levels.back());
  }
  const int64_t views = static_cast<int64_t>(places.size()), deepest = x.size(2);
  Tensor tokens = x.flatten(2).transpose(1, 2).reshape({items, views * deepest * deepest, config_.width});
  for (const MultiViewBlock& block : blocks_) tokens = block(tokens, {});
  x = tokens.view({items * views, deepest, deepest, config_.width}).permute({0, 3, 1, 2});
  for (const Ascent& level : up_) {
    x = level.block(level.widen(at::upsample_nearest2d(x, at::IntArrayRef({2 * x.size(2), 2 * x.size(3)}))) + levels.back());
    levels.pop_back();
  }
  return (*head_)(x.permute({0, 2, 3, 1}), cameras);
}

}  // namespace gsv3d
