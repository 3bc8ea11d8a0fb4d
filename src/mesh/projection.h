// Cameras as plain numbers, for loops over points.
#pragma once

#include <array>
#include <vector>

#include "camera/camera.h"
#include "mesh/vector3.h"

namespace gsv3d {

/// Points closer to a camera than this, or behind it, are not seen.
inline constexpr float kNearestDepth = 1e-6F;

/// World to image.
struct Projection {
  std::array<float, 12> rows;  ///< (u·z, v·z, z) over (x, y, z, 1); u, v in pixels

  /// (u, v, z): image position in pixels and camera z; u and v mean nothing where z is below kNearestDepth.
  Vector3 apply(Vector3 p) const {
    const auto row = [&](int i) { return rows[i] * p.x + rows[i + 1] * p.y + rows[i + 2] * p.z + rows[i + 3]; };
    const float z = row(8), inverse = z > kNearestDepth ? 1 / z : 0;
    return {row(0) * inverse, row(4) * inverse, z};
  }
};

std::vector<Projection> camera_projections(const Cameras& cameras);

}  // namespace gsv3d
