// How a fit spends its budget of Gaussians: 3DGS as Markov chain Monte Carlo (Kheradmand et al. 2024, arXiv 2404.09591). Dead
// Gaussians move to where opaque ones are, new ones are drawn there too, and noise lets transparent ones explore; no thresholds
// on gradients, and never more Gaussians than asked for.
#pragma once

#include "fitting/parameters.h"

namespace gsv3d {

/// A Gaussian of opacity o and scale s replaced by n equal ones in its place that together look like it (equation 9 of the
/// paper): opacity 1 - (1 - o)^(1/n), and the scale that keeps the rendered integral. opacities [K], scales [K, 3], copies [K]
/// int64 ≥ 1.
struct SplitValues {
  Tensor opacities, scales;
};
SplitValues split_values(const Tensor& opacities, const Tensor& scales, const Tensor& copies);

/// Moves every Gaussian whose opacity is at most `dead_opacity` onto living ones, drawn by opacity. → how many were moved.
int64_t relocate_dead(FitParameters& parameters, double dead_opacity, const at::Generator& generator);

/// Adds Gaussians in the place of ones drawn by opacity: `growth` times as many as there are, up to `limit`. → how many.
int64_t add_gaussians(FitParameters& parameters, double growth, int64_t limit, const at::Generator& generator);

/// Moves each mean by noise shaped as the Gaussian itself, times `size`, and only where the opacity is nearly 0 (equation 8).
void explore(FitParameters& parameters, double size, const at::Generator& generator);

}  // namespace gsv3d
