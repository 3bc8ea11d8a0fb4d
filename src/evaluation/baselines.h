// What needs no learning of geometry; a method that does not beat these has not shown anything.
#pragma once

#include <filesystem>
#include <vector>

#include "evaluation/method.h"

namespace gsv3d {

/// The input picture for every camera. Knows no depth.
Method repeated_input_method();

/// The input picture on a plane through the origin that faces the input camera, seen from both sides (bilinear, exact
/// projection).
Method billboard_method();

/// The training object whose input view (view 0 of any of its orbits) is nearest in mean squared error over white; for each
/// target its rendered view from the nearest direction. Reads the shards twice and keeps only the objects it needs. Throws Error
/// when the training views have another size. `cases` are the objects it will be asked for.
Method nearest_object_method(const std::filesystem::path& training_shards, const std::vector<EvaluationCase>& cases);

}  // namespace gsv3d
