// Pictures and films of an object of Gaussians: what `gsv3d render` writes.
#pragma once

#include <array>
#include <filesystem>
#include <functional>
#include <optional>
#include <vector>

#include "gaussians/gaussians.h"

namespace gsv3d {

struct RenderObjectOptions {
  int64_t frames = 0;  ///< 0: 1 for .png, 21 for a folder, 36 for .gif and .webp, 72 for .mp4
  int64_t size = 512;  ///< pixels; pictures are square
  int64_t supersampling = 1;
  double azimuth_degrees = 0;  ///< of the first frame
  double elevation_degrees = 10;
  double orbit_degrees = 360;  ///< how far the camera goes around over all frames, counter-clockwise seen from above
  double fov_y_degrees = 33.8;
  std::optional<double> radius;  ///< distance of the camera from the origin; none: the object is centred and fills the picture
  std::optional<std::array<float, 3>> background = std::array<float, 3>{1, 1, 1};  ///< none: transparent (not in .mp4)
  bool antialiased = false;                                                        ///< RasterizeOptions::antialiased
  bool depth = false, normals = false;                                             ///< also write NAME_depth and NAME_normals
  std::optional<double> frames_per_second;                                         ///< none: 24 for .mp4, 12 for .gif and .webp
};

/// Called after each frame: done, of how many.
using RenderProgress = std::function<void(int64_t done, int64_t frames)>;

/// Renders the object on an orbit and writes what the name of `output` says: .mp4; .gif or .webp (one frame: a still picture);
/// .png (several frames: all on one sheet); a folder (a name without extension): 0000.png … Depth is drawn near light, far dark,
/// on one scale for all frames; normals are those of the depth, x right, y up and z towards the camera as red, green and blue. →
/// the files, or first files of folders, that were written; each appears whole or not at all. Throws UsageError for options and
/// names that make no sense, Error when a file cannot be written, Cancelled on Ctrl-C.
std::vector<std::filesystem::path> render_object(const Gaussians& gaussians, const std::filesystem::path& output,
                                                 const RenderObjectOptions& options = {}, const RenderProgress& progress = {});

}  // namespace gsv3d
