// From a user's photo to what the networks see: the object cut out, centred, at a known share of the frame.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/tensor.h"
#include "image/image.h"
#include "models/model_folder.h"
#include "pipeline/generate_options.h"

namespace gsv3d {

/// A photo as the networks see it.
struct PreparedPhoto {
  Image cutout;    ///< [S, S] RGBA, the object centred
  Image detail;    ///< the same at the photo's own resolution, its outline in colours from inside: [P, P], S ≤ P ≤
                   ///< max_detail_pixels; empty: no finer one
  Tensor picture;  ///< [1, 4, S, S] float32 in 0-1: RGB over white, alpha (image/picture.h)
  std::string object_from = {};            ///< what told the object from its ground: "alpha used", "background removed", …
  std::vector<std::string> warnings = {};  ///< what speaks against it
  Tensor rgb() const { return picture.narrow(1, 0, 3); }
};

/// Side of PreparedPhoto::detail, unless the model's own pictures are larger.
inline constexpr int64_t max_detail_pixels = 512;

/// The object cut out of a photo, at the photo's own size.
struct PhotoCutOut {
  Image image;
  std::string object_from;            ///< as PreparedPhoto has it
  std::vector<std::string> warnings;  ///< what speaks against it
  bool is_framed = false;             ///< nothing was cut: the photo shows the object as it is to be framed
};

/// What prepare_photo does first: the photo's own transparency where it cuts an object out, otherwise remove_background, or the
/// photo as it is where matting is off. Throws Error when no object can be told from the ground.
PhotoCutOut cut_out_photo(const Image& photo, const GenerateOptions& options);

/// Cuts the object out (unless its transparency does so already, is_cut_out of image/object_mask.h, or matting is off) and frames
/// it as SV3D does: image/framing.h. height_share: the share of the frame's height that the object gets, for photos that must fit
/// others; otherwise its longer side gets the model's image_frame_ratio. Says in the log which of them it was, and warns when the
/// cut-out is doubtful, or too wide for that height.
PreparedPhoto prepare_photo(const Image& photo, const ModelConfig& config, const GenerateOptions& options,
                            std::optional<double> height_share = {});

}  // namespace gsv3d
