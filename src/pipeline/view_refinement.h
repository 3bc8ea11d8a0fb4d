// The decoder sees the photo through a small latent and a few tokens; the photo itself and the generated views say more. After
// decoding, the Gaussians are brought closer to those pictures (docs/divergences.md has what that gains).
#pragma once

#include <vector>

#include "camera/camera.h"
#include "gaussians/gaussians.h"

namespace gsv3d {

struct ViewRefinementOptions {
  int64_t steps = 60;
  double other_views_weight = 0.5;  ///< of all generated views together; a photo counts 1
};

/// A photo of the object that stands for one of the views.
struct SeenPhoto {
  int64_t view;
  Tensor rgba;  ///< [4, S, S] float32 in 0-1, not premultiplied
};

/// Three steps. What a photo sees beside the object goes (unless that is everything). Then one linear change of all colours, the
/// one that best takes the Gaussians' pictures from the photos' cameras to the photos, so that a wrong hue is mended on the back
/// too. At last a short fit (fitting/fit.h) to photos and other views, whose silhouettes are taken from the Gaussians as they
/// are. photos: at least one; views: [N, 3, S, S] in 0-1 over white, of which those that photos stand for are not looked at.
/// Gaussians without any picture in common with the photos keep their colours.
Gaussians refine_to_views(const Gaussians& gaussians, const std::vector<SeenPhoto>& photos, const Tensor& views,
                          const Cameras& cameras, const ViewRefinementOptions& options = {});

}  // namespace gsv3d
