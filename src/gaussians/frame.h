// The coordinate systems of files. Inside the program there is only one: Frame::kWorld.
#pragma once

#include <array>

#include "gaussians/gaussians.h"

namespace gsv3d {

enum class Frame {
  kWorld,  ///< ours: x right, y up, z towards the viewer of the front ("RUB"; glTF's and spz's)
  kYDown,  ///< x right, y down, z away from the viewer of the front ("RDF"): what 3DGS training writes and what PLY viewers
           ///< expect
  kZUp,    ///< x right, y away from the viewer of the front, z up ("RFU"): Blender, CAD, robotics
};

/// "RUB", "RDF" or "RFU": where x, y and z point, the letters that spz uses (right, up/down, back/front).
const char* frame_name(Frame frame);

/// The same object in the other coordinate system. Turns means, rotations and spherical harmonics. Between kWorld and kYDown
/// (half a turn about x) only signs change, so that there and back is exact.
Gaussians change_frame(const Gaussians& gaussians, Frame from, Frame to);

/// Gaussians of a file of which only the direction that points up is known, in our world: turned as from kYDown, whose up is
/// (0, -1, 0), and then by the shortest way. (0, 1, 0) and (0, 0, 1) give what kWorld and kZUp do. Throws Error when `up` is no
/// direction.
Gaussians turned_upright(const Gaussians& gaussians, const std::array<double, 3>& up);

}  // namespace gsv3d
