// Nodes of glTF: where meshes stand, and how skins and morph targets shape them (sections 3.5 and 3.7).
#pragma once

#include <array>
#include <vector>

#include "objects/gltf_document.h"

namespace gsv3d {

/// Column-major, as glTF writes it.
struct Matrix4 {
  std::array<double, 16> values{1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1};

  Matrix4 operator*(const Matrix4& other) const;
  std::array<float, 3> point(const float* v) const;
  /// The upper left 3 × 3, row-major.
  std::array<float, 9> linear_part() const;
  /// rotation: a quaternion, xyzw.
  static Matrix4 placed(const double* translation, const double* rotation, const double* scale);
};

class GltfScene {
 public:
  /// Throws Error when nodes are their own ancestors.
  explicit GltfScene(GltfDocument& document);

  /// The nodes with a mesh that the file's scene shows (all, where it has none), by number.
  std::vector<int64_t> mesh_nodes() const;

  /// Where copies of the node's mesh stand: one, or one per instance of EXT_mesh_gpu_instancing.
  std::vector<Matrix4> placements(int64_t node);

  /// Joint matrices of the node's skin, in world coordinates: the joint's place times its inverse bind matrix. Empty: no skin.
  std::vector<Matrix4> joints(int64_t node);

  /// Weights of the morph targets of the node's mesh; may be empty.
  std::vector<double> morph_weights(int64_t node) const;

 private:
  Matrix4 local(int64_t node) const;
  Matrix4 world(int64_t node) const;

  GltfDocument& document_;
  std::vector<int64_t> parents_;  ///< -1: none
};

}  // namespace gsv3d
