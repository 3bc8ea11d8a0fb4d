// transforms.json: pictures with cameras as NeRF's synthetic scenes, Blender, instant-ngp and nerfstudio have them.
#pragma once

#include "dataset/posed_views.h"

namespace gsv3d {

/// Reads such a file under any name; what of it is understood: posed_views.h.
PosedViews read_transforms(const std::filesystem::path& path, const PosedViewsOptions& options);

}  // namespace gsv3d
