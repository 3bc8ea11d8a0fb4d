// Several photos of one object: each further photo takes the place of the generated view that is nearest to its direction. Its
// latent is given to the sampler, its picture and silhouette to the decoder and the refinement, its pixels to the surface.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "camera/camera.h"
#include "models/model_folder.h"
#include "pipeline/prepared_photo.h"

namespace gsv3d {

/// Another photo of the same object, from a direction that is known.
struct FurtherPhoto {
  PreparedPhoto photo;
  double azimuth_degrees = 0;  ///< of its camera around the object: counter-clockwise seen from above, the first photo's is 0
  std::optional<double> elevation_degrees;  ///< above the object; otherwise the first photo's
  std::string name;                         ///< for people: its file, or its direction
};

/// The same before it is cut out and framed.
struct FurtherImage {
  Image image;
  double azimuth_degrees = 0;
  std::optional<double> elevation_degrees;
  std::string name;  ///< for people: its file; empty: "the photo at 90 degrees"
};

/// Throws UsageError when there are as many photos as views or more, or two of them, the first photo at this elevation included,
/// are less than a degree apart; Error for elevations that are not between -90 and 90.
void check_further_photos(const std::vector<FurtherPhoto>& photos, int64_t views, double elevation_degrees);

/// Which of `views` views at equal azimuth steps each photo stands for, 1 to views - 1: the nearest in azimuth that is free, the
/// pair with the smallest angle first.
std::vector<int64_t> views_of_photos(const std::vector<FurtherPhoto>& photos, int64_t views);

/// Whether the photo shows about what that view would, so that it may stand for it in the sampler, too: at most half of a step of
/// the orbit and 20 degrees of elevation away.
bool is_near_its_view(const FurtherPhoto& photo, int64_t view, int64_t views, double elevation_degrees);

/// `cameras` of the model's orbit with the photos' own in the places of their `views`.
Cameras with_photo_cameras(const Cameras& cameras, const std::vector<FurtherPhoto>& photos, const std::vector<int64_t>& views,
                           const ModelConfig& config, double elevation_degrees);

/// A further photo, cut out and framed so that the object is as high in it as in the first photo's frame: photos that were taken
/// from other distances fit together. Warns where the object would then be wider than the frame, and is made to fit.
PreparedPhoto prepare_further_photo(const Image& photo, const PreparedPhoto& first, const ModelConfig& config,
                                    const GenerateOptions& options);

}  // namespace gsv3d
