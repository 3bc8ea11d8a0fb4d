#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/tuple.h>

#include "bindings.h"
#include "camera/camera.h"
#include "gaussian_files/gaussian_file.h"
#include "tensor_caster.h"

namespace nb = nanobind;

namespace gsv3d::python {

void bind_gaussians(nb::module_& module) {
  module.def(
      "read_gaussians",
      [](const std::filesystem::path& path) {
        const nb::gil_scoped_release unlocked;
        const auto [read, antialiased, warnings, confidence] = read_gaussians(path);
        return std::tuple{read.means, read.quats, read.scales, read.opacities, read.sh, confidence};
      },
      nb::arg("path"),
      "(means, quats, scales, opacities, sh, confidence or None) of a file in any format that docs/formats.md names.");
  module.def(
      "write_gaussians",
      [](const std::filesystem::path& path, const Tensor& means, const Tensor& quats, const Tensor& scales,
         const Tensor& opacities, const Tensor& sh, const std::optional<Tensor>& confidence, bool antialiased) {
        const nb::gil_scoped_release unlocked;
        const auto plain = [](const Tensor& tensor) { return tensor.detach().to(at::kCPU, at::kFloat).contiguous(); };
        WriteOptions options;
        options.antialiased = antialiased;
        if (confidence) options.confidence = plain(*confidence);
        write_gaussians(path, {plain(means), plain(quats), plain(scales), plain(opacities), plain(sh)}, options);
      },
      nb::arg("path"), nb::arg("means"), nb::arg("quats"), nb::arg("scales"), nb::arg("opacities"), nb::arg("sh"),
      nb::arg("confidence").none(), nb::arg("antialiased") = false,
      "Writes a file in the format of its name, whole or not at all.");
  module.def(
      "orbit_cameras",
      [](int64_t count, double elevation, double radius, double fov_y, int64_t size) {
        const Cameras made = orbit_cameras(count, elevation, size, {radius, fov_y});
        return std::tuple{made.world_to_camera, made.intrinsics};
      },
      nb::arg("count"), nb::arg("elevation"), nb::arg("radius"), nb::arg("fov_y"), nb::arg("size"),
      "(world_to_camera [C, 4, 4], intrinsics [C, 3, 3]) of cameras around the origin; angles in degrees, size in pixels.");
}

}  // namespace gsv3d::python
