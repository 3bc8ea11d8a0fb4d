// A texture from pictures: every texel looks up its colour in the views that see it.
#pragma once

#include "mesh/atlas.h"
#include "mesh/mesh.h"
#include "mesh/surface_views.h"

namespace gsv3d {

/// Fills mesh.texture with texture_size² pixels. The mesh needs normals and uvs. A texel's colour is the mean of the views that
/// see its point (compared with the mesh's own depth), weighted by alpha and by the fourth power of the cosine between the
/// direction to the camera and the normal, which favours the sharpest view; where no view sees it, of all views it faces.
/// Texels outside the charts continue the nearest charts' colours, so that filtering and mipmaps never show a seam. Throws
/// Cancelled on Ctrl-C.
void bake_texture(Mesh& mesh, const SurfaceViews& views, int64_t texture_size, const PercentProgress& on_progress = {});

}  // namespace gsv3d
