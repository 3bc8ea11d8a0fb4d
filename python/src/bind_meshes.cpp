#include <nanobind/ndarray.h>
#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/string.h>

#include "bindings.h"
#include "core/error.h"
#include "interrupts.h"
#include "mesh/gaussian_mesh.h"
#include "mesh/mesh_files.h"
#include "mesh_options.h"
#include "tensor_caster.h"

namespace nb = nanobind;

namespace gsv3d::python {
namespace {

/// A numpy array over a mesh's own memory, which the mesh's Python object keeps; None where there are no rows.
template <class Number, class Row>
nb::object array_over(const nb::object& owner, std::vector<Row>& rows) {
  constexpr size_t columns = sizeof(Row) / sizeof(Number);
  if (rows.empty()) return nb::none();
  const size_t shape[] = {rows.size(), columns};
  return nb::cast(nb::ndarray<nb::numpy, Number>(rows.data(), 2, shape, owner));
}

nb::object texture_array(const nb::object& owner, Image& texture) {
  if (texture.pixels.empty()) return nb::none();
  const size_t shape[] = {static_cast<size_t>(texture.height), static_cast<size_t>(texture.width), 4};
  return nb::cast(nb::ndarray<nb::numpy, uint8_t>(texture.pixels.data(), 3, shape, owner));
}

Mesh& mesh_in(const nb::object& self) {
  return nb::cast<Mesh&>(self);
}

}  // namespace

MeshOptions mesh_options(int64_t resolution, int64_t triangles, int64_t texture_size, bool watertight) {
  MeshOptions options;
  options.resolution = resolution;
  options.triangles = triangles;
  options.texture = texture_size != 0;
  if (options.texture) options.texture_size = texture_size;
  options.watertight = watertight;
  return options;
}

void bind_meshes(nb::module_& module) {
  nb::class_<Mesh>(module, "Mesh",
                   "A textured triangle mesh in the Gaussians' world. The arrays are the mesh's own memory: what is changed in "
                   "them is saved.")
      .def_prop_ro(
          "vertices", [](const nb::object& self) { return array_over<float>(self, mesh_in(self).positions); },
          nb::sig("def vertices(self) -> numpy.typing.NDArray[numpy.float32]"), "Positions, float32 [V, 3].")
      .def_prop_ro(
          "faces", [](const nb::object& self) { return array_over<uint32_t>(self, mesh_in(self).triangles); },
          nb::sig("def faces(self) -> numpy.typing.NDArray[numpy.uint32]"),
          "Vertices of each triangle, uint32 [F, 3], counter-clockwise seen from outside.")
      .def_prop_ro(
          "normals", [](const nb::object& self) { return array_over<float>(self, mesh_in(self).normals); },
          nb::sig("def normals(self) -> numpy.typing.NDArray[numpy.float32] | None"), "Unit normals, float32 [V, 3], or None.")
      .def_prop_ro(
          "uv", [](const nb::object& self) { return array_over<float>(self, mesh_in(self).uvs); },
          nb::sig("def uv(self) -> numpy.typing.NDArray[numpy.float32] | None"),
          "Texture coordinates in 0-1, float32 [V, 2], v downward from the texture's upper edge (glTF's), or None.")
      .def_prop_ro(
          "texture", [](const nb::object& self) { return texture_array(self, mesh_in(self).texture); },
          nb::sig("def texture(self) -> numpy.typing.NDArray[numpy.uint8] | None"), "sRGB and alpha, uint8 [H, W, 4], or None.")
      .def(
          "save", [](const Mesh& mesh, const std::filesystem::path& path) { write_mesh(path, mesh); }, nb::arg("path"),
          nb::call_guard<nb::gil_scoped_release>(),
          "Writes .glb, .obj (with .mtl and .png), .ply or .stl, by the name's end, in the Gaussians' own units; whole or not at "
          "all. Raises ValueError for another ending, Error where the file cannot be written.")
      .def("__repr__", [](const Mesh& mesh) {
        return fmt::format(
            "Mesh({} vertices, {} faces, {})", mesh.positions.size(), mesh.triangles.size(),
            mesh.textured() ? fmt::format("texture of {} x {}", mesh.texture.width, mesh.texture.height) : "no texture");
      });
  module.def(
      "mesh_gaussians",
      [](const Tensor& means, const Tensor& quats, const Tensor& scales, const Tensor& opacities, const Tensor& sh,
         int64_t resolution, int64_t triangles, int64_t texture_size, bool watertight, const ProgressFunction& progress) {
        const Gaussians gaussians = Gaussians{means, quats, scales, opacities, sh}.detach();
        return long_call([&] {
          return mesh_gaussians(gaussians, mesh_options(resolution, triangles, texture_size, watertight),
                                progress_callback(progress));
        });
      },
      nb::arg("means"), nb::arg("quats"), nb::arg("scales"), nb::arg("opacities"), nb::arg("sh"), nb::arg("resolution"),
      nb::arg("triangles"), nb::arg("texture_size"), nb::arg("watertight"), nb::arg("progress").none(),
      "A closed, textured mesh of the Gaussians' surface.");
}

}  // namespace gsv3d::python
