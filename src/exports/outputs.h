// What a user gets for one photo: object.ply, object.glb, viewer.html, orbit.mp4, views.png and result.json.
#pragma once

#include <filesystem>
#include <string>

#include "core/config.h"
#include "core/output_folder.h"
#include "mesh/gaussian_mesh.h"
#include "mesh/physical_size.h"
#include "pipeline/pipeline.h"

namespace gsv3d {

struct OutputOptions {
  int64_t orbit_frames = 42;  ///< one turn around the object
  int64_t orbit_size = 256;   ///< pixels; never below the model's own
  double frames_per_second = 21;
  bool mesh = true;     ///< also object.glb
  bool viewer = true;   ///< also viewer.html
  Placement placement;  ///< of object.glb; the page shows the mesh where the Gaussians are
  MeshProgress on_mesh_progress;
};

/// What result.json says of the run besides the result itself.
struct RunRecord {
  std::string input;    ///< the photo's file name
  std::string version;  ///< of the program
  uint64_t seed = 0;
  int threads = 1;
  Json text = nullptr;  ///< how the photo was made from text (pipeline/text_pictures.h); null: it was given
};

/// Writes into folder.staging(), does not commit:
///   object.ply   3DGS file (gaussian_files/ply.h), with the Gaussians' confidence where that was asked for
///   object.glb   textured mesh (mesh/gaussian_mesh.h), unless the Gaussians have no surface or this build no mesh libraries
///   viewer.html  a page that shows both in a browser (exports/viewer_page.h)
///   orbit.mp4    the Gaussians on an orbit at the photo's elevation (left out in builds without FFmpeg)
///   views.png    contact sheet: framed photo; generated views; the Gaussians and their depth from the same cameras
///   result.json  model, seed, settings, seconds per stage, counts, peak memory, version
/// Without Gaussians (views only) there is no object.ply, object.glb, viewer.html and orbit.mp4. Adds the time it took to the
/// result's. Throws Error when a file cannot be written.
void write_outputs(const OutputFolder& folder, Result& result, const Model& model, const RunRecord& record,
                   const OutputOptions& options = {});

/// Every name write_outputs may use: for OutputFolder::commit.
const std::vector<std::string>& output_file_names();

}  // namespace gsv3d
