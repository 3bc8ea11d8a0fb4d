#include "gaussians/frame.h"

#include <cmath>

#include "core/error.h"
#include "gaussians/similarity.h"

namespace gsv3d {
namespace {

/// Half a turn about x, which is its own inverse.
Gaussians half_turn(const Gaussians& gaussians) {
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

/// A quarter turn about x: world (x, y, z) → z-up (x, -z, y), or back.
Gaussians quarter_turn(const Gaussians& gaussians, bool to_z_up) {
  const double sign = to_z_up ? 1 : -1;
  return transform(gaussians, {.rotation = {1, 0, 0, 0, 0, -sign, 0, sign, 0}});
}

}  // namespace

const char* frame_name(Frame frame) {
  switch (frame) {
    case Frame::kWorld:
      return "RUB";
    case Frame::kYDown:
      return "RDF";
    case Frame::kZUp:
      return "RFU";
  }
  return "";
}

Gaussians change_frame(const Gaussians& gaussians, Frame from, Frame to) {
  if (from == to) return gaussians;
  Gaussians turned = gaussians;
  if (from == Frame::kYDown) turned = half_turn(turned);
  if (from == Frame::kZUp) turned = quarter_turn(turned, false);
  if (to == Frame::kYDown) turned = half_turn(turned);
  if (to == Frame::kZUp) turned = quarter_turn(turned, true);
  return turned;
}

Gaussians turned_upright(const Gaussians& gaussians, const std::array<double, 3>& up) {
  const double length = std::hypot(up[0], up[1], up[2]);
  require(std::isfinite(length) && length > 1e-6, "({}, {}, {}) is no direction that could point up", up[0], up[1], up[2]);
  // After the half turn about x: the direction (x, y, z) that has to become +Y.
  const double x = up[0] / length, y = -up[1] / length, z = -up[2] / length;
  if (y > 1 - 1e-9) return half_turn(gaussians);
  if (y < -1 + 1e-9) return gaussians;  // another half turn about x
  // Rodrigues' formula about (x, y, z) × (0, 1, 0) = (-z, 0, x), the sine of the angle being its length and the cosine y.
  const double f = 1 / (1 + y);
  return transform(half_turn(gaussians), {.rotation = {y + f * z * z, -x, -f * x * z, x, y, z, -f * x * z, -z, y + f * x * x}});
}

}  // namespace gsv3d
