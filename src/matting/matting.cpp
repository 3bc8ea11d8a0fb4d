#include "matting/matting.h"

#include "core/error.h"
#include "image/resize.h"

#ifdef GSV3D_WITH_MATTING
#include <opencv2/imgproc.hpp>

#include "matting/matte.h"
#endif

namespace gsv3d {

#ifdef GSV3D_WITH_MATTING
namespace {

cv::Mat to_bgr(const Image& photo) {
  const cv::Mat rgba(static_cast<int>(photo.height), static_cast<int>(photo.width), CV_8UC4,
                     const_cast<uint8_t*>(photo.pixels.data()));
  cv::Mat bgr;
  cv::cvtColor(rgba, bgr, cv::COLOR_RGBA2BGR);
  return bgr;
}

/// The rim's colours replaced by those of the solid pixels nearby: half-transparent pixels of a photo still show the old
/// background.
cv::Mat clean_rim(const cv::Mat& bgr, const cv::Mat& alpha) {
  cv::Mat weight, colour, sums;
  cv::Mat(alpha > 0.98).convertTo(weight, CV_32F, 1.0 / 255);
  bgr.convertTo(colour, CV_32FC3);
  cv::Mat weights3;
  cv::merge(std::vector<cv::Mat>(3, weight), weights3);
  const int side = 2 * std::max(3, std::max(bgr.rows, bgr.cols) / 150) + 1;
  cv::GaussianBlur(colour.mul(weights3), sums, {side, side}, 0);
  cv::GaussianBlur(weights3, weights3, {side, side}, 0);
  cv::Mat inner, cleaned = bgr.clone();
  cv::divide(sums, cv::max(weights3, cv::Scalar::all(1e-6)), inner);
  inner.convertTo(inner, CV_8UC3);
  cv::Mat near;
  cv::extractChannel(weights3, near, 0);
  inner.copyTo(cleaned, (alpha <= 0.98) & (near > 1e-3));
  return cleaned;
}

/// `bgr`: the colours to take; `alpha`: [H, W] float 0-1.
Image cut_out(const Image& photo, const cv::Mat& bgr, const cv::Mat& alpha) {
  Image result = photo;
  for (int64_t y = 0; y < photo.height; ++y) {
    const auto* colours = bgr.ptr<cv::Vec3b>(static_cast<int>(y));
    const auto* cover = alpha.ptr<float>(static_cast<int>(y));
    for (int64_t x = 0; x < photo.width; ++x) {
      uint8_t* pixel = result.at(x, y);
      for (int c = 0; c < 3; ++c) pixel[c] = colours[x][2 - c];
      pixel[3] = static_cast<uint8_t>(std::lround(255 * cover[x]));
    }
  }
  result.has_alpha = has_transparency(result);
  return result;
}

void check_share(double share, bool network) {
  constexpr double kNothing = 0.002, kEverything = 0.985;
  if (share >= kNothing && share <= kEverything) return;
  fail(
      "the background cannot be told from the object ({} of the photo would be kept); give a cut-out PNG with transparency{}, or "
      "a photo "
      "of the whole object before a plain background",
      share < kNothing ? "next to nothing" : "next to everything", network ? "" : ", a matting network (ONNX)");
}

}  // namespace

Image remove_background(const Image& photo, const MattingOptions& options) {
  require(photo.width >= 16 && photo.height >= 16, "background removal needs a photo of at least 16 x 16 pixels");
  require(options.work_size >= 64 && options.work_size <= 4096, "matting: work_size must be 64 to 4096, not {}",
          options.work_size);
  const cv::Mat bgr = to_bgr(photo);
  const bool network = !options.network.empty();
  const cv::Mat alpha = network ? network_matte(bgr, options) : grabcut_matte(bgr, options.work_size);
  check_share(cv::mean(alpha)[0], network);
  return cut_out(photo, clean_rim(bgr, alpha), alpha);
}

#else

Image remove_background(const Image&, const MattingOptions&) {
  fail("this build has no background removal (GSV3D_WITH_MATTING=OFF): give a cut-out PNG with transparency");
}

#endif

Image with_matte(const Image& photo, const Image& matte) {
  const Image scaled = resize_lanczos(matte, photo.width, photo.height);
  const auto cover = [&](const uint8_t* pixel) {
    if (matte.has_alpha) return pixel[3];
    return static_cast<uint8_t>((299 * pixel[0] + 587 * pixel[1] + 114 * pixel[2] + 500) / 1000);  // Rec. 601
  };
#ifdef GSV3D_WITH_MATTING
  cv::Mat alpha(static_cast<int>(photo.height), static_cast<int>(photo.width), CV_32F);
  for (int64_t y = 0; y < photo.height; ++y) {
    for (int64_t x = 0; x < photo.width; ++x)
      alpha.at<float>(static_cast<int>(y), static_cast<int>(x)) = static_cast<float>(cover(scaled.at(x, y))) / 255;
  }
  return cut_out(photo, clean_rim(to_bgr(photo), alpha), alpha);
#else
  Image result = photo;
  for (int64_t y = 0; y < photo.height; ++y) {
    for (int64_t x = 0; x < photo.width; ++x) result.at(x, y)[3] = cover(scaled.at(x, y));
  }
  result.has_alpha = has_transparency(result);
  return result;
#endif
}

}  // namespace gsv3d
