// Pictures with known cameras, from wherever a user has them: a NeRF or Blender transforms.json, or one sample of our own shards.
#pragma once

#include <filesystem>
#include <string>

#include "camera/camera.h"
#include "core/tensor.h"

namespace gsv3d {

struct PosedViews {
  std::string id;  ///< of the object, or the folder's name
  Tensor rgba;     ///< [V, 4, H, W] uint8, colour not premultiplied
  Cameras cameras;
};

struct PosedViewsOptions {
  std::string object;    ///< which sample of the shards; empty: the first
  bool z_up = true;      ///< transforms.json: its world has +Z up (NeRF, Blender) and is turned to our +Y up, its front -Y to +Z
  int64_t max_size = 0;  ///< pictures with longer sides are shrunk to this many pixels; 0: left as they are
};

/// path: a folder with transforms.json, such a file under any name, a .tar shard or a folder of shards (dataset/shards.h).
/// transforms.json as in NeRF's synthetic scenes and in nerfstudio: camera_angle_x, or fl_x, fl_y, cx, cy (also per frame), and
/// frames with file_path (".png" may be missing; relative to the file) and transform_matrix, camera to world in OpenGL axes.
/// Pictures must have one size. Throws Error when something is missing, damaged, distorted lenses are asked for (k1 … p2 not 0),
/// or the pictures together exceed 2²⁹ pixels.
PosedViews read_posed_views(const std::filesystem::path& path, const PosedViewsOptions& options = {});

}  // namespace gsv3d
