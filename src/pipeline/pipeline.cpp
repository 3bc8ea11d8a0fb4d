#include "pipeline/pipeline.h"

#include <c10/core/GradMode.h>

#include <chrono>

#include "core/cancel.h"
#include "core/device.h"
#include "core/error.h"
#include "image/framing.h"
#include "pipeline/view_order.h"

namespace gsv3d {
namespace {

/// Measures consecutive stages and tells the caller about them.
class Stages {
 public:
  Stages(std::vector<StageTime>& times, const ProgressCallback& on_progress) : times_(times), on_progress_(on_progress) {}

  template <class Work>
  auto operator()(const std::string& name, const Work& work) {
    throw_if_cancelled();
    progress(name, 0, 1);
    const auto start = std::chrono::steady_clock::now();
    auto result = work();
    times_.push_back({name, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count()});
    progress(name, 1, 1);
    return result;
  }
  void progress(const std::string& name, int64_t done, int64_t total) const {
    if (on_progress_) on_progress_(name, done, total);
  }

 private:
  std::vector<StageTime>& times_;
  const ProgressCallback& on_progress_;
};

void check_photo(const ModelConfig& config, const Tensor& photos) {
  require(photos.dim() == 4 && photos.size(1) == 3 && photos.size(2) == config.image_size && photos.size(3) == config.image_size,
          "a framed photo must be [B, 3, {}, {}], found {}", config.image_size, config.image_size,
          fmt::format("[{}]", fmt::join(photos.sizes(), ", ")));
}

/// The VAE and CLIP see colours in [-1, 1].
Tensor signed_range(const Tensor& images) {
  return images * 2 - 1;
}

SamplerConfig sampler_settings(const ModelConfig& config, const GenerateOptions& options) {
  SamplerConfig sampler = config.sampler;
  if (options.steps) sampler.steps = *options.steps;
  if (options.guidance) sampler.max_scale = *options.guidance;
  sampler.min_scale = std::min(sampler.min_scale, sampler.max_scale);
  return sampler;
}

double elevation(const ModelConfig& config, const GenerateOptions& options) {
  return options.elevation_degrees.value_or(config.elevation_degrees);
}

/// Damaged weights and overflows of half precision show here, before they become files.
void require_finite(const Model& model, const Tensor& tensor, const char* what) {
  require(at::isfinite(tensor).all().item<bool>(),
          "model {}: {} not finite: its weights are damaged, or {} is too coarse for them (try --dtype fp32)",
          model.folder.string(), what, dtype_name(model.dtype));
}

}  // namespace

PreparedPhoto prepare_photo(const Image& photo, const ModelConfig& config, const GenerateOptions& options) {
  const bool cut_out = !photo.has_alpha && options.matting;
  // A photo that is neither transparent nor to be cut out is taken as framed already: padded to a square, not enlarged.
  std::optional<double> ratio;
  if (photo.has_alpha || cut_out) ratio = config.image_frame_ratio;
  const FramedPhoto framed =
      frame_object(cut_out ? remove_background(photo, options.matting_options) : photo, ratio, config.image_size);
  return {framed.cutout, to_tensor(framed.on_white).slice(0, 0, 3).unsqueeze(0).contiguous()};
}

Tensor encode_photo(const Model& model, const Tensor& photos) {
  require_parts(model, {"vae"});
  check_photo(model.config, photos);
  const c10::NoGradGuard no_grad;
  const Autocast autocast(model.device.type(), vae_dtype(model.dtype));
  return model.vae_encoder->mode(signed_range(photos.to(model.device))).to(at::kFloat);
}

GeneratedLatents generate_latents(const Model& model, const Tensor& photo, const GenerateOptions& options,
                                  const std::function<void(int64_t, int64_t)>& on_step) {
  require_parts(model, {"vae", "image_embedder", "unet"});
  const ModelConfig& config = model.config;
  check_photo(config, photo);
  require(photo.size(0) == 1, "generate_latents takes one photo, found {}", photo.size(0));
  const c10::NoGradGuard no_grad;
  const Autocast autocast(model.device.type(), model.dtype);
  // The order of the draws is SV3D's script's: first the photo's small noise, then the latents' noise.
  const at::Generator generator = make_generator(options.seed);
  const Tensor photo_noise = randn(photo.sizes(), generator).to(model.device);
  const int64_t latent_size = config.image_size / config.vae.downsampling();
  const Tensor noise = randn({config.frames, config.vae.z_channels, latent_size, latent_size}, generator).to(model.device);

  const Tensor image = signed_range(photo.to(model.device));
  Conditioning conditioning;
  conditioning.frames = config.frames;
  conditioning.crossattn = (*model.image_embedder)(clip_preprocess(image, config.image_embedder.image_size)).to(at::kFloat);
  {
    const Autocast vae_precision(model.device.type(), vae_dtype(model.dtype));
    conditioning.concat = model.vae_encoder->mode(image + config.cond_aug * photo_noise).to(at::kFloat);
  }
  conditioning.vector =
      camera_vector(sv3d_orbit_angles(config.frames, {elevation(config, options)}), config.cond_aug, config.vector_dimensions)
          .to(model.device);

  const Tensor frames = sample(*model.unet, sampler_settings(config, options), noise, conditioning, [&](const SamplerStep& step) {
    throw_if_cancelled();
    if (on_step) on_step(step.index + 1, step.total);
  });
  // The last frame estimates the photo's own view; the photo's latent is exact, so it takes that place.
  const Tensor others = views_from_sv3d_frames(frames).slice(0, 1);
  return {at::cat({conditioning.concat * config.vae.scale_factor, others.to(at::kFloat)}), conditioning.concat};
}

Tensor decode_views(const Model& model, const Tensor& latents) {
  require_parts(model, {"vae"});
  const c10::NoGradGuard no_grad;
  const Autocast autocast(model.device.type(), vae_dtype(model.dtype));
  const Tensor images = (*model.vae_decoder)(latents.to(model.device) / model.config.vae.scale_factor);
  return ((images.to(at::kFloat) + 1) / 2).clamp(0, 1);
}

Cameras model_cameras(const ModelConfig& config, double elevation_degrees) {
  return orbit_cameras(config.frames, elevation_degrees, config.image_size, Lens{config.radius, config.fov_y_degrees});
}

Gaussians decode_gaussians(const Model& model, const Tensor& latents, const Tensor& photo, double elevation_degrees) {
  require_parts(model, {"dino", "gaussian_decoder"});
  check_photo(model.config, photo);
  require(latents.dim() == 4 && latents.size(0) == model.config.frames, "decode_gaussians takes the latents of {} views",
          model.config.frames);
  const c10::NoGradGuard no_grad;
  const Autocast autocast(model.device.type(), model.dtype);
  const Tensor tokens = (*model.dino)(dinov2_preprocess(photo.to(model.device), model.config.dino.image_size)).patch_tokens;
  const Cameras cameras = model_cameras(model.config, elevation_degrees).to(model.device);
  return (*model.gaussian_decoder)(latents.to(model.device).unsqueeze(0), {cameras}, tokens).front();
}

Result generate(const Model& model, const Image& photo, const GenerateOptions& options, const ProgressCallback& on_progress) {
  require_parts(model, {"vae", "image_embedder", "unet"});
  if (!options.views_only) require_parts(model, {"dino", "gaussian_decoder"});
  const c10::NoGradGuard no_grad;
  Result result;
  Stages stage(result.times, on_progress);
  const SamplerConfig sampler = sampler_settings(model.config, options);
  result.steps = sampler.steps;
  result.guidance = sampler.max_scale;
  result.elevation_degrees = elevation(model.config, options);
  result.cameras = model_cameras(model.config, result.elevation_degrees);
  result.photo = stage("photo", [&] { return prepare_photo(photo, model.config, options); });
  result.latents = stage("views", [&] {
    return generate_latents(model, result.photo.rgb, options,
                            [&](int64_t done, int64_t total) { stage.progress("views", done, total); });
  });
  result.views = stage("decode views", [&] {
    require_finite(model, result.latents.latents, "the views' latents are");
    const Tensor others = decode_views(model, result.latents.latents.slice(0, 1));
    require_finite(model, others, "the decoded views are");
    return at::cat({result.photo.rgb.to(others.device()), others}).cpu();
  });
  if (options.views_only) return result;
  result.gaussians = stage("gaussians", [&] {
    const Gaussians all = decode_gaussians(model, result.latents.latents, result.photo.rgb, result.elevation_degrees);
    for (const Tensor& values : {all.means, all.quats, all.scales, all.opacities, all.sh})
      require_finite(model, values, "the Gaussians are");
    return prune(all.to(at::kCPU), min_exported_opacity);
  });
  return result;
}

}  // namespace gsv3d
