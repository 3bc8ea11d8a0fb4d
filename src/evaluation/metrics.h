// Image, mask and depth metrics, per view. Averages over views are means of these numbers (of PSNRs, not of squared errors).
#pragma once

#include "core/tensor.h"

namespace gsv3d {

/// What a view counts at most, dB: an exact copy would otherwise make the mean infinite.
inline constexpr double largest_psnr = 100;

/// -10 log10(MSE over pixels and channels) of images [B, C, H, W] in 0-1 → [B] float64, dB; infinite for equal images.
Tensor psnr(const Tensor& images, const Tensor& truth);

/// The same over the object's pixels only, those where the true alpha [B, 1, H, W] exceeds 0.5; not a number where there is none.
Tensor object_psnr(const Tensor& images, const Tensor& truth, const Tensor& truth_alpha);

/// Intersection over union of alpha > 0.5, for alphas [B, 1, H, W] → [B] float64; 1 where both masks are empty.
Tensor mask_iou(const Tensor& alpha, const Tensor& truth_alpha);

/// Mean |difference| of depths [B, 1, H, W] (camera z, world units) over the pixels where both alphas exceed 0.5 → [B] float64;
/// not a number where there is no such pixel.
Tensor depth_error(const Tensor& depth, const Tensor& alpha, const Tensor& truth_depth, const Tensor& truth_alpha);

}  // namespace gsv3d
