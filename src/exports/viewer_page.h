// viewer.html: one file that shows an object in a browser, from disk, without server or network. docs/viewer.md.
#pragma once

#include <array>
#include <filesystem>
#include <string>

#include "gaussians/gaussians.h"

namespace gsv3d {

/// Where the first look at the object is from: world axes, +Y up, azimuth 0 in front.
struct ViewerStart {
  std::array<double, 3> target = {0, 0, 0};
  double radius = 2;  ///< distance of the camera from the target
  double azimuth_degrees = 0, elevation_degrees = 0;
  double fov_degrees = 33.8;  ///< across the shorter side of the picture
  double reach = 1;           ///< of the object from the target: limits of zoom and depth
};

/// SV3D's camera where the object lies in our cube around the origin, as generated ones do; for others a camera that sees all of
/// the object.
ViewerStart standard_view(const Gaussians& gaussians);

struct ViewerPage {
  std::string title;  ///< also the name of files that are downloaded from the page
  Gaussians gaussians;
  bool antialiased = false;  ///< see RasterizeOptions
  std::string mesh;          ///< bytes of a GLB file; empty: none
  ViewerStart view;
};

/// Up to so many Gaussians are in the page as 3DGS PLY, without loss; more as SPZ, a fifth as large.
inline constexpr int64_t kMostGaussiansAsPly = 100'000;

/// Writes the page, whole or not at all. Throws Error when a value is not finite or the file cannot be written.
void write_viewer(const std::filesystem::path& path, const ViewerPage& page);

}  // namespace gsv3d
