#include "version.h"

#include <ATen/Context.h>
#include <ATen/Version.h>
#include <fmt/format.h>
#include <torch/csrc/api/include/torch/version.h>

#include "gsv3d_commit.h"
#include "mesh/atlas.h"
#include "mesh/convex_hull.h"
#include "training/process_group.h"

namespace gsv3d {

std::string version_number() {
  return GSV3D_VERSION;
}

std::vector<std::pair<std::string, bool>> built_parts() {
  return {{"pictures", GSV3D_WITH_IMAGE_FILES}, {"matting", GSV3D_WITH_MATTING},
          {"video", GSV3D_WITH_VIDEO},          {"object files", GSV3D_WITH_OBJECT_FILES},
          {"Embree", GSV3D_WITH_EMBREE},        {"meshes", has_mesh_libraries()},
          {"convex meshes", has_convex_hull()}, {"training in several processes", std::string(group_engines()) != "none"},
          {"service", GSV3D_WITH_SERVICE},      {"PostgreSQL", GSV3D_WITH_POSTGRESQL},
          {"CUDA", at::Context::hasCUDA()}};
}

std::string version_text() {
  std::string with, without;
  for (const auto& [name, there] : built_parts())
    (there ? with : without) += ((there ? with : without).empty() ? "" : ", ") + name;
  return fmt::format("gsv3d {} (commit {})\nbuilt by {} as {}, with {}{}\nLibTorch {}", GSV3D_VERSION, GSV3D_COMMIT,
                     GSV3D_COMPILER, GSV3D_BUILD_TYPE, with, without.empty() ? "" : "; without " + without, TORCH_VERSION);
}

}  // namespace gsv3d
