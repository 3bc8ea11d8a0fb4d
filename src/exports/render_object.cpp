#include "exports/render_object.h"

#include <numbers>

#include "core/cancel.h"
#include "core/error.h"
#include "exports/frame_sink.h"
#include "gaussians/bounds.h"
#include "gaussians/similarity.h"
#include "image/depth_image.h"
#include "rasterizer/depth_normals.h"
#include "rasterizer/orbit_render.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;

constexpr double kMargin = 1.08;  // around the object in the picture
constexpr double kFittedRadius = 0.5;
constexpr int64_t kPixelsAtOnce = int64_t{1} << 21;  // bounds the memory of pictures that are not written yet

int64_t usual_frames(FilmKind kind) {
  switch (kind) {
    case FilmKind::kVideo:
      return 72;
    case FilmKind::kAnimation:
      return 36;
    case FilmKind::kPicture:
      return 1;
    case FilmKind::kFolder:
      break;
  }
  return 21;
}

void check(const RenderObjectOptions& options, const fs::path& output) {
  const auto usage = [](bool right, const std::string& message) {
    if (!right) throw UsageError(message);
  };
  usage(options.frames >= 0 && options.frames <= 100000, fmt::format("{} frames cannot be rendered", options.frames));
  usage(options.size >= 16 && options.size * options.supersampling <= 8192,
        fmt::format("pictures have 16 to 8192 pixels a side (with supersampling), not {}", options.size * options.supersampling));
  usage(options.fov_y_degrees > 0.1 && options.fov_y_degrees < 170, "the field of view is between 0.1 and 170 degrees");
  usage(std::abs(options.elevation_degrees) <= 89.9, "the elevation is between -89.9 and 89.9 degrees");
  usage(!options.radius || *options.radius > 0, "the camera's distance must be positive");
  usage(options.background || film_kind(output) != FilmKind::kVideo,
        fmt::format("{}: a video cannot be transparent; give a background colour", output.string()));
}

/// The object as it is looked at, the camera's distance, and how far the object reaches.
struct Stage {
  Gaussians gaussians;
  double distance, reach;
};

Stage set_up(const Gaussians& gaussians, const RenderObjectOptions& options) {
  const Ball ball = visible_ball(gaussians);
  if (options.radius) {
    const auto [x, y, z] = ball.centre;
    return {gaussians, *options.radius, std::sqrt(x * x + y * y + z * z) + ball.radius};
  }
  // Brought to one size, so that near planes suit objects of any unit.
  Similarity fit;
  fit.scale = kFittedRadius / ball.radius;
  for (int c = 0; c < 3; ++c) fit.translation[c] = -fit.scale * ball.centre[c];
  const double half_fov = options.fov_y_degrees / 2 * std::numbers::pi / 180;
  return {transform(gaussians, fit), kMargin * kFittedRadius / std::sin(half_fov), kFittedRadius};
}

/// Colour over the background, or with its transparency when there is none. premultiplied [3, H, W], alpha [1, H, W].
Image picture(const Tensor& premultiplied, const Tensor& alpha, const std::optional<std::array<float, 3>>& background) {
  if (!background) return to_image(at::cat({premultiplied / alpha.clamp_min(1e-6), alpha}));
  const Tensor colour = at::tensor(at::ArrayRef<float>(*background)).view({3, 1, 1});
  return to_image(premultiplied + colour * (1 - alpha));
}

/// Normals as colours in the camera's axes, x right, y up, z towards the camera.
Image normal_picture(const OrbitImages& images, int64_t i, const std::optional<std::array<float, 3>>& background) {
  const Cameras camera = images.cameras.slice(i, i + 1);
  const Tensor world = normals_from_depth(images.depth[i].unsqueeze(0), camera, images.alpha[i].unsqueeze(0))[0];
  const Tensor rotation = camera.world_to_camera[0].narrow(0, 0, 3).narrow(1, 0, 3);
  const Tensor turned = at::matmul(rotation, world.flatten(1)).view(world.sizes());
  const Tensor axes = at::tensor({1.0, -1.0, -1.0}, at::kFloat).view({3, 1, 1});
  // Where no normal is known, at the outline, nothing is drawn.
  const Tensor alpha = images.alpha[i] * world.abs().sum(0, true).gt(0).to(at::kFloat);
  return picture((turned * axes * 0.5 + 0.5) * alpha, alpha, background);
}

struct Film {
  std::unique_ptr<FrameSink> sink;
  std::function<Image(const OrbitImages&, int64_t)> draw;
};

}  // namespace

std::vector<fs::path> render_object(const Gaussians& gaussians, const fs::path& output, const RenderObjectOptions& options,
                                    const RenderProgress& progress) {
  check(options, output);
  const int64_t frames = options.frames > 0 ? options.frames : usual_frames(film_kind(output));
  const Stage stage = set_up(gaussians.detach().to(at::kCPU), options);

  std::vector<fs::path> files;
  std::vector<Film> films;
  const auto add = [&](const fs::path& file, std::function<Image(const OrbitImages&, int64_t)> draw) {
    films.push_back({open_frame_sink(file, options.size, options.frames_per_second), std::move(draw)});
    files.push_back(file);
  };
  add(output, [&](const OrbitImages& images, int64_t i) { return picture(images.rgb[i], images.alpha[i], options.background); });
  const DepthRange range = {stage.distance - stage.reach, stage.distance + stage.reach};
  if (options.depth)
    add(with_suffix(output, "_depth"),
        [range](const OrbitImages& images, int64_t i) { return depth_to_image(images.depth[i][0], images.alpha[i][0], range); });
  if (options.normals)
    add(with_suffix(output, "_normals"),
        [&](const OrbitImages& images, int64_t i) { return normal_picture(images, i, options.background); });

  OrbitOptions orbit;
  orbit.supersampling = options.supersampling;
  orbit.background = {0, 0, 0};
  orbit.antialiased = options.antialiased;
  const int64_t step = std::max<int64_t>(1, kPixelsAtOnce / (options.size * options.size));
  for (int64_t begin = 0; begin < frames; begin += step) {
    const int64_t end = std::min(begin + step, frames);
    std::vector<double> azimuths;
    for (int64_t i = begin; i < end; ++i)
      azimuths.push_back(options.azimuth_degrees + options.orbit_degrees * static_cast<double>(i) / static_cast<double>(frames));
    const std::vector<double> elevations(azimuths.size(), options.elevation_degrees);
    const auto cameras = look_at_cameras(azimuths, elevations, options.size, {stage.distance, options.fov_y_degrees});
    const OrbitImages images = render_views(stage.gaussians, cameras, orbit);
    for (int64_t i = 0; i < end - begin; ++i) {
      throw_if_cancelled();
      for (auto& film : films) film.sink->add(film.draw(images, i));
      if (progress) progress(begin + i + 1, frames);
    }
  }
  for (auto& film : films) film.sink->finish();
  return files;
}

}  // namespace gsv3d
