#include "rasterizer/cuda/rasterize_cuda.h"

#include <c10/core/DeviceGuard.h>
#include <torch/csrc/autograd/custom_function.h>

#include "core/error.h"
#include "rasterizer/cuda/tile_lists.h"

namespace gsv3d::splat_cuda {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct RasterizeSettings {
  int64_t width, height;
  RasterizeOptions options;
  bool need_gradients;  ///< false: nothing is kept for the way back
};

/// Tensors kept for the way back, by name.
enum Saved {
  kMeans,
  kQuats,
  kScales,
  kOpacities,
  kColors,
  kWorldToCamera,
  kBackgrounds,
  kScenes,
  kViews,
  kSplats,
  kTileCounts,
  kFirstSlots,
  kSlots,
  kEntries,
  kTileOffsets,
  kTransmittance,
  kLast,
  kSavedCount
};
/// Arguments of RasterizeFunction::forward, whose gradients backward returns by place.
enum Argument {
  kMeansArgument,
  kQuatsArgument,
  kScalesArgument,
  kOpacitiesArgument,
  kColorsArgument,
  kWorldToCameraArgument,
  kRestArgument,
  kSettingsArgument,
  kArgumentCount
};

float* floats(const Tensor& tensor) {
  return tensor.defined() ? tensor.data_ptr<float>() : nullptr;
}
int32_t* integers(const Tensor& tensor) {
  return tensor.defined() ? tensor.data_ptr<int32_t>() : nullptr;
}
uint32_t* indices(const Tensor& tensor) {
  return reinterpret_cast<uint32_t*>(integers(tensor));
}
float4* vectors(const Tensor& tensor) {
  return reinterpret_cast<float4*>(floats(tensor));
}

/// The kernels read quaternions 16 bytes at a time; a slice of a larger tensor may begin anywhere.
Tensor aligned(const Tensor& tensor) {
  return reinterpret_cast<uintptr_t>(tensor.data_ptr()) % 16 == 0 ? tensor : tensor.clone();
}

struct RasterizeFunction : torch::autograd::Function<RasterizeFunction> {
  static variable_list forward(AutogradContext* ctx, const Tensor& means, const Tensor& quats, const Tensor& scales,
                               const Tensor& opacities, const Tensor& colors, const Tensor& world_to_camera,
                               const RasterizeTensors& rest, const RasterizeSettings& settings) {
    const c10::OptionalDeviceGuard guard(means.device());
    const Stream stream = current_stream(means.device());
    const auto& options = settings.options;
    const RasterizeTensors tensors = {means,           aligned(quats),  scales,           opacities,  colors,
                                      world_to_camera, rest.intrinsics, rest.backgrounds, rest.scenes};
    const int64_t views = world_to_camera.size(0), height = settings.height, width = settings.width;
    const Scene scene(tensors, at::empty({views, sizeof(View)}, means.options().dtype(at::kByte)), width, height,
                      options.antialiased);
    const auto lists = make_tile_lists(tensors, scene, options, options.deterministic && settings.need_gradients, stream);

    const auto image = [&](int64_t channels, bool wanted) {
      return wanted ? at::empty({views, channels, height, width}, means.options()) : Tensor();
    };
    const Tensor rgb = image(3, true), alpha = image(1, true), depth = image(1, options.depth),
                 median_depth = image(1, options.median_depth), transmittance = image(1, settings.need_gradients);
    const Tensor last = settings.need_gradients ? at::empty({views, height, width}, means.options().dtype(at::kInt)) : Tensor();
    check(blend_forward(lists.blending(scene, rest.backgrounds),
                        {floats(rgb), floats(alpha), floats(depth), floats(median_depth), floats(transmittance), integers(last)},
                        stream),
          "blending");

    if (settings.need_gradients) {
      variable_list saved(kSavedCount);
      saved[kMeans] = means, saved[kQuats] = tensors.quats, saved[kScales] = scales, saved[kOpacities] = opacities;
      saved[kColors] = colors, saved[kWorldToCamera] = world_to_camera, saved[kBackgrounds] = rest.backgrounds;
      saved[kScenes] = rest.scenes, saved[kViews] = scene.views, saved[kSplats] = lists.splats;
      saved[kTileCounts] = lists.tile_counts, saved[kFirstSlots] = lists.first_slots, saved[kSlots] = lists.slots;
      saved[kEntries] = lists.entries, saved[kTileOffsets] = lists.tile_offsets;
      saved[kTransmittance] = transmittance, saved[kLast] = last;
      ctx->save_for_backward(saved);
    }
    ctx->saved_data["width"] = width;
    ctx->saved_data["height"] = height;
    ctx->saved_data["antialiased"] = options.antialiased;
    ctx->set_materialize_grads(false);
    variable_list outputs = {rgb, alpha};
    if (depth.defined()) outputs.push_back(depth);
    if (median_depth.defined()) {
      outputs.push_back(median_depth);
      ctx->mark_non_differentiable({median_depth});
    }
    return outputs;
  }

  /// dL/d(outputs) → moments of the splats, or of their slots.
  static Tensor blend_gradients(const variable_list& saved, const TileLists& lists, const Scene& scene,
                                const variable_list& v_outputs, Stream stream) {
    const auto v_output = [&](size_t i) {
      return i < v_outputs.size() && v_outputs[i].defined() ? v_outputs[i].contiguous() : Tensor();
    };
    const Tensor v_rgb = v_output(0), v_alpha = v_output(1), v_depth = v_output(2);
    const bool deterministic = lists.slots.defined();
    const int64_t rows = deterministic ? lists.slots.size(0) : lists.splats.size(0);
    const Tensor moments = at::empty({rows, splat_math::kMomentFloats}, lists.splats.options());
    if (!deterministic) check(fill_zero(moments.data_ptr(), moments.nbytes(), stream), "clearing");
    check(blend_backward(lists.blending(scene, saved[kBackgrounds]),
                         {floats(saved[kTransmittance]), integers(saved[kLast]), floats(v_rgb), floats(v_alpha), floats(v_depth)},
                         indices(lists.slots), floats(moments), stream),
          "blending backward");
    return moments;
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& v_outputs) {
    const auto saved = ctx->get_saved_variables();
    const auto device = saved[kMeans].device();
    const c10::OptionalDeviceGuard guard(device);
    const Stream stream = current_stream(device);
    const RasterizeTensors tensors = {
        saved[kMeans],       saved[kQuats], saved[kScales], saved[kOpacities], saved[kColors], saved[kWorldToCamera], {},
        saved[kBackgrounds], saved[kScenes]};
    const Scene scene(tensors, saved[kViews], ctx->saved_data["width"].toInt(), ctx->saved_data["height"].toInt(),
                      ctx->saved_data["antialiased"].toBool());
    const TileLists lists = {saved[kSplats], saved[kTileCounts], saved[kFirstSlots],
                             saved[kSlots],  saved[kEntries],    saved[kTileOffsets]};
    // The median depth is the last output where it is asked for, and has no gradient; an output in the depth's place is depth.
    const Tensor moments = blend_gradients(saved, lists, scene, v_outputs, stream);

    variable_list v(kArgumentCount);
    v[kMeansArgument] = at::empty_like(saved[kMeans]);
    v[kQuatsArgument] = at::empty_like(saved[kQuats]);
    v[kScalesArgument] = at::empty_like(saved[kScales]);
    v[kOpacitiesArgument] = at::empty_like(saved[kOpacities]);
    v[kColorsArgument] = at::empty_like(saved[kColors]);
    Tensor camera_parts;
    if (ctx->needs_input_grad(kWorldToCameraArgument)) {
      camera_parts = at::empty({scene.inputs.block_count, 12}, saved[kMeans].options());
      v[kWorldToCameraArgument] = at::empty_like(saved[kWorldToCamera]);
    }
    check(project_backward(
              scene.inputs, {vectors(lists.splats), integers(lists.tile_counts), integers(lists.first_slots), floats(moments)},
              {floats(v[kMeansArgument]), floats(v[kQuatsArgument]), floats(v[kScalesArgument]), floats(v[kOpacitiesArgument]),
               floats(v[kColorsArgument]), floats(camera_parts), floats(v[kWorldToCameraArgument])},
              stream),
          "projection backward");
    return v;
  }
};

}  // namespace

Rendering rasterize_joined(const RasterizeTensors& t, int64_t width, int64_t height, const RasterizeOptions& options) {
  const RasterizeTensors rest = {{}, {}, {}, {}, {}, {}, t.intrinsics, t.backgrounds, t.scenes};
  bool wanted = false;
  for (const auto* tensor : {&t.means, &t.quats, &t.scales, &t.opacities, &t.colors, &t.world_to_camera})
    wanted |= tensor->requires_grad();
  const RasterizeSettings settings = {width, height, options, wanted && at::GradMode::is_enabled()};
  // The kernels read a quaternion in one access of 16 bytes; a view into a larger tensor may begin anywhere.
  const Tensor quats = reinterpret_cast<uintptr_t>(t.quats.data_ptr()) % 16 == 0 ? t.quats : t.quats.clone();
  // Colours of every storage type are blended in float32; autograd rounds their gradient back.
  const auto outputs =
      RasterizeFunction::apply(t.means, quats, t.scales, t.opacities, t.colors.to(at::kFloat), t.world_to_camera, rest, settings);
  Rendering r = {outputs[0], outputs[1], {}, {}};
  size_t next = 2;
  if (options.depth) r.depth = outputs[next++];
  if (options.median_depth) r.median_depth = outputs[next];
  return r;
}

}  // namespace gsv3d::splat_cuda
