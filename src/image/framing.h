// From a cut-out of any size to the square picture that SV3D is conditioned on (scripts/sampling/simple_video_sample.py of
// Stability-AI/generative-models): the object centred, at a known share of the frame, on white.
#pragma once

#include <optional>

#include "image/image.h"
#include "image/object_mask.h"
#include "image/resize.h"

namespace gsv3d {

struct FramedPhoto {
  Image cutout;    ///< [size, size] RGBA, the object centred on transparent
  Image on_white;  ///< the same over white, opaque: what the networks see
  Image detail;    ///< the cut-out at the photo's own resolution, between `size` and `largest_detail` pixels a side
};

/// The object (clean_cutout) pasted into the middle of a transparent square with sides of int(max(width, height) / ratio) pixels,
/// or of the picture's height when no ratio is given (SV3D's default, for pictures that are framed already); never smaller than
/// the object.
Image centre_object(const Image& image, std::optional<double> image_frame_ratio);

/// centre_object, then resize_lanczos to size × size, then the composite on white. `image_frame_ratio` is the share of the frame
/// that the object's longer side fills, in (0, 1]. Throws Error for other ratios and for pictures where nothing is
/// solid.
FramedPhoto frame_object(const Image& image, std::optional<double> image_frame_ratio, int64_t size, int64_t largest_detail = 0);

/// Any picture over white, opaque: computed in float64 and truncated to 8 bits as SV3D does.
Image composite_on_white(const Image& image);

}  // namespace gsv3d
