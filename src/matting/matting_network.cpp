// Background removal by a user's ONNX network through OpenCV's inference.
#ifdef GSV3D_WITH_MATTING

#include <opencv2/dnn.hpp>
#include <opencv2/imgproc.hpp>

#include "core/atomic_file.h"
#include "core/error.h"
#include "matting/matte.h"
#include "matting/onnx_input.h"

namespace gsv3d {
namespace {

constexpr int64_t kUsualSide = 320;  // U²-Net's

/// [1, 3, side, side]: RGB in 0-1, mean and standard deviation taken out.
cv::Mat network_input(const cv::Mat& bgr, int side, const MattingOptions& options) {
  require(options.mean.size() == 3 && options.std.size() == 3, "matting: mean and std need three numbers each");
  cv::Mat small, rgb;
  cv::resize(bgr, small, {side, side}, 0, 0, cv::INTER_AREA);
  cv::cvtColor(small, rgb, cv::COLOR_BGR2RGB);
  rgb.convertTo(rgb, CV_32F, 1.0 / 255);
  cv::subtract(rgb, cv::Scalar(options.mean[0], options.mean[1], options.mean[2]), rgb);
  cv::divide(rgb, cv::Scalar(options.std[0], options.std[1], options.std[2]), rgb);
  return cv::dnn::blobFromImage(rgb);
}

/// The first output's first map: networks of this kind list the final one first.
cv::Mat first_map(cv::dnn::Net& net) {
  std::vector<cv::Mat> outputs;
  const auto names = net.getUnconnectedOutLayersNames();
  require(!names.empty(), "it has no output");
  net.forward(outputs, {names.front()});
  const cv::Mat& output = outputs.at(0);
  require(output.dims >= 2 && output.depth() == CV_32F, "its output is not a map");
  const int rows = output.size[output.dims - 2], columns = output.size[output.dims - 1];
  require(rows > 1 && columns > 1, "its output is not a map");
  return cv::Mat(rows, columns, CV_32F, const_cast<uchar*>(output.data)).clone();
}

}  // namespace

cv::Mat network_matte(const cv::Mat& bgr, const MattingOptions& options) {
  const std::string model = read_file(options.network);
  const int64_t known = options.network_size > 0 ? options.network_size : onnx_input_side(model);
  const auto side = static_cast<int>(known > 0 ? known : kUsualSide);
  cv::Mat map;
  try {
    auto net = cv::dnn::readNetFromONNX(model.data(), model.size());
    net.setInput(network_input(bgr, side, options));
    map = first_map(net);
  } catch (const std::exception& error) {
    const std::string reason = error.what();
    fail("{}: the matting network cannot be used with {} x {} pixels: {}", options.network, side, side,
         reason.substr(0, reason.find('\n')));
  }
  // U²-Net's and IS-Net's own scripts stretch the map to 0-1; a flat map stays what it is, so that the check for empty cut-outs
  // sees it.
  double low = 0, high = 0;
  cv::minMaxLoc(map, &low, &high);
  if (high - low > 0.1) map = (map - low) / (high - low);
  cv::resize(map, map, bgr.size(), 0, 0, cv::INTER_LINEAR);
  return cv::min(cv::max(map, 0), 1);
}

}  // namespace gsv3d

#endif
