// The two ways to a foreground map, behind remove_background.
#pragma once

#include <opencv2/core.hpp>

#include "matting/matting.h"

namespace gsv3d {

/// [H, W] float 0-1 for an 8-bit BGR picture; GrabCut runs on a copy whose longer side is at most `work_size` pixels.
cv::Mat grabcut_matte(const cv::Mat& bgr, int64_t work_size);

/// [H, W] float 0-1 from the ONNX network of the options. Throws Error when it cannot be read or run.
cv::Mat network_matte(const cv::Mat& bgr, const MattingOptions& options);

}  // namespace gsv3d
