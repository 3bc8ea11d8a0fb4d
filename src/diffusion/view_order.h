// SV3D's order of frames against the design's order of views.
//
// SV3D: frame i of F shows azimuth (i + 1) · 360° / F, and the last frame, azimuth 0, is the photo. Here: view 0 is the photo and
// view j shows azimuth j · 360° / F. So view 0 = frame F - 1, and view j = frame j - 1. In both the azimuth grows
// counter-clockwise seen from above; which way SV3D's released weights turn cannot be checked without them, and this file is
// where it would be corrected.
#pragma once

#include "core/tensor.h"

namespace gsv3d {

/// frames [F, ...] in SV3D's order → views [F, ...] in the design's order.
inline Tensor views_from_sv3d_frames(const Tensor& frames) {
  return at::roll(frames, 1, 0);
}

/// The inverse.
inline Tensor sv3d_frames_from_views(const Tensor& views) {
  return at::roll(views, -1, 0);
}

}  // namespace gsv3d
