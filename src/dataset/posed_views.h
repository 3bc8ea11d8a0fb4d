// Pictures with known cameras, from wherever a user has them: a NeRF or Blender transforms.json, or one sample of our own shards.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "camera/camera.h"
#include "core/tensor.h"

namespace gsv3d {

struct PosedViews {
  std::string id;  ///< of the object, or the folder's name
  Tensor rgba;     ///< [V, 4, H, W] uint8, colour not premultiplied
  Cameras cameras;
  std::vector<std::string> warnings = {};  ///< frames that were left out
};

struct PosedViewsOptions {
  std::string object;    ///< which sample of the shards; empty: the first
  bool z_up = true;      ///< transforms.json: its world has +Z up (NeRF, Blender) and is turned to our +Y up, its front -Y to +Z
  int64_t max_size = 0;  ///< pictures with longer sides are shrunk to this many pixels; 0: left as they are
};

/// What a limit of the longer side makes of a picture's size: width, height. 0: no limit.
std::pair<int64_t, int64_t> limited_size(int64_t width, int64_t height, int64_t max_size);

/// path: a folder with transforms.json or transforms_train.json, such a file under any name, a .tar shard or a folder of shards
/// (dataset/shards.h).
/// Of transforms.json, for the whole file or per frame: camera_angle_x, or fl_x, fl_y, cx, cy, with w and h, which pictures must
/// have, or have shrunk; k1 … k3, p1, p2 of perspective lenses and k1 … k4 of fisheye lenses (camera_model OPENCV_FISHEYE,
/// is_fisheye), whose pictures are undistorted (lens_distortion.h). Frames have file_path (relative to the file; its extension
/// may be missing, backslashes are slashes), mask_path (white where the object is) and transform_matrix, camera to world in
/// OpenGL axes. Cameras refer to pixels as they are stored, not as EXIF tags turn them, unless w and h say so. Pictures must have
/// one size. Frames without picture or pose are left out with a warning in the log and the result; when they are more than half
/// of all, that is an error. Throws Error when something else is missing or damaged, for other kinds of cameras by name, and when
/// the pictures together exceed 2²⁹ pixels.
PosedViews read_posed_views(const std::filesystem::path& path, const PosedViewsOptions& options = {});

}  // namespace gsv3d
