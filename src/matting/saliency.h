// Where in a photo the object probably is, without any learnt weights.
#pragma once

#include <opencv2/core.hpp>

namespace gsv3d {

struct ObjectPrior {
  cv::Mat saliency;  ///< [H, W] float 0-1: how much a pixel differs from the border, in colour and along every path to it
  cv::Mat seeds;     ///< [H, W] uint8: 255 on border pixels that are surely background, 0 elsewhere
  double threshold;  ///< what splits the saliency best into two classes (Otsu)
};

/// Minimum barrier distance from the border plus the difference from the border's colours, after Zhang et al., "Minimum Barrier
/// Salient Object Detection at 80 FPS" (ICCV 2015). Border pixels that look unlike the other three sides are no seeds, so that an
/// object may stand on the lower edge or be cut by one side. `bgr`: 8-bit picture, at least 16 × 16.
ObjectPrior estimate_object(const cv::Mat& bgr);

}  // namespace gsv3d
