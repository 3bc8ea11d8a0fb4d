// Checks, joining of scenes, and devices; the work is in rasterize_function.cpp and cpu/.
#include "rasterizer/rasterizer.h"

#include "core/device.h"
#include "core/error.h"
#include "rasterizer/cpu/layout.h"
#include "rasterizer/rasterize_function.h"
#include "rasterizer/rasterize_scenes.h"
#include "rasterizer/rasterizer_reference.h"

namespace gsv3d {
namespace {

void check_shape(const Tensor& tensor, const char* name, at::IntArrayRef shape, at::Device device) {
  require(tensor.defined(), "rasterize: {} is missing", name);
  require(tensor.sizes() == shape, "rasterize: {} has shape [{}], expected [{}]", name, fmt::join(tensor.sizes(), ", "),
          fmt::join(shape, ", "));
  require(tensor.device() == device, "rasterize: {} is on {}, the means are on {}", name, tensor.device().str(), device.str());
}

void check(const Tensor& tensor, const char* name, at::IntArrayRef shape, at::Device device) {
  check_shape(tensor, name, shape, device);
  require(tensor.scalar_type() == at::kFloat, "rasterize: {} is {}, expected float32", name, at::toString(tensor.scalar_type()));
}

/// Colours may be stored in half precision.
void check_colors(const Tensor& tensor, const char* name, at::IntArrayRef shape, at::Device device) {
  check_shape(tensor, name, shape, device);
  const auto type = tensor.scalar_type();
  require(type == at::kFloat || type == at::kHalf || type == at::kBFloat16,
          "rasterize: {} is {}, expected float32, float16 or bfloat16", name, at::toString(type));
}

void check_scene(const RasterizeScene& scene) {
  const auto& g = scene.gaussians;
  require(g.means.defined() && g.means.dim() == 2, "rasterize: means must be [G, 3]");
  const auto device = g.means.device();
  const int64_t count = g.count();
  check(g.means, "means", {count, 3}, device);
  check(g.quats, "quats", {count, 4}, device);
  check(g.scales, "scales", {count, 3}, device);
  check(g.opacities, "opacities", {count}, device);
  if (scene.colors.defined()) {
    check_colors(scene.colors, "colors", {count, 3}, device);
  } else {
    require(g.sh.defined() && g.sh.dim() == 3, "rasterize: sh must be [G, K, 3]");
    check_colors(g.sh, "sh", {count, (g.sh_degree() + 1) * (g.sh_degree() + 1), 3}, device);
  }
  const auto& cameras = scene.cameras;
  require(cameras.world_to_camera.defined() && cameras.world_to_camera.dim() == 3,
          "rasterize: world_to_camera must be [C, 4, 4]");
  check(cameras.world_to_camera, "world_to_camera", {cameras.count(), 4, 4}, device);
  check(cameras.intrinsics, "intrinsics", {cameras.count(), 3, 3}, device);
  constexpr int64_t kLargest = 1 << 15;
  require(cameras.width > 0 && cameras.height > 0 && cameras.width <= kLargest && cameras.height <= kLargest,
          "rasterize: images of {} x {} pixels; each side must be 1 to {}", cameras.width, cameras.height, kLargest);
  require(count <= (int64_t{1} << 31) - 1, "rasterize: {} Gaussians are too many", count);
}

/// The scene's background as [C, 3].
Tensor background_rows(const RasterizeScene& scene) {
  const int64_t views = scene.cameras.count();
  const auto& background = scene.background;
  if (!background.defined()) return at::zeros({views, 3}, scene.gaussians.means.options());
  const bool row = background.dim() == 1 && background.size(0) == 3;
  require(row || (background.dim() == 2 && background.size(0) == views && background.size(1) == 3),
          "rasterize: the background has shape [{}], expected [3] or [{}, 3]", fmt::join(background.sizes(), ", "), views);
  return background.detach().to(at::kFloat).expand({views, 3});
}

#if defined(GSV3D_CUDA_KERNELS)
constexpr bool kHasCudaKernels = true;
#else
constexpr bool kHasCudaKernels = false;
#endif

template <class Pick>
Tensor join(const std::vector<RasterizeScene>& scenes, RasterizerChoice choice, const Pick& pick) {
  std::vector<Tensor> parts;
  for (const auto& scene : scenes) {
    const Tensor part = pick(scene);
    const bool stays = kHasCudaKernels && part.is_cuda() && choice == RasterizerChoice::automatic;
    parts.push_back(stays ? part : part.to(at::kCPU));
  }
  return (parts.size() == 1 ? parts[0] : at::cat(parts)).contiguous();
}

Tensor scene_ranges(const std::vector<RasterizeScene>& scenes) {
  const Tensor table = at::empty({static_cast<int64_t>(scenes.size()), splat_cpu::kSceneRangeInts}, at::kLong);
  auto* range = reinterpret_cast<splat_cpu::SceneRange*>(table.data_ptr<int64_t>());
  splat_cpu::SceneRange next = {0, 0, 0, 0, 0};
  for (const auto& scene : scenes) {
    next.gaussian_end = next.gaussian_begin + scene.gaussians.count();
    next.view_end = next.view_begin + scene.cameras.count();
    *range++ = next;
    next.splat_begin += next.gaussians() * next.views();
    next.gaussian_begin = next.gaussian_end;
    next.view_begin = next.view_end;
  }
  return table;
}

std::vector<Rendering> render_by_reference(const std::vector<RasterizeScene>& scenes, const RasterizeOptions& options) {
  const Autocast exact(scenes.front().gaussians.means.device().type(), at::kFloat);
  std::vector<Rendering> renderings;
  for (const auto& scene : scenes) renderings.push_back(rasterize_reference(scene, options));
  return renderings;
}

}  // namespace

std::vector<Rendering> rasterize_scenes(const std::vector<RasterizeScene>& scenes, const RasterizeOptions& options) {
  return rasterize_scenes(scenes, options, rasterizer_choice());
}

std::vector<Rendering> rasterize_scenes(const std::vector<RasterizeScene>& scenes, const RasterizeOptions& options,
                                        RasterizerChoice choice) {
  if (scenes.empty()) return {};
  for (const auto& scene : scenes) {
    check_scene(scene);
    const auto& first = scenes.front();
    require(scene.cameras.width == first.cameras.width && scene.cameras.height == first.cameras.height,
            "rasterize: scenes rendered together must have images of one size");
    require(scene.colors.defined() == first.colors.defined() &&
                (scene.colors.defined() || scene.gaussians.sh.size(1) == first.gaussians.sh.size(1)),
            "rasterize: scenes rendered together must use the same degree of spherical harmonics");
    require(scene.color().scalar_type() == first.color().scalar_type(),
            "rasterize: scenes rendered together must store colours in one type");
  }
  if (choice == RasterizerChoice::reference) return render_by_reference(scenes, options);
  const RasterizeTensors joined = {
      .means = join(scenes, choice, [](const auto& s) { return s.gaussians.means; }),
      .quats = join(scenes, choice, [](const auto& s) { return s.gaussians.quats; }),
      .scales = join(scenes, choice, [](const auto& s) { return s.gaussians.scales; }),
      .opacities = join(scenes, choice, [](const auto& s) { return s.gaussians.opacities; }),
      .colors = join(scenes, choice, [](const auto& s) { return s.color(); }),
      .world_to_camera = join(scenes, choice, [](const auto& s) { return s.cameras.world_to_camera; }),
      .intrinsics = join(scenes, choice, [](const auto& s) { return s.cameras.intrinsics.detach(); }),
      .backgrounds = join(scenes, choice, background_rows),
      .scenes = scene_ranges(scenes),
  };
  const auto& cameras = scenes.front().cameras;
  const auto all = rasterize_joined(joined, cameras.width, cameras.height, options);
  // One split of all images, whose gradient is one concatenation; a slice per scene would cost a whole batch of zeros each.
  // One scene needs neither.
  std::vector<int64_t> counts;
  for (const auto& scene : scenes) counts.push_back(scene.cameras.count());
  const auto split = [&](const Tensor& images) {
    if (!images.defined() || scenes.size() == 1) return std::vector<Tensor>(scenes.size(), images);
    return images.split_with_sizes(counts);
  };
  const auto rgb = split(all.rgb), alpha = split(all.alpha), depth = split(all.depth), median = split(all.median_depth);
  std::vector<Rendering> renderings;
  for (size_t i = 0; i < scenes.size(); ++i) {
    const auto back = [&](const Tensor& images) {
      return images.defined() ? images.to(scenes[i].gaussians.means.device()) : Tensor();
    };
    renderings.push_back({back(rgb[i]), back(alpha[i]), back(depth[i]), back(median[i])});
  }
  return renderings;
}

std::vector<Rendering> rasterize_batch(const std::vector<Gaussians>& gaussians, const std::vector<Cameras>& cameras,
                                       const Tensor& background, const RasterizeOptions& options) {
  require(gaussians.size() == cameras.size(), "rasterize: {} scenes but {} sets of cameras", gaussians.size(), cameras.size());
  std::vector<RasterizeScene> scenes;
  for (size_t i = 0; i < gaussians.size(); ++i) scenes.push_back({gaussians[i], {}, cameras[i], background});
  return rasterize_scenes(scenes, options);
}

Rendering rasterize(const Gaussians& gaussians, const Cameras& cameras, const Tensor& background,
                    const RasterizeOptions& options) {
  return rasterize_scenes({{gaussians, {}, cameras, background}}, options).front();
}

Tensor expected_depth(const Rendering& rendering) {
  require(rendering.depth.defined(), "expected_depth: the rendering was made without depth");
  return rendering.depth / rendering.alpha.clamp_min(1e-10);
}

}  // namespace gsv3d
