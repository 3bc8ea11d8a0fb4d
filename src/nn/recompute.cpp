#include "nn/recompute.h"

#include <ATen/autocast_mode.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/autograd/functions/accumulate_grad.h>

#include <unordered_set>

#include "core/device.h"

namespace gsv3d::nn {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

thread_local bool recomputation_is_on = false;

/// A block that was run once, kept by the graph for the way back.
struct Call : torch::CustomClassHolder {
  Block block;
  Tensor result;  // until the graph has it
  size_t inputs = 0;
  at::DeviceType device = at::kCPU;
  at::ScalarType precision = at::kFloat;
};

/// The same values without their past.
std::vector<Tensor> cut_off(const std::vector<Tensor>& tensors) {
  std::vector<Tensor> own;
  for (const Tensor& tensor : tensors) own.push_back(tensor.detach().requires_grad_(tensor.requires_grad()));
  return own;
}

/// The leaves that `result` was made from, but for those that are known: the block's parameters, always in the same order.
std::vector<Tensor> parameters_of(const Tensor& result, const std::vector<Tensor>& known) {
  std::unordered_set<const void*> seen;
  for (const Tensor& tensor : known) seen.insert(tensor.unsafeGetTensorImpl());
  std::vector<Tensor> leaves;
  std::vector<torch::autograd::Node*> open = {result.grad_fn().get()};
  while (!open.empty()) {
    torch::autograd::Node* node = open.back();
    open.pop_back();
    if (!node || !seen.insert(node).second) continue;
    if (const auto* leaf = dynamic_cast<torch::autograd::AccumulateGrad*>(node);
        leaf && seen.insert(leaf->variable.unsafeGetTensorImpl()).second)
      leaves.push_back(leaf->variable);
    for (const torch::autograd::Edge& edge : node->next_edges()) open.push_back(edge.function.get());
  }
  return leaves;
}

class RecomputedBlock : public torch::autograd::Function<RecomputedBlock> {
 public:
  /// `sources`: the inputs, then the parameters.
  static Tensor forward(AutogradContext* context, const c10::intrusive_ptr<Call>& call, at::TensorList sources) {
    context->save_for_backward(sources.vec());
    context->saved_data["call"] = c10::IValue::make_capsule(call);
    return std::exchange(call->result, Tensor());
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto capsule = context->saved_data["call"].toCapsule();
    const auto& call = static_cast<const Call&>(*capsule);
    const variable_list sources = context->get_saved_variables();
    const auto parameters = sources.begin() + static_cast<ptrdiff_t>(call.inputs);
    const std::vector<Tensor> inputs = cut_off({sources.begin(), parameters});
    Tensor result;
    {
      const c10::AutoGradMode with_gradients(true);
      const Autocast autocast(call.device, call.precision);
      result = call.block(inputs);
    }
    variable_list wanted, found(1);  // the call itself has no gradient
    for (const Tensor& input : inputs)
      if (input.requires_grad()) wanted.push_back(input);
    wanted.insert(wanted.end(), parameters, sources.end());
    const variable_list made = torch::autograd::grad({result}, wanted, {gradients[0]}, {}, false, /*allow_unused=*/true);
    auto next = made.begin();
    for (const Tensor& input : inputs) found.push_back(input.requires_grad() ? *next++ : Tensor());
    found.insert(found.end(), next, made.end());
    return found;
  }
};

}  // namespace

Recomputation::Recomputation(bool on) : was_on_(recomputation_is_on) {
  recomputation_is_on = on;
}
Recomputation::~Recomputation() {
  recomputation_is_on = was_on_;
}
bool Recomputation::is_on() {
  return recomputation_is_on && c10::GradMode::is_enabled();
}

Tensor recomputed(const std::vector<Tensor>& inputs, Block block) {
  const auto call = c10::make_intrusive<Call>();
  call->inputs = inputs.size();
  call->device = inputs.at(0).device().type();
  if (at::autocast::is_autocast_enabled(call->device)) call->precision = at::autocast::get_autocast_dtype(call->device);
  std::vector<Tensor> sources = inputs;
  {
    const std::vector<Tensor> own = cut_off(inputs);
    const Tensor result = block(own);
    if (!result.requires_grad()) return result;
    const std::vector<Tensor> parameters = parameters_of(result, own);
    sources.insert(sources.end(), parameters.begin(), parameters.end());
    call->result = result.detach();
  }
  call->block = std::move(block);
  return RecomputedBlock::apply(call, at::TensorList(sources));
}

}  // namespace gsv3d::nn
