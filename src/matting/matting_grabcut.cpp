// Background removal without a network: GrabCut (Rother, Kolmogorov, Blake 2004) from an automatic first guess.
#ifdef GSV3D_WITH_MATTING

#include <opencv2/imgproc.hpp>

#include "matting/matte.h"
#include "matting/saliency.h"

namespace gsv3d {
namespace {

cv::Mat disc(int radius) {
  return cv::getStructuringElement(cv::MORPH_ELLIPSE, {2 * radius + 1, 2 * radius + 1});
}

/// The convex hull of everything that is set.
cv::Mat hull_of(const cv::Mat& mask) {
  std::vector<cv::Point> points, hull;
  cv::findNonZero(mask, points);
  cv::Mat filled = cv::Mat::zeros(mask.size(), CV_8U);
  if (points.empty()) return filled;
  cv::convexHull(points, hull);
  cv::fillConvexPoly(filled, hull, 255);
  return filled;
}

cv::Mat central_ellipse(const cv::Size& size) {
  cv::Mat filled = cv::Mat::zeros(size, CV_8U);
  cv::ellipse(filled, {size.width / 2, size.height / 2}, {size.width * 2 / 5, size.height * 2 / 5}, 0, 0, 360, 255, cv::FILLED);
  return filled;
}

/// Keeps the largest part and others that are a good share of it, and fills small holes. Larger holes are real: handles, rings.
cv::Mat tidy(const cv::Mat& mask) {
  cv::Mat open, labels, statistics, centres;
  const int radius = std::max(1, std::min(mask.rows, mask.cols) / 200);
  cv::morphologyEx(mask, open, cv::MORPH_OPEN, disc(radius));
  cv::morphologyEx(open, open, cv::MORPH_CLOSE, disc(radius));
  const int parts = cv::connectedComponentsWithStats(open, labels, statistics, centres);
  int largest = 0;
  for (int i = 1; i < parts; ++i) largest = std::max(largest, statistics.at<int>(i, cv::CC_STAT_AREA));
  cv::Mat kept = cv::Mat::zeros(mask.size(), CV_8U);
  for (int i = 1; i < parts; ++i) {
    if (statistics.at<int>(i, cv::CC_STAT_AREA) * 5 >= largest) kept.setTo(255, labels == i);
  }
  const int holes = cv::connectedComponentsWithStats(~kept, labels, statistics, centres, 4);
  for (int i = 1; i < holes; ++i) {
    const cv::Rect box(statistics.at<int>(i, cv::CC_STAT_LEFT), statistics.at<int>(i, cv::CC_STAT_TOP),
                       statistics.at<int>(i, cv::CC_STAT_WIDTH), statistics.at<int>(i, cv::CC_STAT_HEIGHT));
    const bool inside = box.x > 0 && box.y > 0 && box.br().x < mask.cols && box.br().y < mask.rows;
    if (inside && statistics.at<int>(i, cv::CC_STAT_AREA) * 25 < largest) kept.setTo(255, labels == i);
  }
  return kept;
}

/// Cuts the object out of a first guess: border seeds are background for good, the rest may be overturned. Empty when the guess
/// leaves GrabCut's colour models without samples.
cv::Mat cut(const cv::Mat& bgr, const cv::Mat& guess, const cv::Mat& seeds, int iterations) {
  cv::Mat labels(bgr.size(), CV_8U, cv::Scalar(cv::GC_PR_BGD)), background, foreground;
  labels.setTo(cv::GC_PR_FGD, guess);
  labels.setTo(cv::GC_BGD, seeds);
  const int probable = cv::countNonZero(labels == cv::GC_PR_FGD);
  if (probable < 32 || probable > static_cast<int>(labels.total()) - 32) return {};
  cv::setRNGSeed(1);  // the same photo must always give the same cut-out
  cv::grabCut(bgr, labels, {}, background, foreground, iterations, cv::GC_INIT_WITH_MASK);
  return tidy((labels & 1) * 255);
}

/// How much like one whole object a cut-out looks, in 0-1: contrast across its outline, how well it fills its convex hull, how
/// little of its outline lies on the picture's border, and a size that is neither tiny nor everything.
double plausibility(const cv::Mat& lab, const cv::Mat& mask) {
  constexpr double kClear = 20;  // CIELAB units: an outline nobody would miss
  const double share = cv::countNonZero(mask) / static_cast<double>(mask.total());
  if (share < 0.005 || share > 0.95) return 0;
  cv::Mat inner, outer;
  cv::erode(mask, inner, disc(2), {-1, -1}, 1, cv::BORDER_CONSTANT, 255);
  cv::dilate(mask, outer, disc(2), {-1, -1}, 1, cv::BORDER_CONSTANT, 0);
  cv::Mat inside, outside;
  const auto local_mean = [&](const cv::Mat& chosen, cv::Mat& mean) {
    cv::Mat weight, weight3;
    chosen.convertTo(weight, CV_32F, 1.0 / 255);
    cv::merge(std::vector<cv::Mat>(3, weight), weight3);
    cv::boxFilter(lab.mul(weight3), mean, -1, {9, 9});
    cv::boxFilter(weight3, weight3, -1, {9, 9});
    cv::divide(mean, cv::max(weight3, cv::Scalar::all(1e-3)), mean);
  };
  local_mean(inner, inside);
  local_mean(~outer, outside);
  const cv::Mat rim = mask & ~inner;
  double contrast = 0, length = 0, on_border = 0;
  for (int y = 0; y < mask.rows; ++y) {
    for (int x = 0; x < mask.cols; ++x) {
      if (!mask.at<uint8_t>(y, x)) continue;
      if (y == 0 || x == 0 || y == mask.rows - 1 || x == mask.cols - 1) ++on_border;
      if (!rim.at<uint8_t>(y, x)) continue;
      ++length;
      contrast += std::min(cv::norm(inside.at<cv::Vec3f>(y, x) - outside.at<cv::Vec3f>(y, x)) / kClear, 1.0);
    }
  }
  if (length == 0) return 0;
  const double solidity = cv::countNonZero(mask) / static_cast<double>(cv::countNonZero(hull_of(mask)));
  const double free = 1 - on_border / (2.0 * (mask.rows + mask.cols));
  const double size = std::pow(share, 0.25) * std::sqrt(std::min(1.0, (1 - share) / 0.15));
  return std::pow(contrast / length, 2) * std::sqrt(solidity) * free * size;
}

/// True when two cut-outs share 95 % of what either has.
bool agree(const cv::Mat& a, const cv::Mat& b) {
  return cv::countNonZero(a & b) >= 0.95 * cv::countNonZero(a | b);
}

/// The most plausible cut-out over several first guesses: what stands out, the middle of the picture, the hull of the first, all
/// but the border. When two guesses lead to the same cut-out the rest is not tried.
cv::Mat best_cut(const cv::Mat& bgr) {
  const ObjectPrior prior = estimate_object(bgr);
  const cv::Mat salient = prior.saliency > prior.threshold;
  const cv::Mat everything(bgr.size(), CV_8U, cv::Scalar(255));
  const std::array<cv::Mat, 4> guesses = {salient, central_ellipse(bgr.size()), hull_of(tidy(salient)), everything};
  cv::Mat lab, best = cv::Mat::zeros(bgr.size(), CV_8U);
  bgr.convertTo(lab, CV_32F, 1.0 / 255);
  cv::cvtColor(lab, lab, cv::COLOR_BGR2Lab);
  double best_score = 0;
  for (const cv::Mat& guess : guesses) {
    const cv::Mat mask = cut(bgr, guess, prior.seeds, 4);
    if (mask.empty()) continue;
    if (best_score > 0 && agree(mask, best)) break;
    const double score = plausibility(lab, mask);
    if (score > best_score) best_score = score, best = mask;
  }
  return best;
}

cv::Mat shrink(const cv::Mat& bgr, int64_t longer_side) {
  const double scale = std::min(1.0, static_cast<double>(longer_side) / std::max(bgr.rows, bgr.cols));
  cv::Mat small;
  cv::resize(bgr, small, {std::max(16, cvRound(bgr.cols * scale)), std::max(16, cvRound(bgr.rows * scale))}, 0, 0,
             cv::INTER_AREA);
  return small;
}

/// Cuts again at the working size, but only in a band along the outline that was found on the thumbnail.
cv::Mat refine(const cv::Mat& bgr, const cv::Mat& rough) {
  cv::Mat mask, core, surely_outside;
  cv::resize(rough, mask, bgr.size(), 0, 0, cv::INTER_LINEAR);
  mask = mask > 127;
  const int band = 2 + cvRound(2.0 * bgr.cols / rough.cols);
  cv::erode(mask, core, disc(band), {-1, -1}, 1, cv::BORDER_CONSTANT, 255);
  cv::dilate(mask, surely_outside, disc(band), {-1, -1}, 1, cv::BORDER_CONSTANT, 0);
  surely_outside = ~surely_outside;
  if (cv::countNonZero(core) < 32 || cv::countNonZero(surely_outside) < 32) return mask;
  cv::Mat labels(bgr.size(), CV_8U, cv::Scalar(cv::GC_PR_BGD)), background, foreground;
  labels.setTo(cv::GC_PR_FGD, mask);
  labels.setTo(cv::GC_FGD, core);
  labels.setTo(cv::GC_BGD, surely_outside);
  cv::setRNGSeed(1);
  cv::grabCut(bgr, labels, {}, background, foreground, 2, cv::GC_INIT_WITH_MASK);
  return tidy((labels & 1) * 255);
}

}  // namespace

cv::Mat grabcut_matte(const cv::Mat& bgr, int64_t work_size) {
  // The guesses are tried on a thumbnail, where GrabCut takes a tenth of a second; only the outline is then cut again at the
  // working size.
  const cv::Mat thumbnail = shrink(bgr, 256), work = shrink(bgr, work_size);
  const cv::Mat mask = refine(work, best_cut(thumbnail));
  const double scale = static_cast<double>(work.cols) / bgr.cols;

  // From jagged to smooth: the blurred mask's middle line is the outline, with a ramp of about one pixel at the photo's own size.
  cv::Mat soft, large;
  mask.convertTo(soft, CV_32F, 1.0 / 255);
  cv::GaussianBlur(soft, soft, {}, 1.2);
  cv::resize(soft, large, bgr.size(), 0, 0, cv::INTER_CUBIC);
  const double steepness = std::max(2.5, 2.5 / scale);
  large = (large - 0.5) * steepness + 0.5;
  return cv::min(cv::max(large, 0), 1);
}

}  // namespace gsv3d

#endif
