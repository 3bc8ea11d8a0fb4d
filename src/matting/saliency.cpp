#ifdef GSV3D_WITH_MATTING

#include "matting/saliency.h"

#include <opencv2/imgproc.hpp>

namespace gsv3d {
namespace {

/// The four sides of the picture as strips: top, bottom, left, right.
std::array<cv::Rect, 4> border_strips(const cv::Size& size, int depth) {
  return {cv::Rect(0, 0, size.width, depth), cv::Rect(0, size.height - depth, size.width, depth),
          cv::Rect(0, 0, depth, size.height), cv::Rect(size.width - depth, 0, depth, size.height)};
}

/// Colours of a strip as rows of a [n, 3] float matrix.
cv::Mat colours_of(const cv::Mat& lab, const cv::Rect& strip) {
  return lab(strip).clone().reshape(1, strip.area());
}

/// A few typical colours of a strip, as rows.
cv::Mat palette_of(const cv::Mat& lab, const cv::Rect& strip) {
  cv::Mat labels, centres;
  cv::setRNGSeed(1);  // the same photo must always give the same cut-out
  cv::kmeans(colours_of(lab, strip), 4, labels, cv::TermCriteria(cv::TermCriteria::COUNT, 12, 0), 1, cv::KMEANS_PP_CENTERS,
             centres);
  return centres;
}

float distance_to(const cv::Mat& palette, const cv::Vec3f& colour) {
  float best = 1e9F;
  for (int i = 0; i < palette.rows; ++i) {
    const auto* entry = palette.ptr<float>(i);
    best = std::min(best, static_cast<float>(std::hypot(entry[0] - colour[0], entry[1] - colour[1], entry[2] - colour[2])));
  }
  return best;
}

/// Border pixels that resemble at least one of the other sides: a side's own colours do not count, since the object may fill it.
cv::Mat background_seeds(const cv::Mat& lab) {
  constexpr float kAlike = 14;  // CIELAB units: clearly the same kind of surface
  const int depth = std::max(2, std::min(lab.rows, lab.cols) / 100);
  const auto thin = border_strips(lab.size(), depth), wide = border_strips(lab.size(), 4 * depth);
  std::array<cv::Mat, 4> palettes;
  for (int side = 0; side < 4; ++side) palettes[side] = palette_of(lab, wide[side]);
  cv::Mat seeds = cv::Mat::zeros(lab.size(), CV_8U);
  for (int side = 0; side < 4; ++side) {
    for (int y = thin[side].y; y < thin[side].br().y; ++y) {
      for (int x = thin[side].x; x < thin[side].br().x; ++x) {
        for (int other = 0; other < 4; ++other) {
          if (other != side && distance_to(palettes[other], lab.at<cv::Vec3f>(y, x)) < kAlike) seeds.at<uint8_t>(y, x) = 255;
        }
      }
    }
  }
  return seeds;
}

/// One step of the barrier transform: the path of neighbour (y2, x2) continued to (y, x), taken when its range of values is
/// smaller.
struct Barrier {
  cv::Mat value, distance, highest, lowest;
  void relax(int y, int x, int y2, int x2) {
    const float here = value.at<float>(y, x), high = std::max(highest.at<float>(y2, x2), here),
                low = std::min(lowest.at<float>(y2, x2), here);
    if (high - low >= distance.at<float>(y, x)) return;
    distance.at<float>(y, x) = high - low, highest.at<float>(y, x) = high, lowest.at<float>(y, x) = low;
  }
};

/// The smallest range of values that any path from a seed has to cross (raster-scan approximation, four passes).
cv::Mat barrier_distance(const cv::Mat& channel, const cv::Mat& seeds) {
  Barrier barrier{channel, cv::Mat(channel.size(), CV_32F, cv::Scalar(1e6)), channel.clone(), channel.clone()};
  barrier.distance.setTo(0, seeds);
  for (int pass = 0; pass < 4; ++pass) {
    const bool forward = pass % 2 == 0;
    const int step = forward ? -1 : 1;
    for (int i = 0; i < channel.rows; ++i) {
      const int y = forward ? i : channel.rows - 1 - i;
      for (int j = 0; j < channel.cols; ++j) {
        const int x = forward ? j : channel.cols - 1 - j;
        if (y + step >= 0 && y + step < channel.rows) barrier.relax(y, x, y + step, x);
        if (x + step >= 0 && x + step < channel.cols) barrier.relax(y, x, y, x + step);
      }
    }
  }
  return barrier.distance;
}

/// Mahalanobis distance of every pixel from each side's colours, summed over the sides without the largest (Zhang et al., eq. 8).
cv::Mat colour_difference(const cv::Mat& lab) {
  const auto strips = border_strips(lab.size(), std::max(4, std::min(lab.rows, lab.cols) / 10));
  cv::Mat sum = cv::Mat::zeros(lab.size(), CV_32F), largest = sum.clone();
  for (const cv::Rect& strip : strips) {
    cv::Mat covariance, mean;
    const cv::Mat colours = colours_of(lab, strip);
    cv::calcCovarMatrix(colours, covariance, mean, cv::COVAR_NORMAL | cv::COVAR_ROWS | cv::COVAR_SCALE, CV_32F);
    const cv::Mat inverse = (covariance + cv::Mat::eye(3, 3, CV_32F) * 4).inv();
    const cv::Mat centred = lab.reshape(1, static_cast<int>(lab.total())) - cv::repeat(mean, static_cast<int>(lab.total()), 1);
    cv::Mat squared;
    cv::reduce(centred.mul(centred * inverse), squared, 1, cv::REDUCE_SUM, CV_32F);
    squared = cv::Mat(cv::max(squared, 0)).reshape(1, lab.rows);
    cv::sqrt(squared, squared);
    double peak = 0;
    cv::minMaxLoc(squared, nullptr, &peak);
    squared /= std::max(peak, 1e-6);
    sum += squared;
    largest = cv::max(largest, squared);
  }
  return sum - largest;
}

cv::Mat normalised(const cv::Mat& map) {
  double low = 0, high = 0;
  cv::minMaxLoc(map, &low, &high);
  return (map - low) / std::max(high - low, 1e-6);
}

}  // namespace

ObjectPrior estimate_object(const cv::Mat& bgr) {
  cv::Mat smooth, lab;
  cv::bilateralFilter(bgr, smooth, 7, 30, 5);  // texture would open barriers of its own
  smooth.convertTo(lab, CV_32F, 1.0 / 255);
  cv::cvtColor(lab, lab, cv::COLOR_BGR2Lab);
  ObjectPrior prior{{}, background_seeds(lab), 0};

  std::array<cv::Mat, 3> channels;
  cv::split(lab, channels.data());
  cv::Mat barrier = cv::Mat::zeros(lab.size(), CV_32F);
  if (cv::countNonZero(prior.seeds) > 0) {
    for (const cv::Mat& channel : channels) barrier += barrier_distance(channel, prior.seeds);
  }
  cv::Mat map = normalised(barrier) + normalised(colour_difference(lab));
  // People put the object in the middle: a mild pull, as in the paper.
  for (int y = 0; y < map.rows; ++y) {
    for (int x = 0; x < map.cols; ++x) {
      const double dx = (x + 0.5) / map.cols - 0.5, dy = (y + 0.5) / map.rows - 0.5;
      map.at<float>(y, x) *= static_cast<float>(1 - std::min(std::hypot(dx, dy), 1.0));
    }
  }
  prior.saliency = normalised(map);
  cv::Mat bytes, ignored;
  prior.saliency.convertTo(bytes, CV_8U, 255);
  prior.threshold = cv::threshold(bytes, ignored, 0, 255, cv::THRESH_OTSU) / 255;
  return prior;
}

}  // namespace gsv3d

#endif
