// The primitives of procedural objects: meshes of polygons with texture coordinates, in world units, and how they are moved.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <vector>

#include "objects/object.h"
#include "objects/vector.h"

namespace gsv3d {

using Point2 = std::array<float, 2>;

/// Normals are made later (MeshBuilder), and winding means nothing. Texture coordinates are lengths in world units, so that one
/// texture has one density on all parts; around a closed surface they span a whole number.
struct PolygonMesh {
  std::vector<Vector> positions;
  std::vector<Point2> uvs;  ///< as many as positions
  std::vector<std::vector<uint32_t>> faces;
};

/// Everything joined into one mesh.
PolygonMesh joined(const std::vector<PolygonMesh>& parts);
PolygonMesh moved(PolygonMesh mesh, const Vector& offset);
PolygonMesh stretched(PolygonMesh mesh, const Vector& factors);
/// About the axis (0: x, 1: y, 2: z) through the origin, right-handed.
PolygonMesh turned(PolygonMesh mesh, int axis, float degrees);
/// The mesh and its mirror image in the plane x = 0.
PolygonMesh with_mirror_image(const PolygonMesh& mesh);
/// `count` copies around the y axis.
PolygonMesh repeated_around(const PolygonMesh& mesh, int count);

/// Solid of revolution about y: the profile is a list of (radius, y). Hollow things go up outside and down inside.
PolygonMesh lathe(const std::vector<Point2>& profile, int segments = 22);
PolygonMesh cylinder(float radius, float height, float top_radius, float bevel = 0);  ///< or cone; stands on y = 0
PolygonMesh capsule(float radius, float height);                                      ///< stands on y = 0
/// A pot standing on y = 0 with walls of `wall`: radii at the foot, the belly (at half of the height) and the rim.
PolygonMesh hollow_pot(float foot, float belly, float rim, float height, float wall);

/// The outline (x, z; not crossing itself) pushed up from y = 0 to `height`; `bevel` narrows both ends.
PolygonMesh extruded(const std::vector<Point2>& outline, float height, float bevel = 0);
std::vector<Point2> rectangle_outline(float width, float depth, float chamfer = 0);
std::vector<Point2> regular_outline(int corners, float radius);
/// Alternates between two radii: stars, gears, flowers.
std::vector<Point2> star_outline(int points, float outer, float inner);
/// A box standing on y = 0, centred in x and z.
PolygonMesh box(float width, float height, float depth, float bevel = 0);
/// A box that is open to the front (+z), walls of `wall`, standing on y = 0.
PolygonMesh open_box(float width, float height, float depth, float wall);

/// Half axes and the two exponents: 1 an ellipsoid, towards 0 a box, 2 a double cone. Centred.
PolygonMesh superquadric(const Vector& half, float vertical = 1, float horizontal = 1);
PolygonMesh ball(float radius);
/// Around the y axis, in the plane y = 0.
PolygonMesh torus(float radius, float thickness);

/// A round tube along a line of points; `radius` over 0-1 along it.
PolygonMesh tube(const std::vector<Vector>& path, const std::function<float(float)>& radius, int segments = 8);
PolygonMesh rod(const Vector& from, const Vector& to, float radius);
/// The twelve edges of a box as rods, standing on y = 0.
PolygonMesh box_frame(float width, float height, float depth, float radius);
/// An arc in the plane z = 0 about the origin, degrees counted from +x towards +y.
std::vector<Vector> arc(float radius_x, float radius_y, float from_degrees, float to_degrees, int steps = 10);

/// A slab over [-1/2, 1/2]² · size whose upper side is `height` (x and z in 0-1 → y > 0).
PolygonMesh height_field(float size, int steps, const std::function<float(float, float)>& height);

}  // namespace gsv3d
