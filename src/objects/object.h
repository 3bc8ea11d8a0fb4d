// A textured triangle mesh: what object files become before they are rendered or packed.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "core/error.h"
#include "image/texture_pyramid.h"
#include "objects/vector.h"

namespace gsv3d {

struct Material {
  std::array<float, 3> color{0.8F, 0.8F, 0.8F};  ///< sRGB 0-1; multiplies texture and vertex colours where there are any
  float opacity = 1;                             ///< 1: opaque
  int32_t texture = -1;                          ///< index into Object::textures, -1: none
  /// Where the alpha of texture and vertex colour, multiplied, is below this is a hole; 0: nowhere.
  float alpha_cutoff = 0.5F;
  bool alpha_blends = false;               ///< that alpha multiplies the opacity
  WrapModes wrap = kRepeat;                ///< of both textures
  bool unlit = false;                      ///< its colour is shown as it is, whatever the light
  std::array<float, 3> emission{0, 0, 0};  ///< sRGB 0-1: light of its own, added to what is reflected; multiplies ...
  int32_t emission_texture = -1;           ///< ... this texture where there is one
};

/// Vertices carry everything (a corner with another normal or texture coordinate is another vertex). Winding means nothing: both
/// sides of every triangle are seen.
struct Object {
  std::vector<std::array<float, 3>> positions;
  std::vector<std::array<float, 3>> normals;  ///< unit; as many as positions
  std::vector<std::array<float, 2>> uvs;      ///< v counts upward from the picture's lower edge; as many as positions
  std::vector<std::array<float, 4>> colors;   ///< linear light and alpha, 0-1; as many as positions, or none: white
  std::vector<std::array<uint32_t, 3>> triangles;
  std::vector<uint32_t> triangle_materials;  ///< as many as triangles
  std::vector<Material> materials;
  std::vector<Image> textures;
};

/// There is nothing to see of an object: no surface, no extent, nothing that is not transparent.
class EmptyObject : public Error {
 public:
  using Error::Error;
};

/// v' = M v for positions; normals by the inverse transpose, unit afterwards. Throws Error when M is singular.
void transform_object(Object& object, const Matrix3& matrix);

/// Lowest and highest corner of the box around all positions, of which there must be one.
std::array<std::array<float, 3>, 2> bounding_corners(const Object& object);

/// Centres the bounding box at the origin and scales by min(1 / longest box side, 0.57 / largest distance of a vertex from the
/// centre): the object then lies inside [-0.5, 0.5]³ and inside the sphere that the default camera (radius 2, 33.8°, inscribed
/// sphere 0.58) always sees whole. Vertices that no triangle uses are dropped first. Throws EmptyObject when nothing with an
/// extent is left, Error when a coordinate is not finite.
void normalize_object(Object& object);

/// Throws Error when indices, counts or coordinates are out of range, EmptyObject without triangles. `where` begins the message.
void check_object(const Object& object, const std::string& where);

}  // namespace gsv3d
