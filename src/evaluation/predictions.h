// What another program made of the objects, as a method: one file per object.
#pragma once

#include <filesystem>

#include "evaluation/alignment.h"
#include "evaluation/method.h"

namespace gsv3d {

/// The file of one object: folder/ID or folder/ID with slashes as underscores, ending in .ply, .compressed.ply, .splat, .spz,
/// .sog, .glb, .gltf or .obj. Throws Error when there is none, or more than one.
std::filesystem::path find_prediction(const std::filesystem::path& folder, const std::string& id);

/// The same, empty instead of an Error.
std::filesystem::path prediction_file(const std::filesystem::path& folder, const std::string& id);

/// Predictions in our world (+Y up, front +Z, the truth's scale and place) or, with `alignment`, brought there, for which the
/// case needs its true surface; files of Gaussians that say their axes are turned (gaussian_file.h). Gaussians are rasterized,
/// meshes ray-traced in the light of our data sets. Predicting throws Error with a reason when an object has no file, an
/// unreadable or empty one, values that are not finite, an extent beyond 0.1 to 10 world units (objects have about 1), or when
/// nothing of it is seen in any target view. Throws Error when `folder` is no folder.
Method predictions_method(const std::filesystem::path& folder, Alignment alignment = Alignment::none,
                          std::string name = "predictions");

}  // namespace gsv3d
