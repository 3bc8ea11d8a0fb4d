#include "decoder/upsampler.h"

#include <algorithm>

#include "core/error.h"
#include "decoder/attention.h"
#include "nn/recompute.h"

namespace gsv3d {
namespace {

/// For every row (or column) of the shifted, padded grid: 0 = where it belongs, 1 = wrapped around from the other side, 2 =
/// padding.
Tensor piece_of_line(int64_t size, int64_t padded_size, int64_t shift, at::Device device) {
  const Tensor shifted = at::arange(padded_size, at::TensorOptions(at::kLong).device(device));
  const Tensor original = (shifted + shift).remainder(padded_size);
  return shifted.ge(padded_size - shift).to(at::kLong).masked_fill(original.ge(size), 2);
}

}  // namespace

WindowLayout::WindowLayout(int64_t height, int64_t width, int64_t window, bool shifted)
    : height(height),
      width(width),
      window_height(std::min(window, height)),
      window_width(std::min(window, width)),
      rows((height + window_height - 1) / window_height),
      columns((width + window_width - 1) / window_width) {
  if (shifted && rows > 1) shift_y = window_height / 2;
  if (shifted && columns > 1) shift_x = window_width / 2;
}

Tensor WindowLayout::mask(int64_t heads, at::Device device) const {
  if (!padded() && !shifted()) return {};
  const Tensor row_pieces = piece_of_line(height, rows * window_height, shift_y, device);
  const Tensor column_pieces = piece_of_line(width, columns * window_width, shift_x, device);
  const Tensor pieces = (3 * row_pieces.unsqueeze(1) + column_pieces)
                            .view({rows, window_height, columns, window_width})
                            .transpose(1, 2)
                            .reshape({rows * columns, 1, tokens()});
  const Tensor same = pieces.unsqueeze(-1).eq(pieces.unsqueeze(-2));
  return same.expand({-1, heads, -1, -1}).reshape({1, rows * columns * heads, tokens(), tokens()});
}

WindowBlock::WindowBlock(const nn::Scope& scope, int64_t width, int64_t heads, int64_t window, bool shifted, int64_t mlp_ratio)
    : heads_(heads),
      window_(window),
      shifted_(shifted),
      norm1_(scope / "norm1", width),
      norm2_(scope / "norm2", width),
      qkv_(scope / "attn" / "qkv", width, 3 * width),
      proj_(scope / "attn" / "proj", width, width),
      qk_norm_(scope / "attn", width / heads),
      mlp_(scope / "mlp", width, mlp_ratio) {}

Tensor WindowBlock::attend(const Tensor& x) const {
  const WindowLayout layout(x.size(1), x.size(2), window_, shifted_);
  const int64_t views = x.size(0), width = x.size(3), head_width = width / heads_;
  const int64_t padded_height = layout.rows * layout.window_height, padded_width = layout.columns * layout.window_width;

  Tensor grid = x;
  if (layout.padded()) grid = at::constant_pad_nd(grid, {0, 0, 0, padded_width - layout.width, 0, padded_height - layout.height});
  if (layout.shifted()) grid = at::roll(grid, {-layout.shift_y, -layout.shift_x}, {1, 2});

  // Windows stand in the axis of the heads, so that one mask serves all views by broadcasting.
  const auto parts =
      qkv_(grid)
          .view({views, layout.rows, layout.window_height, layout.columns, layout.window_width, 3, heads_, head_width})
          .permute({5, 0, 1, 3, 6, 2, 4, 7})
          .reshape({3, views, layout.rows * layout.columns * heads_, layout.tokens(), head_width})
          .unbind(0);
  const Tensor mask = layout.mask(heads_, x.device());
  const Tensor attended = attention_product(qk_norm_.query(parts[0]), qk_norm_.key(parts[1]), parts[2], mask);
  grid = attended.reshape({views, layout.rows, layout.columns, heads_, layout.window_height, layout.window_width, head_width})
             .permute({0, 1, 4, 2, 5, 3, 6})
             .reshape({views, padded_height, padded_width, width});

  if (layout.shifted()) grid = at::roll(grid, {layout.shift_y, layout.shift_x}, {1, 2});
  if (layout.padded()) grid = grid.slice(1, 0, layout.height).slice(2, 0, layout.width);
  return proj_(grid);
}

Tensor WindowBlock::operator()(const Tensor& x) const {
  const Tensor y = x + attend(norm1_(x));
  return y + mlp_(norm2_(y));
}

UpsamplerStage::UpsamplerStage(const nn::Scope& scope, int64_t in, int64_t out, int64_t heads, int64_t window, int64_t mlp_ratio)
    : norm_(scope / "norm", in), expand_(scope / "expand", in, 4 * out) {
  require(heads > 0 && out % heads == 0 && window > 1, "gaussian_decoder: upsampler width {}, {} heads, window {}", out, heads,
          window);
  for (const bool shifted : {false, true})
    blocks_.emplace_back(scope / "blocks" / int64_t{shifted}, out, heads, window, shifted, mlp_ratio);
}

Tensor UpsamplerStage::operator()(const Tensor& x, const Tensor& added) const {
  const int64_t views = x.size(0), height = x.size(1), width = x.size(2);
  const Tensor expanded = expand_(norm_(x));
  Tensor y = expanded.view({views, height, width, 2, 2, expanded.size(-1) / 4})
                 .permute({0, 1, 3, 2, 4, 5})
                 .reshape({views, 2 * height, 2 * width, expanded.size(-1) / 4});
  if (added.defined()) y = y + added;
  for (const auto& block : blocks_) y = nn::maybe_recomputed(block, y);
  return y;
}

Upsampler::Upsampler(const nn::Scope& scope, const GaussianDecoderConfig& config) : width_(config.width) {
  for (const int64_t next : config.upsampler_widths) {
    stages_.emplace_back(scope / static_cast<int64_t>(stages_.size()), width_, next, config.upsampler_heads,
                         config.upsampler_window, config.mlp_ratio);
    width_ = next;
  }
}

Tensor Upsampler::operator()(Tensor features, const Tensor& added) const {
  for (size_t i = 0; i < stages_.size(); ++i) features = stages_[i](features, i + 1 == stages_.size() ? added : Tensor());
  return stages_.empty() && added.defined() ? features + added : features;
}

}  // namespace gsv3d
