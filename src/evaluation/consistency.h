// Multi-view consistency, the method's claim (GSV3D, arXiv 2503.06136): do the generated views show one object? Without any
// truth.
#pragma once

#include <limits>
#include <map>
#include <string>

#include "evaluation/method.h"

namespace gsv3d {

/// Means over an object's views. Not a number where there is nothing to measure.
struct ConsistencyScores {
  double render_psnr = 0;         ///< dB, views 1 … N-1 (view 0 is the photo) against the object's renders, each at most 100
  double render_mask_iou = 0;     ///< of the same silhouettes
  double near_color_error = 0;    ///< between neighbours: WarpError::color
  double near_outline_error = 0;  ///< WarpError::outline
  double far_color_error = 0;     ///< between views a quarter of the orbit apart
  double far_outline_error = 0;
  double fit_psnr = 0;   ///< dB, of Gaussians fitted to all views, on these views: low when no object shows them all
  double half_psnr = 0;  ///< dB, between fits to the even and to the odd views, seen from cameras midway between the views
  double half_ssim = 0;  ///< SsimBorder::valid
  double half_mask_iou = 0;
  template <class Visitor>
  void fields(Visitor& visit) {
    visit("render_psnr", render_psnr), visit("render_mask_iou", render_mask_iou), visit("near_color_error", near_color_error);
    visit("near_outline_error", near_outline_error), visit("far_color_error", far_color_error);
    visit("far_outline_error", far_outline_error), visit("fit_psnr", fit_psnr), visit("half_psnr", half_psnr);
    visit("half_ssim", half_ssim), visit("half_mask_iou", half_mask_iou);
  }

  static ConsistencyScores none() {
    constexpr double nothing = std::numeric_limits<double>::quiet_NaN();
    return {nothing, nothing, nothing, nothing, nothing, nothing, nothing, nothing, nothing, nothing};
  }
};

struct ConsistencyOptions {
  int64_t fit_steps = 300;       ///< of each of the three fits; 0: no fits, and none of their scores
  int64_t gaussians = 3000;      ///< few and of one colour from all sides, so that they cannot follow views that disagree
  at::Device device = at::kCPU;  ///< that fits
};

/// Remembers an object's fits, since methods that differ only behind the views share them.
class ConsistencyScorer {
 public:
  explicit ConsistencyScorer(const ConsistencyOptions& options = {}) : options_(options) {}
  /// Views of at least 11 pixels on an orbit around the origin. Throws Error for other shapes, Cancelled on Ctrl-C.
  ConsistencyScores score(const GeneratedViews& views);

 private:
  struct FitScores {
    double fit_psnr, half_psnr, half_ssim, half_mask_iou;
  };
  FitScores score_fits(const GeneratedViews& views) const;

  ConsistencyOptions options_;
  GeneratedViews fitted_;  // the views whose scores are kept
  FitScores kept_ = {};
};

/// A camera midway between each two neighbours of views around the origin, at the mean of their elevations and distances; an
/// orbit of an odd number of views has none between the last and the first, which belong to the same half.
Cameras cameras_between(const Cameras& cameras);

}  // namespace gsv3d
