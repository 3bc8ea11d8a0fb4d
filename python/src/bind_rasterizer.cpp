#include <nanobind/stl/optional.h>
#include <nanobind/stl/tuple.h>

#include "bindings.h"
#include "core/error.h"
#include "rasterizer/rasterize_scenes.h"
#include "rasterizer/rasterizer_reference.h"
#include "tensor_caster.h"

namespace nb = nanobind;

namespace gsv3d::python {
namespace {

using OptionalTensor = std::optional<Tensor>;

/// What is rendered in one call: the kernels' scenes, or one after the other by the plain twin.
std::vector<Rendering> render(const std::vector<RasterizeScene>& scenes, const RasterizeOptions& options, bool reference) {
  if (!reference) return rasterize_scenes(scenes, options);
  std::vector<Rendering> renderings;
  for (const RasterizeScene& scene : scenes) renderings.push_back(rasterize_reference(scene, options));
  return renderings;
}

/// One scene for all cameras; where every camera has colours of its own, one scene per camera.
std::vector<RasterizeScene> scenes_of(const Gaussians& gaussians, const Tensor& colors, bool harmonics, const Cameras& cameras,
                                      const Tensor& background) {
  const auto scene = [&](const Tensor& own_colors, const Cameras& own_cameras, const Tensor& own_background) {
    RasterizeScene made{gaussians, {}, own_cameras, own_background};
    (harmonics ? made.gaussians.sh : made.colors) = own_colors;
    return made;
  };
  if (colors.dim() == (harmonics ? 3 : 2)) return {scene(colors, cameras, background)};
  std::vector<RasterizeScene> scenes;
  for (int64_t camera = 0; camera < cameras.count(); ++camera) {
    const bool row = background.defined() && background.dim() == 2;
    scenes.push_back(
        scene(colors[camera], cameras.slice(camera, camera + 1), row ? background.slice(0, camera, camera + 1) : background));
  }
  return scenes;
}

std::tuple<Tensor, Tensor, Tensor, Tensor> rasterize_tensors(const Gaussians& gaussians, const Tensor& colors, bool harmonics,
                                                             const Cameras& cameras, const Tensor& background,
                                                             const RasterizeOptions& options, bool reference) {
  const auto renderings = render(scenes_of(gaussians, colors, harmonics, cameras, background), options, reference);
  const auto all = [&](Tensor Rendering::*image) {
    std::vector<Tensor> images;
    for (const Rendering& rendering : renderings) images.push_back(rendering.*image);
    return images.size() == 1 || !images.front().defined() ? images.front() : at::cat(images);
  };
  return {all(&Rendering::rgb), all(&Rendering::alpha), all(&Rendering::depth), all(&Rendering::median_depth)};
}

}  // namespace

void bind_rasterizer(nb::module_& module) {
  module.def(
      "rasterize",
      [](const Tensor& means, const Tensor& quats, const Tensor& scales, const Tensor& opacities, const Tensor& colors,
         bool harmonics, const Tensor& world_to_camera, const Tensor& intrinsics, int64_t width, int64_t height,
         const OptionalTensor& background, bool antialiased, bool depth, bool median_depth, double near_plane, double far_plane,
         bool reference) {
        const nb::gil_scoped_release unlocked;
        RasterizeOptions options;
        options.antialiased = antialiased;
        options.depth = depth, options.median_depth = median_depth;
        options.near_plane = near_plane, options.far_plane = far_plane;
        try {
          return rasterize_tensors({means, quats, scales, opacities, {}}, colors, harmonics,
                                   {world_to_camera, intrinsics, width, height}, background.value_or(Tensor()), options,
                                   reference);
        } catch (const Error& error) {  // all of them are about the arguments
          throw UsageError(error.what());
        }
      },
      nb::arg("means"), nb::arg("quats"), nb::arg("scales"), nb::arg("opacities"), nb::arg("colors"), nb::arg("harmonics"),
      nb::arg("world_to_camera"), nb::arg("intrinsics"), nb::arg("width"), nb::arg("height"), nb::arg("background").none(),
      nb::arg("antialiased"), nb::arg("depth"), nb::arg("median_depth"), nb::arg("near_plane"), nb::arg("far_plane"),
      nb::arg("reference"),
      "(rgb, alpha, depth or None, median_depth or None), differentiable. colors: harmonics [N, K, 3] or colours [N, 3], or one "
      "set "
      "per camera with a leading C. reference: plain tensor operations in any floating-point type, slow.");
}

}  // namespace gsv3d::python
