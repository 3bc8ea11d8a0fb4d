// A texture from pictures: every texel looks up its colour in the views that see it.
#pragma once

#include <vector>

#include "camera/posed_photo.h"
#include "mesh/atlas.h"
#include "mesh/mesh.h"
#include "mesh/surface_views.h"

namespace gsv3d {

/// Fills mesh.texture with texture_size² pixels. The mesh needs normals and uvs. A texel's colour is the mean of the views that
/// see its point (compared with the mesh's own depth), weighted by alpha and by the fourth power of the cosine between the
/// direction to the camera and the normal, which favours the sharpest view; where no view sees it, of all views it faces.
/// Texels outside the charts continue the nearest charts' colours, so that filtering and mipmaps never show a seam. Where
/// a photo sees the surface, not too much from the side, its colours are taken instead of the views', of several photos those of
/// the one that sees it least from the side. Throws Error for a photo that is not of its camera's size, Cancelled on Ctrl-C.
void bake_texture(Mesh& mesh, const SurfaceViews& views, int64_t texture_size, const PercentProgress& on_progress = {},
                  const std::vector<PosedPhoto>& photos = {});

}  // namespace gsv3d
