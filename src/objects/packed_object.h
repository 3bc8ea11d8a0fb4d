// One object as the bytes of a pack: quantised, delta-coded, textures as WebP. What is lost: positions up to half a step of 1 /
// 2^bits, normals up to 1 degree, texture coordinates up to 1/8192 (or range / 65535 where they span more than 16), and what WebP
// loses. Vertex colours in 1/65535 of linear light. Objects without vertex colours, emission, blended alpha and other wrap modes
// take the same bytes as before these were known.
#pragma once

#include <string>
#include <string_view>

#include "objects/object.h"

namespace gsv3d {

struct PackOptions {
  int64_t texture_size = 256;    ///< textures are shrunk to at most so many pixels a side
  int64_t texture_quality = 75;  ///< WebP's, 0-100
  int64_t position_bits = 11;    ///< steps across the unit cube: 2^bits; triangles that vanish on this grid are left out
  double simplify = 0;           ///< world units by which surfaces may move to save triangles (simplify_object.h); 0: not at all
};

/// `object` lies in [-0.5, 0.5]³ (normalize_object). Throws Error when it does not, or when this build has no WebP.
std::string pack_object(const Object& object, const PackOptions& options);

/// Throws Error when the bytes are damaged; `where` begins the message.
Object unpack_object(std::string_view bytes, const std::string& where);

}  // namespace gsv3d
