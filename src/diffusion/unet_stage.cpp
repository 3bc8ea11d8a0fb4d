#include "diffusion/unet_stage.h"

#include "core/cancel.h"
#include "nn/recompute.h"

namespace gsv3d {
namespace {

/// layers(x, batch), whose activations are made again for the backward pass.
template <class Layers>
Tensor recomputed(const Layers& layers, const Tensor& x, const FrameBatch& batch) {
  std::vector<Tensor> inputs = {x, batch.embedding, batch.context};
  if (batch.time_context.defined()) inputs.push_back(batch.time_context);
  return nn::recomputed(inputs, [&layers, batch](const std::vector<Tensor>& own) {
    FrameBatch same = batch;
    same.embedding = own[1], same.context = own[2];
    if (own.size() > 3) same.time_context = own[3];
    return layers(own[0], same);
  });
}

void build(std::optional<nn::Conv2d>& layer, const std::optional<StagePlan::Convolution>& plan, const nn::Scope& unet) {
  if (plan) layer.emplace(unet / plan->path, plan->in, plan->out, 3, plan->stride, 1);
}

}  // namespace

UNetStage::Layers::Layers(const StagePlan& plan, const nn::Scope& unet) {
  build(convolution, plan.convolution, unet);
  if (plan.res_block) res_block.emplace(unet / plan.res_block->path, plan.res_block->widths);
  if (plan.transformer) transformer.emplace(unet / plan.transformer->path, plan.transformer->widths);
  build(upsampler, plan.upsampler, unet);
}

Tensor UNetStage::Layers::operator()(Tensor x, const FrameBatch& batch) const {
  if (convolution) x = (*convolution)(x);
  if (res_block) x = (*res_block)(x, batch);
  if (transformer) x = (*transformer)(x, batch);
  if (upsampler) x = (*upsampler)(at::upsample_nearest2d(x, {2 * x.size(2), 2 * x.size(3)}));
  return x;
}

UNetStage::UNetStage(StagePlan plan, const nn::Scope& unet, const std::optional<nn::Streaming>& streaming)
    : plan_(std::move(plan)), unet_(unet), streaming_(streaming) {
  Layers layers(plan_, unet_);  // where they are streamed, too: names and shapes are checked now
  if (!streaming_) layers_.emplace(std::move(layers));
}

Tensor UNetStage::operator()(Tensor x, const FrameBatch& batch) const {
  throw_if_cancelled();  // a step of a large model takes minutes on a CPU
  if (layers_) {
    const bool again = nn::Recomputation::is_on() && !batch.activations;
    x = again ? recomputed(*layers_, x, batch) : (*layers_)(std::move(x), batch);
  } else {
    const nn::Scope device(nn::ParameterStore::copies_of(unet_.shared_store(), *streaming_), unet_.name());
    x = Layers(plan_, device)(std::move(x), batch);
  }
  batch.record(plan_.name, x);
  return x;
}

}  // namespace gsv3d
