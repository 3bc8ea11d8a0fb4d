// Image, mask and depth metrics, per view. Averages over views are means of these numbers (of PSNRs, not of squared errors).
#pragma once

#include "core/tensor.h"

namespace gsv3d {

/// -10 log10(MSE over pixels and channels) of images [B, C, H, W] in 0-1 → [B] float64, dB; infinite for equal images.
Tensor psnr(const Tensor& images, const Tensor& truth);

/// Structural similarity with a Gaussian 11 × 11 window, sigma 1.5, C1 = 0.01², C2 = 0.03², biased variances (Wang et al. 2004).
/// The two variants in use give different numbers, so every table says which it is:
///   zero_pad  borders padded by zeros, as in 3DGS' training and evaluation code
///   valid     only windows inside the image, as in scikit-image with gaussian_weights, sigma 1.5, use_sample_covariance False
enum class SsimBorder { zero_pad, valid };

/// Mean over pixels and channels of images [B, C, H, W] in 0-1, H and W at least 11 → [B] float64. Differentiable.
Tensor ssim(const Tensor& images, const Tensor& truth, SsimBorder border);

/// Intersection over union of alpha > 0.5, for alphas [B, 1, H, W] → [B] float64; 1 where both masks are empty.
Tensor mask_iou(const Tensor& alpha, const Tensor& truth_alpha);

/// Mean |difference| of depths [B, 1, H, W] (camera z, world units) over the pixels where both alphas exceed 0.5 → [B] float64;
/// not a number where there is no such pixel.
Tensor depth_error(const Tensor& depth, const Tensor& alpha, const Tensor& truth_depth, const Tensor& truth_alpha);

}  // namespace gsv3d
