// A triangle mesh in our world (+Y up, front +Z, unless it says otherwise), with the texture that belongs to it, and what can be
// measured of it.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "image/image.h"
#include "mesh/vector3.h"

namespace gsv3d {

/// What the numbers of positions count. Gaussians do not know how large they are.
enum class LengthUnit { kUnknown, kMetre, kMillimetre };
enum class UpAxis { kY, kZ };  ///< with the front towards +Z, or -Y

/// Vertices carry everything: a corner with another texture coordinate is another vertex at the same position.
struct Mesh {
  using Triangle = std::array<uint32_t, 3>;  ///< vertices, counter-clockwise seen from outside

  std::vector<Vector3> positions;
  std::vector<Triangle> triangles;
  std::vector<Vector3> normals;  ///< unit; empty or as many as positions
  std::vector<Vector2> uvs;      ///< 0-1, v counts downward from the picture's upper edge (glTF); empty or as many as positions
  Image texture;                 ///< sRGB, opaque; without pixels: none
  LengthUnit unit = LengthUnit::kUnknown;
  UpAxis up = UpAxis::kY;

  bool textured() const { return !uvs.empty() && !texture.pixels.empty(); }
};

Box bounding_box(const Mesh& mesh);
double surface_area(const Mesh& mesh);
/// By the divergence theorem: exact for a closed mesh, positive when its triangles face outward.
double signed_volume(const Mesh& mesh);

/// How triangles hang together, by vertex index.
struct Topology {
  int64_t vertices = 0;        ///< that a triangle uses
  int64_t edges = 0;           ///< without direction
  int64_t boundary_edges = 0;  ///< with one triangle
  int64_t bad_edges = 0;       ///< with three or more triangles, or with two that disagree about the outside
  int64_t bad_vertices = 0;    ///< whose triangles do not hang together over the edges at the vertex: two surfaces touch there
  int64_t components = 0;
  int64_t euler = 0;  ///< vertices - edges + triangles: 2 for a sphere, 0 for a torus

  /// Every edge has exactly two triangles that agree about the outside: watertight.
  bool closed() const { return edges > 0 && boundary_edges == 0 && bad_edges == 0; }
  /// Closed, and every vertex has one disc of triangles around it.
  bool manifold() const { return closed() && bad_vertices == 0; }
};
Topology topology(const Mesh& mesh);

/// Joins vertices at equal positions (texture seams); keeps positions and triangles only.
Mesh weld(const Mesh& mesh);

/// Drops vertices that no triangle uses, keeping the order of the others.
void drop_unused_vertices(Mesh& mesh);

/// Unit normals at the vertices: the triangles' normals weighted by their angles there (Thürmer and Wüthrich 1998).
std::vector<Vector3> vertex_normals(const Mesh& mesh);

}  // namespace gsv3d
