#include "diffusion/temporal_blend.h"

namespace gsv3d {

TemporalBlend::TemporalBlend(const nn::Scope& scope) : mix_factor(scope.parameter("mix_factor", {1}, nn::Init::constant(0.5))) {}

Tensor TemporalBlend::operator()(const Tensor& spatial, const Tensor& temporal, const FrameBatch& batch) const {
  // 1 - sigmoid(m) = sigmoid(-m). Starting from the spatial half makes one pass of it, in that half's memory order.
  Tensor temporal_share = at::sigmoid(at::neg(mix_factor));
  if (batch.image_only.defined()) {
    const std::vector<int64_t> trailing(static_cast<size_t>(spatial.dim() - 2), 1);
    std::vector<int64_t> shape = {batch.clips, batch.frames};
    shape.insert(shape.end(), trailing.begin(), trailing.end());
    temporal_share = at::where(batch.image_only, at::zeros_like(temporal_share), temporal_share).reshape(shape);
  }
  return at::lerp(spatial, temporal.to(spatial.scalar_type()), temporal_share.to(spatial.scalar_type()));
}

}  // namespace gsv3d
