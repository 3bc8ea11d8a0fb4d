// The decoder sees the photo through a small latent and a few tokens; the photo itself and the generated views say more. After
// decoding, the Gaussians are brought closer to those pictures (docs/divergences.md has what that gains).
#pragma once

#include "camera/camera.h"
#include "gaussians/gaussians.h"

namespace gsv3d {

struct ViewRefinementOptions {
  int64_t steps = 60;
  double other_views_weight = 0.5;  ///< of all generated views together; the photo counts 1
};

/// Two steps. First one linear change of all colours, the one that best takes the Gaussians' picture from the photo's camera to
/// the photo, so that a wrong hue is mended on the back too. Then a short fit (fitting/fit.h) to the photo and the other views,
/// whose silhouettes are taken from the Gaussians as they are. photo: [4, S, S] RGBA float32 in 0-1, not premultiplied, seen from
/// view 0 of `cameras`; views: [N, 3, S, S] in 0-1 over white, of which view 0 is not looked at. Gaussians without any picture in
/// common with the photo keep their colours.
Gaussians refine_to_views(const Gaussians& gaussians, const Tensor& photo, const Tensor& views, const Cameras& cameras,
                          const ViewRefinementOptions& options = {});

}  // namespace gsv3d
