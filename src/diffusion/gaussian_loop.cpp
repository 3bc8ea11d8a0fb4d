#include "diffusion/gaussian_loop.h"

#include "diffusion/view_order.h"

namespace gsv3d {

Tensor GaussianLoop::operator()(const Tensor& denoised) const {
  const Tensor views = at::cat({photo_latent, views_from_sv3d_frames(denoised).slice(0, 1)});
  const Tensor seen = encode(render(views)).slice(0, 1);
  return sv3d_frames_from_views(at::cat({photo_latent, views.slice(0, 1).lerp(seen, share)}));
}

}  // namespace gsv3d
