#include "rasterizer/rasterize_function.h"

#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include "core/error.h"
#include "rasterizer/cpu/binning.h"
#include "rasterizer/cpu/blending.h"
#include "rasterizer/cpu/projection.h"
#include "rasterizer/cpu/view.h"
#if defined(GSV3D_CUDA_KERNELS)
#include "rasterizer/cuda/rasterize_cuda.h"
#endif
#include "rasterizer/workspace.h"

namespace gsv3d {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// Tensors kept for the way back, by name.
enum Saved {
  kMeans,
  kQuats,
  kScales,
  kOpacities,
  kColors,
  kWorldToCamera,
  kIntrinsics,
  kBackgrounds,
  kScenes,
  kSplats,
  kFirstSlot,
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
  kWidthArgument,
  kHeightArgument,
  kOptionsArgument,
  kArgumentCount
};

float* floats(const Tensor& tensor) {
  return tensor.defined() ? tensor.data_ptr<float>() : nullptr;
}

/// Where a call's memory comes from, kept by the graph for the way back.
struct Memory : torch::CustomClassHolder {
  std::shared_ptr<RasterizeWorkspace> workspace;
  explicit Memory(std::shared_ptr<RasterizeWorkspace> w) : workspace(std::move(w)) {}
  Tensor empty(at::IntArrayRef shape, at::ScalarType type = at::kFloat) const {
    return workspace ? workspace->empty(shape, type) : at::empty(shape, type);
  }
};

splat_cpu::ColorType color_type(at::ScalarType type) {
  return type == at::kHalf       ? splat_cpu::ColorType::kFloat16
         : type == at::kBFloat16 ? splat_cpu::ColorType::kBfloat16
                                 : splat_cpu::ColorType::kFloat32;
}

std::vector<splat_cpu::View> prepare_views(const Tensor& world_to_camera, const Tensor& intrinsics) {
  std::vector<splat_cpu::View> views;
  for (int64_t v = 0; v < world_to_camera.size(0); ++v)
    views.push_back(splat_cpu::make_view(floats(world_to_camera) + 16 * v, floats(intrinsics) + 9 * v, v));
  return views;
}

/// The kernels' parameter structs over a set of tensors; keeps the arrays that they point to.
struct Binding {
  std::vector<splat_cpu::View> views;
  std::vector<splat_cpu::ViewRange> ranges;
  splat_cpu::Grid grid;
  splat_cpu::ProjectionParameters projection;

  Binding(const RasterizeTensors& t, int64_t width, int64_t height, bool antialiased)
      : views(prepare_views(t.world_to_camera, t.intrinsics)), grid(static_cast<int>(width), static_cast<int>(height)) {
    const auto* scenes = reinterpret_cast<const splat_cpu::SceneRange*>(t.scenes.data_ptr<int64_t>());
    ranges = splat_cpu::view_ranges(scenes, t.scenes.size(0));
    const int sh_count = t.colors.dim() == 3 ? static_cast<int>(t.colors.size(1)) : 0;
    projection = {.gaussians = {floats(t.means), floats(t.quats), floats(t.scales), floats(t.opacities), t.colors.data_ptr(),
                                sh_count, color_type(t.colors.scalar_type())},
                  .scenes = scenes,
                  .scene_count = t.scenes.size(0),
                  .views = views.data(),
                  .grid = grid,
                  .antialiased = antialiased,
                  .threads = at::get_num_threads()};
  }

  splat_cpu::BlendInputs blending(const Tensor& splats, const Tensor& entries, const Tensor& tile_offsets,
                                  const Tensor& backgrounds) const {
    return {.splats = reinterpret_cast<const splat_cpu::Splat*>(floats(splats)),
            .views = ranges.data(),
            .view_count = static_cast<int64_t>(ranges.size()),
            .entries = reinterpret_cast<const splat_cpu::TileEntry*>(entries.data_ptr<int32_t>()),
            .tile_offsets = tile_offsets.data_ptr<int32_t>(),
            .backgrounds = floats(backgrounds),
            .grid = grid,
            .threads = projection.threads};
  }
};

/// Splats of all views and the lists of all tiles.
struct Bins {
  Tensor splats, first_slot, entries, tile_offsets;
};

Bins project_and_bin(const Binding& binding, const RasterizeOptions& options, const Memory& memory) {
  int64_t count = 0;
  for (const auto& range : binding.ranges) count += range.count;
  Bins bins;
  bins.splats = memory.empty({count, splat_cpu::kSplatFloats});  // aligned to 64 bytes, as LibTorch's are
  auto* splats = reinterpret_cast<splat_cpu::Splat*>(floats(bins.splats));
  splat_cpu::project_forward(binding.projection, static_cast<float>(options.near_plane), static_cast<float>(options.far_plane),
                             splats);

  const splat_cpu::BinningParameters binning = {.splats = splats,
                                                .views = binding.ranges.data(),
                                                .view_count = static_cast<int64_t>(binding.ranges.size()),
                                                .splat_count = count,
                                                .grid = binding.grid,
                                                .threads = binding.projection.threads};
  bins.first_slot = memory.empty({count + 1}, at::kInt);
  bins.tile_offsets = memory.empty({binning.view_count * binding.grid.tiles() + 1}, at::kInt);
  auto* first_slot = bins.first_slot.data_ptr<int32_t>();
  auto* tile_offsets = bins.tile_offsets.data_ptr<int32_t>();
  const Tensor keys = memory.empty({2 * count, 2}, at::kInt), tiles = memory.empty({count, 2}, at::kInt),
               drawn = memory.empty({binning.view_count}, at::kInt),
               next_entry = memory.empty({binning.view_count * binding.grid.tiles()}, at::kInt);
  const splat_cpu::BinningScratch scratch = {reinterpret_cast<splat_cpu::DepthKey*>(keys.data_ptr<int32_t>()),
                                             reinterpret_cast<splat_cpu::SplatTiles*>(tiles.data_ptr<int32_t>()),
                                             drawn.data_ptr<int32_t>(), next_entry.data_ptr<int32_t>()};
  const int64_t pairs = splat_cpu::count_tile_entries(binning, scratch, first_slot, tile_offsets);
  require(pairs >= 0, "rasterize: more than 2^31 pairs of Gaussian and image tile; render fewer cameras at once");
  bins.entries = memory.empty({pairs, 2}, at::kInt);
  splat_cpu::fill_tile_entries(binning, first_slot, tile_offsets, scratch,
                               reinterpret_cast<splat_cpu::TileEntry*>(bins.entries.data_ptr<int32_t>()));
  return bins;
}

struct RasterizeFunction : torch::autograd::Function<RasterizeFunction> {
  static variable_list forward(AutogradContext* ctx, const Tensor& means, const Tensor& quats, const Tensor& scales,
                               const Tensor& opacities, const Tensor& colors, const Tensor& world_to_camera,
                               const RasterizeTensors& rest, int64_t width, int64_t height, const RasterizeOptions& options) {
    const RasterizeTensors tensors = {means,           quats,           scales,           opacities,  colors,
                                      world_to_camera, rest.intrinsics, rest.backgrounds, rest.scenes};
    const Binding binding(tensors, width, height, options.antialiased);
    const auto memory = c10::make_intrusive<Memory>(options.workspace);
    const auto bins = project_and_bin(binding, options, *memory);

    const int64_t views = world_to_camera.size(0);
    const Tensor rgb = memory->empty({views, 3, height, width}), alpha = memory->empty({views, 1, height, width});
    const Tensor depth = options.depth ? memory->empty({views, 1, height, width}) : Tensor();
    const Tensor median = options.median_depth ? memory->empty({views, 1, height, width}) : Tensor();
    const Tensor transmittance = memory->empty({views, height, width}), last = memory->empty({views, height, width}, at::kInt);
    splat_cpu::blend_forward(
        binding.blending(bins.splats, bins.entries, bins.tile_offsets, rest.backgrounds),
        {floats(rgb), floats(alpha), floats(depth), floats(median), floats(transmittance), last.data_ptr<int32_t>()});

    variable_list saved(kSavedCount);
    saved[kMeans] = means, saved[kQuats] = quats, saved[kScales] = scales, saved[kOpacities] = opacities, saved[kColors] = colors;
    saved[kWorldToCamera] = world_to_camera, saved[kIntrinsics] = rest.intrinsics, saved[kBackgrounds] = rest.backgrounds;
    saved[kScenes] = rest.scenes, saved[kSplats] = bins.splats, saved[kFirstSlot] = bins.first_slot,
    saved[kEntries] = bins.entries;
    saved[kTileOffsets] = bins.tile_offsets, saved[kTransmittance] = transmittance, saved[kLast] = last;
    ctx->save_for_backward(saved);
    ctx->saved_data["width"] = width;
    ctx->saved_data["height"] = height;
    ctx->saved_data["antialiased"] = options.antialiased;
    ctx->set_materialize_grads(false);
    ctx->saved_data["memory"] = c10::IValue::make_capsule(memory);
    variable_list images = {rgb, alpha};
    if (options.depth) images.push_back(depth);
    if (options.median_depth) images.push_back(median), ctx->mark_non_differentiable({median});
    ctx->saved_data["depth"] = options.depth;
    return images;
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& v_outputs) {
    const auto saved = ctx->get_saved_variables();
    const RasterizeTensors tensors = {saved[kMeans],      saved[kQuats],       saved[kScales],
                                      saved[kOpacities],  saved[kColors],      saved[kWorldToCamera],
                                      saved[kIntrinsics], saved[kBackgrounds], saved[kScenes]};
    const int64_t width = ctx->saved_data["width"].toInt(), height = ctx->saved_data["height"].toInt();
    const Binding binding(tensors, width, height, ctx->saved_data["antialiased"].toBool());

    const auto v_output = [&](size_t i) {
      return i < v_outputs.size() && v_outputs[i].defined() ? v_outputs[i].contiguous() : Tensor();
    };
    const Tensor v_rgb = v_output(0), v_alpha = v_output(1), v_depth = ctx->saved_data["depth"].toBool() ? v_output(2) : Tensor();
    const auto capsule = ctx->saved_data["memory"].toCapsule();
    const auto& memory = static_cast<const Memory&>(*capsule);
    const Tensor moments = memory.empty({saved[kEntries].size(0), splat_cpu::kMomentFloats});
    auto* moment_array = reinterpret_cast<splat_cpu::SplatMoments*>(floats(moments));
    splat_cpu::blend_backward(
        binding.blending(saved[kSplats], saved[kEntries], saved[kTileOffsets], saved[kBackgrounds]),
        {floats(saved[kTransmittance]), saved[kLast].data_ptr<int32_t>(), floats(v_rgb), floats(v_alpha), floats(v_depth)},
        moment_array);

    variable_list v(kArgumentCount);
    const auto gradient = [&](Saved input) { return memory.empty(saved[input].sizes()); };
    v[kMeansArgument] = gradient(kMeans);
    v[kQuatsArgument] = gradient(kQuats);
    v[kScalesArgument] = gradient(kScales);
    v[kOpacitiesArgument] = gradient(kOpacities);
    v[kColorsArgument] = gradient(kColors);
    Tensor scratch;
    if (ctx->needs_input_grad(kWorldToCameraArgument)) {
      v[kWorldToCameraArgument] = gradient(kWorldToCamera);
      scratch = memory.empty({splat_cpu::project_backward_scratch(binding.projection)}, at::kDouble);
    }
    splat_cpu::project_backward(binding.projection, saved[kFirstSlot].data_ptr<int32_t>(), moment_array,
                                {floats(v[kMeansArgument]), floats(v[kQuatsArgument]), floats(v[kScalesArgument]),
                                 floats(v[kOpacitiesArgument]), floats(v[kColorsArgument]), floats(v[kWorldToCameraArgument]),
                                 scratch.defined() ? scratch.data_ptr<double>() : nullptr});
    v[kColorsArgument] = v[kColorsArgument].to(saved[kColors].scalar_type());
    return v;
  }
};

}  // namespace

Rendering rasterize_joined(const RasterizeTensors& t, int64_t width, int64_t height, const RasterizeOptions& options) {
#if defined(GSV3D_CUDA_KERNELS)
  if (t.means.is_cuda()) return splat_cuda::rasterize_joined(t, width, height, options);
#endif
  const RasterizeTensors rest = {{}, {}, {}, {}, {}, {}, t.intrinsics, t.backgrounds, t.scenes};
  const auto outputs = RasterizeFunction::apply(t.means, t.quats, t.scales, t.opacities, t.colors, t.world_to_camera, rest, width,
                                                height, options);
  Rendering r = {outputs[0], outputs[1], {}, {}};
  size_t next = 2;
  if (options.depth) r.depth = outputs[next++];
  if (options.median_depth) r.median_depth = outputs[next];
  return r;
}

}  // namespace gsv3d
