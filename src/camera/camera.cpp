#include "camera/camera.h"

#include <cmath>
#include <numbers>

#include "core/error.h"

namespace gsv3d {
namespace {

constexpr double radians_per_degree = std::numbers::pi / 180;

/// World-to-camera matrix [4, 4] (double) of a camera at this azimuth and elevation that looks at the origin. The right axis
/// follows from the azimuth alone, so that the poles need no special case.
Tensor look_at(double azimuth_degrees, double elevation_degrees, double radius) {
  const double a = azimuth_degrees * radians_per_degree, e = elevation_degrees * radians_per_degree;
  const double sa = std::sin(a), ca = std::cos(a), se = std::sin(e), ce = std::cos(e);
  // Rows: right, down, forward. The camera stands at -radius · forward, so the origin has camera coordinates (0, 0, radius).
  const std::array<double, 16> matrix = {ca,       0,   -sa,      0,       //
                                         se * sa,  -ce, se * ca,  0,       //
                                         -ce * sa, -se, -ce * ca, radius,  //
                                         0,        0,   0,        1};
  return at::tensor(at::ArrayRef<double>(matrix), at::kDouble).view({4, 4});
}

/// Rᵀ v for matrices [C, 3, 3] and vectors [C, 3, K]. Sums of products instead of at::matmul, which autocast would run in
/// bfloat16.
Tensor transposed_times(const Tensor& matrices, const Tensor& vectors) {
  return (matrices.unsqueeze(-1) * vectors.unsqueeze(2)).sum(1);
}

Tensor centred_intrinsics(int64_t count, int64_t size, double fov_y_degrees) {
  const double focal = 0.5 * size / std::tan(0.5 * fov_y_degrees * radians_per_degree), centre = 0.5 * size;
  const std::array<double, 9> matrix = {focal, 0, centre, 0, focal, centre, 0, 0, 1};
  return at::tensor(at::ArrayRef<double>(matrix), at::kFloat).view({1, 3, 3}).repeat({count, 1, 1});
}

}  // namespace

Cameras Cameras::select(const Tensor& indices) const {
  return {world_to_camera.index_select(0, indices), intrinsics.index_select(0, indices), width, height};
}

Cameras Cameras::slice(int64_t begin, int64_t end) const {
  require(0 <= begin && begin <= end && end <= count(), "cameras [{}, {}) asked for, there are {}", begin, end, count());
  return {world_to_camera.slice(0, begin, end), intrinsics.slice(0, begin, end), width, height};
}

Cameras Cameras::resized(int64_t new_width, int64_t new_height) const {
  require(width > 0 && height > 0 && new_width > 0 && new_height > 0, "cameras: cannot resize images of {} x {} to {} x {}",
          width, height, new_width, new_height);
  const std::array<double, 3> factors = {double(new_width) / width, double(new_height) / height, 1};
  const Tensor scale = at::tensor(at::ArrayRef<double>(factors), intrinsics.options()).view({3, 1});
  return {world_to_camera, intrinsics * scale, new_width, new_height};
}

Cameras Cameras::to(at::Device device) const {
  return {world_to_camera.to(device), intrinsics.to(device), width, height};
}

Tensor Cameras::positions() const {
  const Tensor rotation = world_to_camera.slice(1, 0, 3).slice(2, 0, 3),
               translation = world_to_camera.slice(1, 0, 3).slice(2, 3, 4);
  return -transposed_times(rotation, translation).squeeze(-1);
}

Cameras look_at_cameras(const std::vector<double>& azimuths_degrees, const std::vector<double>& elevations_degrees, int64_t size,
                        const Lens& lens) {
  require(!azimuths_degrees.empty() && azimuths_degrees.size() == elevations_degrees.size(),
          "cameras: {} azimuths and {} elevations given", azimuths_degrees.size(), elevations_degrees.size());
  require(size > 0 && lens.radius > 0 && lens.fov_y_degrees > 0 && lens.fov_y_degrees < 180,
          "cameras: image size {}, radius {}, field of view {} degrees", size, lens.radius, lens.fov_y_degrees);
  std::vector<Tensor> matrices;
  for (size_t i = 0; i < azimuths_degrees.size(); ++i)
    matrices.push_back(look_at(azimuths_degrees[i], elevations_degrees[i], lens.radius));
  const auto count = static_cast<int64_t>(matrices.size());
  return {at::stack(matrices).to(at::kFloat), centred_intrinsics(count, size, lens.fov_y_degrees), size, size};
}

Cameras orbit_cameras(int64_t views, double elevation_degrees, int64_t size, const Lens& lens) {
  require(views > 0, "an orbit of {} views", views);
  std::vector<double> azimuths;
  for (int64_t i = 0; i < views; ++i) azimuths.push_back(360.0 * i / views);
  return look_at_cameras(azimuths, std::vector<double>(views, elevation_degrees), size, lens);
}

Cameras random_cameras(int64_t count, double min_elevation_degrees, double max_elevation_degrees, int64_t size,
                       const at::Generator& generator, const Lens& lens) {
  require(count > 0 && min_elevation_degrees <= max_elevation_degrees, "{} random cameras between the elevations {} and {}",
          count, min_elevation_degrees, max_elevation_degrees);
  const Tensor numbers = at::rand({count, 2}, generator, at::kDouble);
  const double low = std::sin(min_elevation_degrees * radians_per_degree),
               high = std::sin(max_elevation_degrees * radians_per_degree);
  std::vector<double> azimuths, elevations;
  for (int64_t i = 0; i < count; ++i) {
    azimuths.push_back(360 * numbers[i][0].item<double>());
    elevations.push_back(std::asin(low + (high - low) * numbers[i][1].item<double>()) / radians_per_degree);
  }
  return look_at_cameras(azimuths, elevations, size, lens);
}

Cameras concatenate(const std::vector<Cameras>& batches) {
  require(!batches.empty(), "no cameras to join");
  std::vector<Tensor> matrices, intrinsics;
  for (const auto& batch : batches) {
    require(batch.width == batches[0].width && batch.height == batches[0].height,
            "cameras for images of {} x {} and {} x {} cannot be joined", batches[0].width, batches[0].height, batch.width,
            batch.height);
    matrices.push_back(batch.world_to_camera);
    intrinsics.push_back(batch.intrinsics);
  }
  return {at::cat(matrices), at::cat(intrinsics), batches[0].width, batches[0].height};
}

Cameras rotate_azimuth(const Cameras& cameras, double azimuth_degrees) {
  // New world coordinates are Ry(-a) x, so the matrices are multiplied by Ry(a) from the right.
  const double c = std::cos(azimuth_degrees * radians_per_degree), s = std::sin(azimuth_degrees * radians_per_degree);
  const std::array<double, 16> turn = {c, 0, s, 0, 0, 1, 0, 0, -s, 0, c, 0, 0, 0, 0, 1};
  const Tensor matrix = at::tensor(at::ArrayRef<double>(turn), cameras.world_to_camera.options()).view({4, 4});
  const Tensor turned = (cameras.world_to_camera.unsqueeze(-1) * matrix).sum(2);
  return {turned, cameras.intrinsics, cameras.width, cameras.height};
}

Cameras mirrored(const Cameras& cameras) {
  // Both the world and the camera axes are mirrored in x: M W M with M = diag(-1, 1, 1, 1), which is a rigid motion again.
  const std::array<double, 4> diagonal = {-1, 1, 1, 1};
  const Tensor mirror = at::tensor(at::ArrayRef<double>(diagonal), cameras.world_to_camera.options());
  return {cameras.world_to_camera * mirror.view({4, 1}) * mirror, cameras.intrinsics, cameras.width, cameras.height};
}

Rays camera_rays(const Cameras& cameras, int64_t h, int64_t w) {
  require(h > 0 && w > 0 && cameras.width > 0 && cameras.height > 0, "camera rays: grid {} x {} over images of {} x {}", w, h,
          cameras.width, cameras.height);
  const auto options = cameras.world_to_camera.options();
  const auto entry = [&](int64_t row, int64_t column) {
    return cameras.intrinsics.select(1, row).select(1, column).view({-1, 1, 1});
  };
  const Tensor u = ((at::arange(w, options) + 0.5) * (double(cameras.width) / w)).view({1, 1, w});
  const Tensor v = ((at::arange(h, options) + 0.5) * (double(cameras.height) / h)).view({1, h, 1});
  const int64_t count = cameras.count();
  const Tensor x = ((u - entry(0, 2)) / entry(0, 0)).expand({count, h, w});
  const Tensor y = ((v - entry(1, 2)) / entry(1, 1)).expand({count, h, w});
  const Tensor in_camera = at::stack({x, y, at::ones_like(x)}, 1).view({count, 3, h * w});
  const Tensor rotation = cameras.world_to_camera.slice(1, 0, 3).slice(2, 0, 3);
  const Tensor in_world = transposed_times(rotation, in_camera / at::linalg_vector_norm(in_camera, 2, {1}, /*keepdim=*/true));
  return {cameras.positions(), in_world.view({count, 3, h, w})};
}

SeenPoints seen_points(const Cameras& cameras, const Tensor& points) {
  const Tensor pose = cameras.world_to_camera.to(points.options()).slice(1, 0, 3);
  const Tensor in_camera = at::matmul(pose.slice(2, 0, 3), points.t()) + pose.slice(2, 3, 4);  // [C, 3, P]
  const Tensor pixels = at::matmul(cameras.intrinsics.to(points.options()), in_camera), z = in_camera.select(1, 2);
  const Tensor depth = z.clamp_min(1e-6);
  return {pixels.select(1, 0) / depth, pixels.select(1, 1) / depth, z};
}

Tensor pixels_of(const SeenPoints& seen, const Cameras& cameras) {
  const auto within = [](const Tensor& place, int64_t size) {
    return (place >= 0).logical_and(place < static_cast<double>(size));
  };
  const Tensor inside = (seen.z > 0).logical_and(within(seen.x, cameras.width)).logical_and(within(seen.y, cameras.height));
  return (seen.y.floor() * static_cast<double>(cameras.width) + seen.x.floor())
      .masked_fill(inside.logical_not(), -1)
      .to(at::kLong);
}

Tensor plucker_rays(const Cameras& cameras, int64_t h, int64_t w) {
  const Rays rays = camera_rays(cameras, h, w);
  const Tensor origins = rays.origins.view({-1, 3, 1, 1}).expand_as(rays.directions);
  return at::cat({rays.directions, at::linalg_cross(origins, rays.directions, 1)}, 1);
}

}  // namespace gsv3d
