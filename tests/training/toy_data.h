// Two synthetic objects with pictures and depth, and a model of a few thousand parameters: enough to run every stage in seconds.
#pragma once

#include <filesystem>
#include <string>

#include "camera/camera.h"
#include "training/stage_context.h"
#include "training/trainer.h"

namespace gsv3d::testing {

/// The orbit of a ball of two colours: orange on the +X side, blue on the other. Depth is exact, views are hard-edged.
inline ObjectViews ball_views(const std::string& id, double radius, double elevation_degrees, int64_t size, int64_t orbit_views = 21,
                              int64_t random_views = 3) {
  ObjectViews views;
  views.id = id;
  views.orbit_views = orbit_views;
  views.elevation_degrees = elevation_degrees;
  views.cameras = concatenate({orbit_cameras(orbit_views, elevation_degrees, size), random_cameras(random_views, -20, 60, size, make_generator(7))});
  const Rays rays = camera_rays(views.cameras, size, size);
  const Tensor o = rays.origins.unsqueeze(-1).unsqueeze(-1), d = rays.directions;
  const Tensor b = (o * d).sum(1), c = (o * o).sum(1) - radius * radius, root = b * b - c;
  const Tensor hit = root > 0, distance = -b - root.clamp_min(0).sqrt();
  const Tensor point = o + d * distance.unsqueeze(1);
  const Tensor right = (point.select(1, 0) > 0).to(at::kFloat);
  const Tensor rgb = at::stack({0.2 + 0.7 * right, 0.3 + 0.2 * right, 0.9 - 0.8 * right}, 1);
  const Tensor alpha = hit.to(at::kFloat).unsqueeze(1);
  views.rgba = (at::cat({rgb * alpha, alpha}, 1) * 255).round().to(at::kByte);
  const Tensor forward = views.cameras.world_to_camera.select(1, 2).narrow(1, 0, 3);  // the z row of R: depth is along it
  views.depth = (distance * (d * forward.unsqueeze(-1).unsqueeze(-1)).sum(1)) * hit.to(at::kFloat);
  return views;
}

inline std::vector<ObjectViews> toy_views(int64_t size = 32) {
  return {ball_views("small", 0.3, 10, size), ball_views("small", 0.3, 20, size), ball_views("large", 0.5, 10, size)};
}

inline AutoencoderConfig toy_vae() {
  AutoencoderConfig config;
  config.ch = 8;
  config.ch_mult = {1, 2, 2};
  config.num_res_blocks = 1;
  config.norm_groups = 4;
  config.scale_factor = 1;
  return config;
}

/// A folder below the system's temporary one that goes away with the object.
struct TemporaryFolder {
  std::filesystem::path path;
  explicit TemporaryFolder(const std::string& name)
      : path(std::filesystem::temp_directory_path() / ("gsv3d-" + name + "-" + std::to_string(::getpid()))) {
    std::filesystem::remove_all(path);
    std::filesystem::create_directories(path);
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path); }
};

/// A model folder with a toy architecture over the toy views.
inline StageContext toy_context(const std::filesystem::path& folder, bool with_depth = true) {
  StageContext context;
  context.model_folder = folder / "model";
  context.model.image_size = 32;
  context.model.frames = 3;
  context.model.vae = toy_vae();
  context.data = folder / "data";
  context.set = std::make_shared<const TrainingSet>(make_training_set(toy_views(), with_depth));
  std::filesystem::create_directories(context.model_folder);
  std::filesystem::create_directories(context.data);
  write_json_file(context.model_folder / "config.json", config_to_json(context.model));
  return context;
}

}  // namespace gsv3d::testing
