// From Gaussians to a textured mesh: render from all around, fuse the depth, extract, clean, simplify, unwrap, bake.
// Choices and their measured effect: docs/mesh.md.
#pragma once

#include <functional>
#include <string>

#include "gaussians/gaussians.h"
#include "mesh/bake.h"
#include "mesh/mesh.h"

namespace gsv3d {

struct MeshOptions {
  int64_t resolution = 128;     ///< samples of the distance field along the object's longest side, 16 to 512
  int64_t triangles = 10000;    ///< at most
  int64_t texture_size = 1024;  ///< pixels a side, 16 to 8192
  bool watertight = false;      ///< one piece only, checked for 3D printing: see mesh_gaussians
  bool texture = true;          ///< false: only positions, triangles and normals
};

/// Called with the stage's name, and how much of it is done: at each stage's start (0), and again during the slow ones.
using MeshProgress = std::function<void(const std::string& stage, int64_t done, int64_t total)>;

/// A mesh in the Gaussians' world, its triangles facing outward: a closed manifold (Topology::manifold), joined at equal
/// positions. Watertight ones are also one piece, and no two of their triangles cross. The same input gives the same mesh. Throws
/// Error when there is no surface (no Gaussians, all nearly transparent), when options are out of range, and in builds without
/// the mesh libraries (has_mesh_libraries); Cancelled on Ctrl-C. Photos, if there are any, give their colours to the sides that
/// they shows.
Mesh mesh_gaussians(const Gaussians& gaussians, const MeshOptions& options = {}, const MeshProgress& on_stage = {},
                    std::vector<PosedPhoto> photos = {});

struct DepthViews;

/// The geometry alone, from any depth images: a closed mesh of the surface inside `box`, at the options' resolution and within
/// their budget of triangles, without normals. Throws Error when nothing of it is inside the box.
Mesh mesh_depth_views(const DepthViews& views, const Box& box, const MeshOptions& options);

}  // namespace gsv3d
