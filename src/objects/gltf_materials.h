// Materials of glTF: what of them diffuse light shows.
#pragma once

#include <vector>

#include "objects/gltf_document.h"
#include "objects/texture_set.h"

namespace gsv3d {

/// Where a texture lies on the mesh.
struct GltfTexturePlace {
  int64_t uv_set = 0;  ///< TEXCOORD_n
  std::array<float, 6> matrix{1, 0, 0,
                              0, 1, 0};  ///< 2 × 3, row-major, for coordinates whose v counts downward (KHR_texture_transform)
  WrapModes wrap = kRepeat;
  bool operator==(const GltfTexturePlace&) const = default;
};

struct GltfMaterial {
  Material material;
  GltfTexturePlace place;
};

/// Every material of the document, and behind them glTF's default one. Colour: pbrMetallicRoughness (as if nothing were metal) or
/// KHR_materials_pbrSpecularGlossiness, emission, KHR_materials_unlit; alphaMode as section 3.9.4 has it.
std::vector<GltfMaterial> read_gltf_materials(GltfDocument& document, TextureSet& textures, ReaderWarnings& warnings);

}  // namespace gsv3d
