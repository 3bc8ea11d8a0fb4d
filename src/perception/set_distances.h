// How far two sets of pictures are apart, by the features of a network: FID and KID.
#pragma once

#include "core/tensor.h"

namespace gsv3d {

/// FID (Heusel et al. 2017, arXiv 1706.08500): |m1 - m2|² + tr(C1 + C2 - 2 (C1 C2)^½) of the means and the covariances (divisor
/// n - 1) of features [N1, D] and [N2, D], N at least 2. In float64. It depends on the number of pictures: compare only sets of
/// equal sizes. Throws Error for other shapes.
double frechet_distance(const Tensor& features, const Tensor& truth);

/// KID (Bińkowski et al. 2018, arXiv 1801.01401): the unbiased estimate of the squared maximum mean discrepancy with the kernel
/// (xᵀy / D + 1)³, over all pictures instead of random subsets, of which it is the expectation; below 0 by chance. Throws Error
/// for other shapes.
double kernel_distance(const Tensor& features, const Tensor& truth);

}  // namespace gsv3d
