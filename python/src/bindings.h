// The parts of the module gsv3d._native: tensors, numbers and plain objects. What people call is the Python package around it
// (python/gsv3d/), which knows defaults and checks arguments.
#pragma once

#include <nanobind/nanobind.h>

namespace gsv3d::python {

void bind_pictures(nanobind::module_& module);
void bind_gaussians(nanobind::module_& module);
void bind_rasterizer(nanobind::module_& module);
void bind_meshes(nanobind::module_& module);
void bind_generation(nanobind::module_& module);
void bind_text(nanobind::module_& module);

}  // namespace gsv3d::python
