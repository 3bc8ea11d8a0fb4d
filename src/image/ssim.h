// Structural similarity (Wang et al. 2004): a score in evaluation, a loss in fitting.
#pragma once

#include "core/tensor.h"

namespace gsv3d {

/// With a Gaussian 11 × 11 window, sigma 1.5, C1 = 0.01², C2 = 0.03², biased variances. The two variants in use give different
/// numbers, so every table says which it is:
///   zero_pad  borders padded by zeros, as in 3DGS' training and evaluation code
///   valid     only windows inside the image, as in scikit-image with gaussian_weights, sigma 1.5, use_sample_covariance False
enum class SsimBorder { zero_pad, valid };

/// Mean over pixels and channels of images [B, C, H, W] in 0-1, H and W at least 11 → [B], in the images' type: float64 for
/// scores, since differences of large and nearly equal numbers are taken. Differentiable. Throws Error for other shapes.
Tensor ssim(const Tensor& images, const Tensor& truth, SsimBorder border);

}  // namespace gsv3d
