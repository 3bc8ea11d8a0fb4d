#include "pipeline/further_photos.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "core/error.h"
#include "image/object_mask.h"

namespace gsv3d {
namespace {

/// The angle between two azimuths, 0 to 180.
double apart(double a_degrees, double b_degrees) {
  return std::abs(std::remainder(a_degrees - b_degrees, 360.0));
}

}  // namespace

void check_further_photos(const std::vector<FurtherPhoto>& photos, int64_t views, double elevation_degrees) {
  if (std::ssize(photos) >= views)
    throw UsageError(fmt::format("{} further photos are too many: the model makes {} views, one of them the first photo's",
                                 photos.size(), views));
  for (size_t i = 0; i < photos.size(); ++i) {
    const double elevation = photos[i].elevation_degrees.value_or(elevation_degrees);
    require(std::isfinite(photos[i].azimuth_degrees) && elevation > -90 && elevation < 90,
            "{}: azimuth {} and elevation {} are no direction of a camera", photos[i].name, photos[i].azimuth_degrees, elevation);
    const auto same_as = [&](double azimuth, double other_elevation) {
      return apart(photos[i].azimuth_degrees, azimuth) < 1 && std::abs(elevation - other_elevation) < 1;
    };
    if (same_as(0, elevation_degrees))
      throw UsageError(
          fmt::format("{}: azimuth {} is the first photo's own direction", photos[i].name, photos[i].azimuth_degrees));
    for (size_t j = 0; j < i; ++j)
      if (same_as(photos[j].azimuth_degrees, photos[j].elevation_degrees.value_or(elevation_degrees)))
        throw UsageError(fmt::format("{} and {} are of one direction", photos[j].name, photos[i].name));
  }
}

std::vector<int64_t> views_of_photos(const std::vector<FurtherPhoto>& photos, int64_t views) {
  std::vector<std::tuple<double, size_t, int64_t>> pairs;
  for (size_t i = 0; i < photos.size(); ++i)
    for (int64_t view = 1; view < views; ++view)
      pairs.emplace_back(apart(photos[i].azimuth_degrees, 360.0 * static_cast<double>(view) / static_cast<double>(views)), i,
                         view);
  std::sort(pairs.begin(), pairs.end());
  std::vector<int64_t> result(photos.size(), 0);
  for (const auto& [angle, photo, view] : pairs)
    if (result[photo] == 0 && std::find(result.begin(), result.end(), view) == result.end()) result[photo] = view;
  return result;
}

bool is_near_its_view(const FurtherPhoto& photo, int64_t view, int64_t views, double elevation_degrees) {
  constexpr double kMostElevation = 20;
  const double step = 360.0 / static_cast<double>(views);
  return apart(photo.azimuth_degrees, step * static_cast<double>(view)) <= step / 2 &&
         std::abs(photo.elevation_degrees.value_or(elevation_degrees) - elevation_degrees) <= kMostElevation;
}

Cameras with_photo_cameras(const Cameras& cameras, const std::vector<FurtherPhoto>& photos, const std::vector<int64_t>& views,
                           const ModelConfig& config, double elevation_degrees) {
  Cameras result = cameras;
  result.world_to_camera = cameras.world_to_camera.clone();
  result.intrinsics = cameras.intrinsics.clone();
  for (size_t i = 0; i < photos.size(); ++i) {
    const Cameras own = look_at_cameras({photos[i].azimuth_degrees}, {photos[i].elevation_degrees.value_or(elevation_degrees)},
                                        cameras.width, Lens{config.radius, config.fov_y_degrees});
    result.world_to_camera[views[i]].copy_(own.world_to_camera[0]);
    result.intrinsics[views[i]].copy_(own.intrinsics[0]);
  }
  return result;
}

PreparedPhoto prepare_further_photo(const Image& photo, const PreparedPhoto& first, const ModelConfig& config,
                                    const GenerateOptions& options) {
  const double height = static_cast<double>(object_box(first.cutout).height) / static_cast<double>(first.cutout.height);
  return prepare_photo(photo, config, options, height);
}

}  // namespace gsv3d
