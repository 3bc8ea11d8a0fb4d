#include "rasterizer/deferred.h"

#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

#include "core/error.h"

namespace gsv3d {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

enum Input { kMeans, kQuats, kScales, kOpacities, kSh, kWorldToCamera, kDifferentiable };

/// What a group needs beside the tensors that gradients flow to.
struct Setting {
  Tensor intrinsics, background;
  int64_t width, height;
  RasterizeOptions options;
  int64_t cameras_per_group;
};

/// The setting, kept by the graph.
struct SavedSetting : torch::CustomClassHolder {
  Setting setting;
  explicit SavedSetting(const Setting& s) : setting(s) {}
};

/// Renders cameras [begin, end).
Rendering render_group(const variable_list& inputs, const Setting& s, int64_t begin, int64_t end) {
  const Gaussians gaussians = {inputs[kMeans], inputs[kQuats], inputs[kScales], inputs[kOpacities], inputs[kSh]};
  const Cameras cameras = {inputs[kWorldToCamera].slice(0, begin, end), s.intrinsics.slice(0, begin, end), s.width, s.height};
  const bool per_camera = s.background.defined() && s.background.dim() == 2;
  return rasterize(gaussians, cameras, per_camera ? s.background.slice(0, begin, end) : s.background, s.options);
}

/// Depths that were not asked for are left out.
variable_list images(const Rendering& r) {
  variable_list list;
  for (const auto& image : {r.rgb, r.alpha, r.depth, r.median_depth})
    if (image.defined()) list.push_back(image);
  return list;
}

/// Renders one group again, with a graph, and adds what its images' gradients give to those of the inputs.
void add_group_gradients(const variable_list& inputs, const Setting& setting, int64_t begin, int64_t end,
                         const variable_list& v_images, variable_list& v_inputs) {
  const at::AutoGradMode with_graph(true);
  variable_list leaves, wanted;
  std::vector<size_t> places;
  for (size_t i = 0; i < kDifferentiable; ++i) {
    leaves.push_back(inputs[i].detach().requires_grad_(v_inputs[i].defined()));
    if (v_inputs[i].defined()) wanted.push_back(leaves.back()), places.push_back(i);
  }
  const auto rendered = images(render_group(leaves, setting, begin, end));
  variable_list outputs, v_outputs;
  for (size_t i = 0; i < rendered.size(); ++i) {
    if (!v_images[i].defined() || !rendered[i].requires_grad()) continue;
    outputs.push_back(rendered[i]);
    v_outputs.push_back(v_images[i].slice(0, begin, end));
  }
  if (outputs.empty()) return;
  const auto v = torch::autograd::grad(outputs, wanted, v_outputs, false, false, /*allow_unused=*/true);
  for (size_t i = 0; i < places.size(); ++i)
    if (v[i].defined()) v_inputs[places[i]].add_(v[i]);
}

struct DeferredFunction : torch::autograd::Function<DeferredFunction> {
  static variable_list forward(AutogradContext* ctx, const Tensor& means, const Tensor& quats, const Tensor& scales,
                               const Tensor& opacities, const Tensor& sh, const Tensor& world_to_camera, const Setting& setting) {
    const variable_list inputs = {means, quats, scales, opacities, sh, world_to_camera};
    std::vector<variable_list> parts;
    const int64_t count = world_to_camera.size(0);
    for (int64_t begin = 0; begin < count; begin += setting.cameras_per_group)
      parts.push_back(images(render_group(inputs, setting, begin, std::min(begin + setting.cameras_per_group, count))));
    variable_list joined;
    for (size_t image = 0; image < parts.front().size(); ++image) {
      variable_list of_groups;
      for (const auto& part : parts) of_groups.push_back(part[image]);
      joined.push_back(at::cat(of_groups));
    }
    ctx->save_for_backward(inputs);
    ctx->saved_data["setting"] = c10::IValue::make_capsule(c10::make_intrusive<SavedSetting>(setting));
    ctx->set_materialize_grads(false);
    if (setting.options.median_depth) ctx->mark_non_differentiable({joined.back()});
    return joined;
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& v_images) {
    const auto inputs = ctx->get_saved_variables();
    const auto capsule = ctx->saved_data["setting"].toCapsule();
    const auto& setting = static_cast<const SavedSetting&>(*capsule).setting;
    variable_list v(kDifferentiable + 1);
    for (size_t i = 0; i < kDifferentiable; ++i)
      if (ctx->needs_input_grad(i)) v[i] = at::zeros_like(inputs[i]);
    const int64_t count = inputs[kWorldToCamera].size(0);
    for (int64_t begin = 0; begin < count; begin += setting.cameras_per_group)
      add_group_gradients(inputs, setting, begin, std::min(begin + setting.cameras_per_group, count), v_images, v);
    return v;
  }
};

}  // namespace

Rendering rasterize_deferred(const Gaussians& g, const Cameras& cameras, const Tensor& background,
                             const RasterizeOptions& options, int64_t cameras_per_group) {
  require(cameras_per_group > 0, "rasterize_deferred: {} cameras per group", cameras_per_group);
  require(cameras.world_to_camera.defined() && cameras.count() > 0, "rasterize_deferred: no cameras");
  const auto outputs =
      DeferredFunction::apply(g.means, g.quats, g.scales, g.opacities, g.sh, cameras.world_to_camera,
                              Setting{cameras.intrinsics, background, cameras.width, cameras.height, options, cameras_per_group});
  size_t next = 2;
  Rendering r = {outputs[0], outputs[1], {}, {}};
  if (options.depth) r.depth = outputs[next++];
  if (options.median_depth) r.median_depth = outputs[next];
  return r;
}

}  // namespace gsv3d
