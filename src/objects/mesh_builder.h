// Polygons in, triangle mesh out: triangulation, smooth normals with a crease angle, removal of degenerate and doubled triangles.
#pragma once

#include <span>

#include "objects/object.h"
#include "objects/vector.h"

namespace gsv3d {

/// Corner of a polygon: indices into MeshBuilder's arrays; -1 where the file gives no texture coordinate or normal.
struct Corner {
  int32_t position = 0, uv = -1, normal = -1;
};

/// uv' = uv * scale + offset.
struct UvTransform {
  std::array<float, 2> scale{1, 1}, offset{0, 0};
};

class MeshBuilder {
 public:
  std::vector<std::array<float, 3>> positions, normals;
  std::vector<std::array<float, 2>> uvs;
  std::vector<std::array<float, 4>> colors;  ///< as many as positions, or none
  std::vector<bool> uncolored_materials;     ///< by material: its vertices are white all the same; materials beyond its end not
  std::vector<UvTransform> uv_transforms;    ///< by material; materials beyond its end have none

  /// Splits the polygon (concave ones by ear clipping) and keeps triangles that have an area. Fewer than three corners: ignored.
  void add_polygon(std::span<const Corner> corners, uint32_t material);

  size_t triangle_count() const { return triangles_.size(); }

  /// Fills everything of the object but materials and textures. Corners without a usable normal get the area-weighted mean of the
  /// faces around the vertex that are within the crease angle of their own; faces are compared up to sign, because winding is not
  /// to be trusted. Triangles that occur twice with one material are kept once.
  Object build(double crease_degrees = 40);

 private:
  struct Face {
    std::array<Corner, 3> corners;
    uint32_t material;
  };
  void add_triangle(const Corner& a, const Corner& b, const Corner& c, uint32_t material);
  std::array<float, 4> color_of(const Corner& corner, uint32_t material) const;
  std::array<float, 2> uv_of(const Corner& corner, uint32_t material) const;
  void remove_doubled_triangles();
  std::vector<uint32_t> weld_positions() const;
  std::vector<std::array<Vector, 3>> corner_normals(double crease_degrees) const;

  std::vector<Face> triangles_;
};

}  // namespace gsv3d
