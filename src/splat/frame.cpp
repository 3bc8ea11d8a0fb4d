#include "splat/frame.h"

namespace gsv3d {

const char* frame_name(Frame frame) {
  return frame == Frame::kWorld ? "RUB" : "RDF";
}

Gaussians change_frame(const Gaussians& gaussians, Frame from, Frame to) {
  if (from == to) return gaussians;
  const auto signs = [&](std::initializer_list<float> values) {
    return at::tensor(values, gaussians.means.options().requires_grad(false));
  };
  Gaussians turned = gaussians;
  turned.means = gaussians.means * signs({1, -1, -1});
  // Half a turn about x before and after: the axes of an ellipsoid have no sign, so the turn before changes nothing.
  turned.quats = gaussians.quats * signs({1, 1, -1, -1});
  // How each basis function of spherical_harmonics.h changes its sign under y → -y, z → -z.
  const Tensor parity = signs({1, -1, -1, 1, -1, 1, 1, -1, 1, -1, 1, -1, -1, 1, -1, 1});
  turned.sh = gaussians.sh * parity.slice(0, 0, gaussians.sh.size(1)).view({1, -1, 1});
  return turned;
}

}  // namespace gsv3d
