// Background removal: a photo without transparency becomes a cut-out of its main object.
#pragma once

#include <string>
#include <vector>

#include "image/image.h"

namespace gsv3d {

struct MattingOptions {
  /// An ONNX network that maps one RGB picture to one foreground map (U²-Net, IS-Net and their kin). Empty: GrabCut, which needs
  /// no weights.
  std::string network;
  /// The network's input side in pixels; 0: as its file says, or 320 when the file leaves it open.
  int64_t network_size = 0;
  /// Input = (colour in 0-1 − mean) / std. The defaults are U²-Net's; IS-Net has mean 0.5 and std 1.
  std::vector<double> mean = {0.485, 0.456, 0.406};
  std::vector<double> std = {0.229, 0.224, 0.225};
  /// The longer side of the copy that GrabCut works on, in pixels.
  int64_t work_size = 512;

  template <class Visitor>
  void fields(Visitor& visit) {
    visit("network", network);
    visit("network_size", network_size);
    visit("mean", mean);
    visit("std", std);
    visit("work_size", work_size);
  }
};

/// Returns the photo with the background's alpha set to 0 and the rim's colour cleaned of the background. GrabCut (Rother et al.
/// 2004) is seeded from the picture's border and from how far each pixel is from it in colour and along paths of colour; the
/// object may touch the border. Throws Error when next to nothing or next to everything would be foreground (the message proposes
/// a cut-out), when the network cannot be read or run, and in builds without OpenCV (GSV3D_WITH_MATTING=OFF).
Image remove_background(const Image& photo, const MattingOptions& options = {});

/// Returns the photo cut out by a matte that somebody gives: a picture whose transparency, or where it has none whose brightness,
/// says how much of each pixel is object; of another size it is scaled. The rim's colour is cleaned as remove_background does
/// (not in builds without OpenCV).
Image with_matte(const Image& photo, const Image& matte);

}  // namespace gsv3d
