// Triangles of object files as the surfaces that geometry is scored on.
#pragma once

#include <filesystem>

#include "evaluation/geometry.h"
#include "evaluation/method.h"
#include "mesh/mesh.h"
#include "objects/object.h"

namespace gsv3d {

TriangleSurface surface_of_object(const Object& object);
TriangleSurface surface_of_mesh(const Mesh& mesh);

/// Gives every case the true surface of the object of its id behind `source` (list_objects with `split_file`, which names objects
/// in furniture libraries; empty: none), normalised as its views were rendered. Cases without such an object, or whose object
/// cannot be read, keep none: a warning names them. Throws Error when `source` has none of `ids`, those of the whole evaluation.
void attach_surfaces(std::vector<EvaluationCase>& cases, const std::vector<std::string>& ids, const std::filesystem::path& source,
                     const std::filesystem::path& split_file = {});

}  // namespace gsv3d
