// Gaussians from posed pictures, by gradient descent through the rasterizer (3DGS, arXiv 2308.04079): the way to 3D where there
// is no decoder, and the refinement of what a decoder gave.
#pragma once

#include <array>
#include <functional>

#include "camera/camera.h"
#include "fitting/parameters.h"
#include "gaussians/gaussians.h"

namespace gsv3d {

/// V pictures of one object.
struct FitTargets {
  Cameras cameras;
  Tensor rgb;         ///< [V, 3, H, W] float32 in 0-1 over the background, H and W at least 11
  Tensor alpha;       ///< [V, 1, H, W] in 0-1; undefined: there are no masks
  Tensor background;  ///< [3]
  Tensor weights;     ///< [V] ≥ 0, how much a picture counts; undefined: all 1
};

struct FitOptions {
  int64_t steps = 2000;
  int64_t views_per_step = 1;
  double ssim_weight = 0.2;  ///< loss = (1 - w) L1 + w (1 - SSIM) + alpha_weight |alpha - mask|
  double alpha_weight = 0.5;
  double opacity_weight = 0.01;  ///< · mean opacity, and
  double scale_weight = 0.01;    ///< · mean scale / extent: 3DGS-MCMC's regularisers, so that what is not needed dies
  FitRates rates;
  double final_means_rate = 0.01;  ///< share of rates.means at the end, approached exponentially
  int64_t max_gaussians = 0;       ///< densify to at most so many; 0: their number stays, and none is moved
  int64_t densify_every = 100;     ///< steps, from 1/20 to 4/5 of all
  double growth = 1.05;            ///< per densification
  double exploration = 5e5;        ///< · rates.means: the size of the noise, see explore()
  uint64_t seed = 0;
};

/// For objects: fewer steps than 3DGS' 30,000 and longer ones. Measured on the validation objects (docs/fit.md).
FitOptions quick_fit();

struct FitStep {
  int64_t done, total, gaussians;
  double loss;
};

/// Fits `start` to the targets. Same seed, machine and number of threads: the same result. Stops with Cancelled on Ctrl-C. Throws
/// Error on mismatched shapes, and when the loss is not finite.
Gaussians fit_gaussians(const Gaussians& start, const FitTargets& targets, const FitOptions& options,
                        const std::function<void(const FitStep&)>& on_step = {});

/// A cube that every camera looks at: its centre is nearest to all optical axes, and it is as large as the narrowest view there.
struct FitRegion {
  std::array<double, 3> centre = {0, 0, 0};
  double half_width = 0;
};
FitRegion common_region(const Cameras& cameras);

/// At most `count` Gaussians to start from: uniform in the part of common_region() that lies inside the silhouettes of all
/// pictures (alpha where it is given, otherwise what differs from the background), coloured by the pictures that see them; in the
/// whole cube when the silhouettes have nothing in common.
Gaussians initial_gaussians(const FitTargets& targets, int64_t count, uint64_t seed);

}  // namespace gsv3d
