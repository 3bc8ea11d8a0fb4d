// A fit to pictures that a user has, scored on pictures that it did not see.
#pragma once

#include "dataset/posed_views.h"
#include "fitting/fit.h"

namespace gsv3d {

struct FitViewsOptions {
  FitOptions fit = quick_fit();
  int64_t initial_gaussians = 10'000;
  int64_t sh_degree = 0;
  int64_t hold_out = 0;  ///< every so many-th view, the first of them view 0 as is usual; 0: none
  at::Device device = at::kCPU;
};

struct FittedViews {
  Gaussians gaussians;                        ///< on the CPU, pruned
  double fitted_psnr = 0, held_out_psnr = 0;  ///< dB, mean over views, over white
  int64_t fitted_count = 0, held_out_count = 0;
};

/// Masks are used when a picture has transparent pixels. Throws Error for pictures below 11 pixels and when nothing is left to
/// fit; Cancelled on Ctrl-C.
FittedViews fit_views(const PosedViews& views, const FitViewsOptions& options,
                      const std::function<void(const FitStep&)>& on_step = {});

}  // namespace gsv3d
