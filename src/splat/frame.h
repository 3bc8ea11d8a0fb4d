// The coordinate systems of files. Inside the program there is only one: Frame::kWorld.
#pragma once

#include "splat/gaussians.h"

namespace gsv3d {

enum class Frame {
  kWorld,  ///< ours: x right, y up, z towards the viewer of the front ("RUB"; glTF's)
  kYDown,  ///< x right, y down, z away from the viewer of the front ("RDF"): what 3DGS training writes and what PLY viewers
           ///< expect
};

/// "RUB" or "RDF": right, up/down, back/front, the letters that spz uses.
const char* frame_name(Frame frame);

/// The same object in the other coordinate system: half a turn about x, which is its own inverse. Turns means, rotations and
/// spherical harmonics.
Gaussians change_frame(const Gaussians& gaussians, Frame from, Frame to);

}  // namespace gsv3d
