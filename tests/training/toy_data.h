// Two synthetic objects with pictures and depth, and a model of a few thousand parameters: enough to run every stage in seconds.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <string>

#include "camera/camera.h"
#include "training/checkpoint.h"
#include "training/stage_context.h"
#include "training/trainer.h"

namespace gsv3d::testing {

/// The orbit of a ball of two colours: orange on the +X side, blue on the other. Depth is exact, views are hard-edged.
inline ObjectViews ball_views(const std::string& id, double radius, double elevation_degrees, int64_t size,
                              int64_t orbit_views = 21, int64_t random_views = 3) {
  ObjectViews views;
  views.id = id;
  views.orbit_views = orbit_views;
  views.elevation_degrees = elevation_degrees;
  views.cameras = concatenate(
      {orbit_cameras(orbit_views, elevation_degrees, size), random_cameras(random_views, -20, 60, size, make_generator(7))});
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

/// A few thousand parameters in all: 3 views of 32 × 32 pixels, 8 × 8 latents.
inline ModelConfig toy_model() {
  ModelConfig model;
  model.image_size = 32;
  model.frames = 3;
  model.vector_dimensions = {16, 16, 16};
  model.vae = toy_vae();
  model.unet.model_channels = 16;
  model.unet.attention_resolutions = {1, 2};
  model.unet.num_res_blocks = 1;
  model.unet.channel_mult = {1, 2};
  model.unet.num_head_channels = 8;
  model.unet.context_dim = 16;
  model.unet.adm_in_channels = 48;
  model.unet.norm_groups = 4;
  model.image_embedder = {.image_size = 32, .patch_size = 8, .width = 16, .layers = 1, .head_width = 8, .embed_dim = 16};
  model.dino.patch_size = 8;
  model.dino.embed_dim = 16;
  model.dino.depth = 1;
  model.dino.num_heads = 2;
  model.dino.pretrain_image_size = model.dino.image_size = 32;
  model.gaussian_decoder.patch_size = 1;
  model.gaussian_decoder.width = 32;
  model.gaussian_decoder.depth = 1;
  model.gaussian_decoder.num_heads = 2;
  model.gaussian_decoder.context_dim = 16;
  model.gaussian_decoder.upsampler_widths = {16};
  model.gaussian_decoder.upsampler_heads = 2;
  model.gaussian_decoder.upsampler_window = 8;
  model.gaussian_decoder.min_scale = 0.01;
  model.gaussian_decoder.max_scale = 0.1;
  return model;
}

/// A model folder with a toy architecture over the toy views.
inline StageContext toy_context(const std::filesystem::path& folder, bool with_depth = true) {
  StageContext context;
  context.model_folder = folder / "model";
  context.model = toy_model();
  context.data = folder / "data";
  context.set = std::make_shared<const TrainingSet>(make_training_set(toy_views(), with_depth));
  std::filesystem::create_directories(context.model_folder);
  std::filesystem::create_directories(context.data);
  write_json_file(context.model_folder / "config.json", config_to_json(context.model));
  return context;
}

/// A run that puts its weights into the context's model folder, whatever is there.
template <class Config>
TrainRun toy_run(const StageContext& context, const Config& config, const std::filesystem::path& folder) {
  TrainRun run;
  run.folder = folder;
  run.update = std::make_shared<ModelUpdate>(context.model_folder, folder, config.trained_files(),
                                             std::filesystem::exists(checkpoint_path(folder)), /*replace=*/true);
  return run;
}

/// What a stage's weights are before any training, in the model folder.
inline void export_to_model(Stage& stage, const StageContext& context) {
  Json config = read_json_file(context.model_folder / "config.json");
  config.merge_patch(stage.export_weights(context.model_folder));
  write_json_file(context.model_folder / "config.json", config);
}

}  // namespace gsv3d::testing
