#include "pipeline/prepared_photo.h"

#include <algorithm>

#include "core/error.h"
#include "core/log.h"
#include "image/edge_colors.h"
#include "image/framing.h"
#include "image/object_mask.h"

namespace gsv3d {
namespace {

/// What frame_object needs for an object of this share of the frame's height.
double share_of_longer_side(const Image& cutout, double height_share) {
  constexpr double kMost = 0.98;
  const ObjectBox box = object_box(cutout);
  const double share = height_share * static_cast<double>(std::max(box.width, box.height)) / static_cast<double>(box.height);
  if (share > kMost)
    spdlog::warn("photo: as high as in the first photo, the object would be {:.0f} % of the frame wide: it is made smaller",
                 100 * share);
  return std::min(share, kMost);
}

}  // namespace

PhotoCutOut cut_out_photo(const Image& photo, const GenerateOptions& options) {
  if (is_cut_out(photo)) return {photo, "alpha used", frame_doubts(photo)};
  if (!options.matting) return {photo, "taken as framed", {}, true};
  // What is under the few transparent pixels of a photo, such as its rounded corners, is no colour of the photo's.
  Image cutout = remove_background(photo.has_alpha ? composite_on_white(photo) : photo, options.matting_options);
  std::vector<std::string> doubts = matte_doubts(cutout);
  const char* from = photo.has_alpha ? "background removed (hardly any of the photo is transparent)" : "background removed";
  return {std::move(cutout), from, std::move(doubts)};
}

PreparedPhoto prepare_photo(const Image& photo, const ModelConfig& config, const GenerateOptions& options,
                            std::optional<double> height_share) {
  PhotoCutOut cut = cut_out_photo(photo, options);
  PreparedPhoto prepared;
  prepared.object_from = cut.object_from, prepared.warnings = std::move(cut.warnings);
  const Image& cutout = cut.image;
  // A photo that is neither transparent nor to be cut out is taken as framed already: padded to a square, not enlarged.
  std::optional<double> ratio = config.image_frame_ratio;
  if (cut.is_framed) ratio.reset();
  if (height_share && ratio) ratio = share_of_longer_side(cutout, *height_share);
  const FramedPhoto framed = frame_object(cutout, ratio, config.image_size, max_detail_pixels);
  spdlog::info("photo: {}", prepared.object_from);
  for (const std::string& doubt : prepared.warnings) {
    if (prepared.object_from == "alpha used")
      spdlog::warn("photo: {}; a photo of the whole object gives a better one", doubt);
    else
      spdlog::warn("photo: the background's removal looks wrong: {}; a cut-out PNG gives a better object", doubt);
  }
  prepared.cutout = framed.cutout;
  prepared.detail = to_image(with_edge_colors_from_inside(to_tensor(framed.detail)));
  prepared.picture = at::cat({to_tensor(framed.on_white).slice(0, 0, 3), to_tensor(framed.cutout).slice(0, 3)}).unsqueeze(0);
  return prepared;
}

}  // namespace gsv3d
