// Pinhole cameras in OpenCV axes (x right, y down, z forward) around an object in a right-handed world with +Y up whose front
// faces +Z.
#pragma once

#include <vector>

#include "core/tensor.h"

namespace gsv3d {

/// C cameras that share one image size.
struct Cameras {
  Tensor world_to_camera;  ///< [C, 4, 4] float32: x_camera = R x_world + t
  Tensor intrinsics;       ///< [C, 3, 3] float32, pixels; the centre of pixel (column j, row i) is (j + 0.5, i + 0.5)
  int64_t width = 0, height = 0;

  int64_t count() const { return world_to_camera.size(0); }
  /// The cameras of these indices ([K] int64) or of the range [begin, end).
  Cameras select(const Tensor& indices) const;
  Cameras slice(int64_t begin, int64_t end) const;
  /// The same cameras for images of another size (intrinsics scaled).
  Cameras resized(int64_t new_width, int64_t new_height) const;
  Cameras to(at::Device device) const;
  Tensor positions() const;  ///< [C, 3] camera centres in the world
};

/// The camera body that looks at the origin: SV3D's radius and field of view by default.
struct Lens {
  double radius = 2;  ///< distance of the camera from the origin, world units
  double fov_y_degrees = 33.8;
};

/// Cameras that look at the origin from the given azimuths and elevations (degrees; azimuth 0 is on the +Z side, growing
/// counter-clockwise seen from above, that is towards +X; elevation grows towards +Y). Images are size × size pixels.
Cameras look_at_cameras(const std::vector<double>& azimuths_degrees, const std::vector<double>& elevations_degrees, int64_t size,
                        const Lens& lens = {});

/// `views` cameras at equal azimuth steps; view 0 is at azimuth 0.
Cameras orbit_cameras(int64_t views, double elevation_degrees, int64_t size, const Lens& lens = {});

/// `count` cameras in random directions: azimuth uniform, sine of the elevation uniform between the limits.
Cameras random_cameras(int64_t count, double min_elevation_degrees, double max_elevation_degrees, int64_t size,
                       const at::Generator& generator, const Lens& lens = {});

/// Joins batches of cameras of one image size.
Cameras concatenate(const std::vector<Cameras>& batches);

/// The same cameras in a world turned about +Y so that what stood at azimuth `azimuth_degrees` comes to azimuth 0.
Cameras rotate_azimuth(const Cameras& cameras, double azimuth_degrees);

/// The same views of the world mirrored in x (x → -x), for images flipped left to right. Needs principal points at the image
/// centre.
Cameras mirrored(const Cameras& cameras);

/// Where cameras see world points, [C, P] each.
struct SeenPoints {
  Tensor x, y;  ///< pixels from the left and upper border, pixel centres at +0.5; meaningless where z is not above 0
  Tensor z;     ///< camera z
};
/// points: [P, 3]; computed in their type, on their device.
SeenPoints seen_points(const Cameras& cameras, const Tensor& points);

/// The pixels of such points in the cameras' images, row-major indices [C, P] int64; -1 outside of an image and behind a camera.
Tensor pixels_of(const SeenPoints& seen, const Cameras& cameras);

/// Plücker coordinates of the rays through an h × w grid over each image: channels 0-2 the unit direction d, 3-5 the moment o ×
/// d, in world axes. → [C, 6, h, w].
Tensor plucker_rays(const Cameras& cameras, int64_t h, int64_t w);

/// Ray origins [C, 3] and unit directions [C, 3, h, w] behind plucker_rays.
struct Rays {
  Tensor origins, directions;
};
Rays camera_rays(const Cameras& cameras, int64_t h, int64_t w);

}  // namespace gsv3d
