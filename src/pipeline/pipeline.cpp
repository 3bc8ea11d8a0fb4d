#include "pipeline/pipeline.h"

#include <c10/core/GradMode.h>

#include <algorithm>
#include <chrono>

#include "core/cancel.h"
#include "core/device.h"
#include "core/error.h"
#include "core/log.h"
#include "diffusion/autoencoder.h"
#include "diffusion/gaussian_loop.h"
#include "diffusion/latent_preview.h"
#include "diffusion/view_order.h"
#include "models/memory_plan.h"
#include "pipeline/photo_palette.h"
#include "pipeline/photo_surface.h"
#include "pipeline/sampling_state.h"
#include "pipeline/view_fit.h"
#include "pipeline/view_refinement.h"
#include "rasterizer/rasterizer.h"

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
  require(photos.dim() == 4 && (photos.size(1) == 3 || photos.size(1) == 4) && photos.size(2) == config.image_size &&
              photos.size(3) == config.image_size,
          "a framed photo must be [B, 3 or 4, {}, {}], found {}", config.image_size, config.image_size,
          fmt::format("[{}]", fmt::join(photos.sizes(), ", ")));
}

/// The colours over white of pictures with or without alpha: what CLIP and DINO see.
Tensor colours(const Tensor& pictures) {
  return pictures.narrow(1, 0, 3);
}

SamplerConfig sampler_settings(const ModelConfig& config, const GenerateOptions& options) {
  SamplerConfig sampler = with_settings(config.sampler, options.sampling, "sampling");
  sampler.min_scale = std::min(sampler.min_scale, sampler.max_scale);
  return sampler;
}

/// SV3D's angles of the orbit: its frame i is our view i + 1, its last frame our view 0.
OrbitAngles sv3d_angles(const ModelConfig& config, const Orbit& orbit) {
  const auto frames = static_cast<size_t>(config.frames);
  require(orbit.azimuths_degrees.size() == frames && orbit.elevations_degrees.size() == frames,
          "the orbit has {} azimuths and {} elevations for {} views", orbit.azimuths_degrees.size(),
          orbit.elevations_degrees.size(), frames);
  std::vector<double> elevations = orbit.elevations_degrees, azimuths = orbit.azimuths_degrees;
  std::rotate(elevations.begin(), elevations.begin() + 1, elevations.end());
  std::rotate(azimuths.begin(), azimuths.begin() + 1, azimuths.end());
  return sv3d_orbit_angles(config.frames, elevations, azimuths);
}

double elevation(const ModelConfig& config, const GenerateOptions& options) {
  if (options.orbit && !options.orbit->elevations_degrees.empty()) return options.orbit->elevations_degrees.front();
  return options.elevation_degrees.value_or(config.elevation_degrees);
}

Cameras cameras_of(const ModelConfig& config, const GenerateOptions& options) {
  if (!options.orbit) return model_cameras(config, elevation(config, options));
  return look_at_cameras(options.orbit->azimuths_degrees, options.orbit->elevations_degrees, config.image_size,
                         Lens{config.radius, config.fov_y_degrees});
}

OrbitAngles angles_of(const ModelConfig& config, const GenerateOptions& options) {
  if (!options.orbit) return sv3d_orbit_angles(config.frames, {elevation(config, options)});
  if (config.vector_dimensions.size() != 3)
    throw UsageError(
        fmt::format("model {} is not told where its cameras are, so --orbit has no effect: use sv3d_p", config.name));
  return sv3d_angles(config, *options.orbit);
}

/// For models that ask for it (SamplerConfig::loop_steps).
GaussianLoop gaussian_loop(const Model& model, const Tensor& photo, const Tensor& photo_latent, const Cameras& cameras) {
  GaussianLoop loop;
  loop.photo_latent = photo_latent;
  loop.render = [&model, photo, cameras = cameras.to(model.device)](const Tensor& latents) {
    const Rendering seen = rasterize(decode_gaussians(model, latents, photo, cameras), cameras, at::ones({3}, latents.options()));
    return at::cat({seen.rgb, seen.alpha}, 1);
  };
  loop.encode = [&model](const Tensor& pictures) { return scaled_latents(model.config.vae, encode_photo(model, pictures)); };
  return loop;
}

/// All N views, where there are photos, they: [N, 3 or 4, S, S], as many channels as the autoencoder has.
Tensor view_pictures(const Model& model, const Tensor& latents, const Tensor& photo, int64_t chunk,
                     const std::vector<GivenView>& given = {}) {
  const Tensor others = decode_views(model, latents.slice(0, 1), chunk);
  require(photo.size(1) >= others.size(1), "model {}: needs photos with alpha", model.folder.string());
  const auto as_view = [&](const Tensor& picture) { return picture.narrow(1, 0, others.size(1)).to(others.device()); };
  Tensor views = at::cat({as_view(photo), others});
  for (const auto& [view, picture] : given) views[view].copy_(as_view(picture)[0]);
  return views;
}

/// Which views the further photos stand for, and the cameras of all.
void place_further_photos(Result& result, std::vector<FurtherPhoto> photos, const ModelConfig& config, const Cameras& cameras) {
  if (!photos.empty() && result.orbit) throw UsageError("further photos stand on the level circle: without --orbit");
  check_further_photos(photos, cameras.count(), result.elevation_degrees);
  result.further_views = views_of_photos(photos, cameras.count());
  result.cameras = with_photo_cameras(cameras, photos, result.further_views, config, result.elevation_degrees);
  result.further = std::move(photos);
}

/// All photos of a result and the views that they stand for, the first one first.
std::vector<std::pair<int64_t, const PreparedPhoto*>> photos_with_views(const Result& result) {
  std::vector<std::pair<int64_t, const PreparedPhoto*>> photos = {{0, &result.photo}};
  for (size_t i = 0; i < result.further.size(); ++i) photos.emplace_back(result.further_views[i], &result.further[i].photo);
  return photos;
}

std::vector<GivenView> given_views(const Result& result) {
  std::vector<GivenView> given;
  for (const auto& [view, photo] : photos_with_views(result))
    if (view > 0) given.push_back({view, photo->picture});
  return given;
}

/// Those that show about what their views would.
std::vector<GivenView> given_to_sampler(const Result& result, const std::vector<GivenView>& given) {
  std::vector<GivenView> near;
  for (size_t i = 0; i < given.size(); ++i)
    if (is_near_its_view(result.further[i], given[i].view, result.cameras.count(), result.elevation_degrees))
      near.push_back(given[i]);
  return near;
}

/// The photos at the model's size, for the refinement.
std::vector<SeenPhoto> seen_photos(const Result& result) {
  std::vector<SeenPhoto> photos;
  for (const auto& [view, photo] : photos_with_views(result)) photos.push_back({view, to_tensor(photo->cutout)});
  return photos;
}

/// Says so where training photos like this one are rare.
std::optional<Familiarity> familiarity_of(const Model& model, const PreparedPhoto& photo) {
  const auto statistics = read_photo_statistics(model.folder);
  if (!statistics) return {};
  const Familiarity result = familiarity(*statistics, photo_embedding(model, photo.picture)[0]);
  if (result.is_unusual())
    spdlog::warn("photo: unlike those that the model was trained on ({:.0f} % of them differ as much): expect a worse object",
                 100 * result.farther_share);
  return result;
}

/// What one seed makes of the photos.
struct SeedViews {
  GeneratedLatents latents;
  Tensor pictures;  ///< [N, 3 or 4, S, S] on the CPU; where there are photos, they
};

/// The options of the i-th further seed.
GenerateOptions further_seed(const GenerateOptions& options, int64_t i) {
  GenerateOptions other = options;
  other.seed = options.seed + static_cast<uint64_t>(i);
  other.resume_file.clear();
  return other;
}

/// The views of all seeds but the first.
std::vector<SeedViews> views_of_further_seeds(const Model& model, const Result& result, const GenerateOptions& options,
                                              const std::function<void(int64_t, int64_t)>& on_seed) {
  const std::vector<GivenView> given = given_views(result), sampled = given_to_sampler(result, given);
  const Tensor& photo = result.photo.picture;
  std::vector<SeedViews> all;
  for (int64_t i = 1; i < options.spread_seeds; ++i) {
    SeedViews views{generate_latents(model, photo, further_seed(options, i), {}, {}, sampled), {}};
    views.pictures = view_pictures(model, views.latents.latents, photo, options.decode_chunk.value_or(0), given).cpu();
    all.push_back(std::move(views));
    on_seed(i, options.spread_seeds - 1);
  }
  return all;
}

void set_views(Result& result, SeedViews views) {
  result.views = colours(views.pictures).contiguous();
  if (views.pictures.size(1) == 4) result.alphas = views.pictures.narrow(1, 3, 1).contiguous();
  result.latents = std::move(views.latents);
}

/// Damaged weights and overflows of half precision show here, before they become files.
void require_finite(const Model& model, const Tensor& tensor, const char* what) {
  require(at::isfinite(tensor).all().item<bool>(),
          "model {}: {} not finite: its weights are damaged, or {} is too coarse for them (try --dtype fp32)",
          model.folder.string(), what, dtype_name(model.dtype));
}

}  // namespace

const char* route_name(Route route) {
  switch (route) {
    case Route::decoder:
      return "decoder";
    case Route::refined_decoder:
      return "decoder, refined";
    case Route::fit:
      return "fit to the views";
  }
  return "";
}

Tensor encode_photo(const Model& model, const Tensor& photos) {
  require_parts(model, {"vae"});
  check_photo(model.config, photos);
  const c10::NoGradGuard no_grad;
  const Autocast autocast(model.device.type(), vae_dtype(model.dtype));
  return model.vae_encoder->mode(signed_pictures(model.config.vae, photos.to(model.device))).to(at::kFloat);
}

GeneratedLatents generate_latents(const Model& model, const Tensor& photo, const GenerateOptions& options,
                                  const std::function<void(int64_t, int64_t)>& on_step, const PreviewCallback& on_preview,
                                  const std::vector<GivenView>& given) {
  require_parts(model, {"vae", "image_embedder", "unet"});
  const ModelConfig& config = model.config;
  check_photo(config, photo);
  require(photo.size(0) == 1, "generate_latents takes one photo, found {}", photo.size(0));
  const c10::NoGradGuard no_grad;
  const Autocast autocast(model.device.type(), model.dtype);
  // The order of the draws is SV3D's script's: first the photo's small noise, then the latents' noise.
  const at::Generator generator = make_generator(options.seed);
  const Tensor image = signed_pictures(config.vae, photo.to(model.device));
  const Tensor photo_noise = randn(image.sizes(), generator).to(model.device);
  const int64_t latent_size = config.image_size / config.vae.downsampling();
  const Tensor noise = randn({config.frames, config.vae.z_channels, latent_size, latent_size}, generator).to(model.device);

  Conditioning conditioning;
  conditioning.frames = config.frames;
  conditioning.crossattn =
      (*model.image_embedder)(clip_preprocess(colours(image), config.image_embedder.image_size)).to(at::kFloat);
  Tensor photo_latent;
  {
    const Autocast vae_precision(model.device.type(), vae_dtype(model.dtype));
    photo_latent = model.vae_encoder->mode(image + config.cond_aug * photo_noise).to(at::kFloat);
  }
  conditioning.concat = conditioning_latents(config.vae, photo_latent);
  if (config.sampler.clean_photo_frame) conditioning.photo_latent = scaled_latents(config.vae, photo_latent);
  Tensor pictures = photo;  // all that the views depend on
  for (const auto& [view, picture] : given) {
    conditioning.given_frames.push_back({view - 1, scaled_latents(config.vae, encode_photo(model, picture))});
    pictures = at::cat({pictures, picture});
  }
  conditioning.vector = camera_vector(angles_of(config, options), config.cond_aug, config.vector_dimensions).to(model.device);

  const SamplerConfig settings = sampler_settings(config, options);
  SampleOptions run;
  run.batch = options.guidance_batch.value_or(GuidanceBatch::kJoint);
  if (model.dino && model.gaussian_decoder)
    run.correct = gaussian_loop(model, photo, scaled_latents(config.vae, photo_latent), cameras_of(config, options));
  std::optional<SamplingState> state;
  Tensor start = noise;
  if (!options.resume_file.empty()) {
    state.emplace(options.resume_file, sampling_fingerprint(model, settings, options.seed, pictures, conditioning.vector));
    if (const auto found = state->read()) {
      run.first_step = found->step, start = found->latents.to(model.device);
      if (found->previous.defined()) run.previous = found->previous.to(model.device);
    }
  }
  std::optional<LatentPreview> preview;
  if (on_preview) preview.emplace(scaled_latents(config.vae, photo_latent), colours(photo));
  const Tensor frames = sample(
      *model.unet, settings, start, conditioning,
      [&](const SamplerStep& step) {
        if (state && step.can_go_on) state->write({step.index + 1, step.x_next, step.previous});
        throw_if_cancelled();
        if (on_step) on_step(step.index + 1, step.total);
        if (preview) on_preview((*preview)(views_from_sv3d_frames(step.denoised)), step.index + 1, step.total);
      },
      run);
  // The last frame estimates the photo's own view; the photo's latent is exact, so it takes that place.
  Tensor others = views_from_sv3d_frames(frames).slice(0, 1);
  for (const GivenFrame& frame : conditioning.given_frames) others[frame.frame].copy_(frame.latent[0]);
  return {at::cat({scaled_latents(config.vae, photo_latent), others.to(at::kFloat)}), photo_latent, run.first_step};
}

Tensor decode_views(const Model& model, const Tensor& latents, int64_t chunk) {
  require_parts(model, {"vae"});
  const c10::NoGradGuard no_grad;
  const Autocast autocast(model.device.type(), vae_dtype(model.dtype));
  std::vector<Tensor> images;
  for (const Tensor& part : latents.to(model.device).split(chunk > 0 ? chunk : latents.size(0))) {
    throw_if_cancelled();
    const Tensor decoded = (*model.vae_decoder)(unscaled_latents(model.config.vae, part)).to(at::kFloat);
    images.push_back(((decoded + 1) / 2).clamp(0, 1));
  }
  return at::cat(images);
}

Cameras model_cameras(const ModelConfig& config, double elevation_degrees) {
  return orbit_cameras(config.frames, elevation_degrees, config.image_size, Lens{config.radius, config.fov_y_degrees});
}

Gaussians decode_gaussians(const Model& model, const Tensor& latents, const Tensor& photo, double elevation_degrees,
                           const Tensor& pictures) {
  return decode_gaussians(model, latents, photo, model_cameras(model.config, elevation_degrees), pictures);
}

Gaussians decode_gaussians(const Model& model, const Tensor& latents, const Tensor& photo, const Cameras& cameras,
                           const Tensor& pictures) {
  require_parts(model, {"dino", "gaussian_decoder"});
  check_photo(model.config, photo);
  require(latents.dim() == 4 && latents.size(0) == model.config.frames, "decode_gaussians takes the latents of {} views",
          model.config.frames);
  const c10::NoGradGuard no_grad;
  Tensor views;
  if (model.config.gaussian_decoder.sees_pictures())
    views = (pictures.defined() ? pictures : view_pictures(model, latents, photo, /*chunk=*/0)).to(model.device).unsqueeze(0);
  const Autocast autocast(model.device.type(), model.dtype);
  const Tensor tokens =
      (*model.dino)(dinov2_preprocess(colours(photo).to(model.device), model.config.dino.image_size)).patch_tokens;
  return (*model.gaussian_decoder)(latents.to(model.device).unsqueeze(0), {cameras.to(model.device)}, tokens, views).front();
}

namespace {

/// From a seed's views, which the result has, to its object: the decoder's Gaussians or a fit's, refinement, the photos' palette
/// and pixels. pictures: the views with their alpha.
void make_object(const Model& model, Result& result, const Tensor& pictures, const GenerateOptions& options, Stages& stage) {
  if (!model.dino || !model.gaussian_decoder) {
    result.route = Route::fit;
    result.gaussians = stage("fit", [&] {
      const Gaussians fitted = fit_to_views(result.views, result.cameras, options.fit_steps, options.seed, model.device,
                                            [&](const FitStep& step) { stage.progress("fit", step.done, step.total); });
      return prune(fitted.to(at::kCPU), min_exported_opacity);
    });
    return;
  }
  result.gaussians = stage("gaussians", [&] {
    const Gaussians all = decode_gaussians(model, result.latents.latents, result.photo.picture, result.cameras, pictures);
    for (const Tensor& values : {all.means, all.quats, all.scales, all.opacities, all.sh})
      require_finite(model, values, "the Gaussians are");
    return prune(all.to(at::kCPU), min_exported_opacity);
  });
  if (options.refine) {
    result.gaussians = stage("refinement", [&] {
      const Gaussians refined = refine_to_views(*result.gaussians, seen_photos(result), result.views, result.cameras);
      return prune(refined, min_exported_opacity);
    });
    result.route = Route::refined_decoder;
  }
  if (options.photo_palette.value_or(model.config.photo_palette))
    result.gaussians = stage("photo palette", [&] { return with_photo_palette(*result.gaussians, photos_of(result)); });
  result.has_photo_surface = options.photo_surface;
  if (options.photo_surface)
    result.gaussians = stage("photo surface", [&] { return with_photo_surfaces(*result.gaussians, photos_of(result)); });
}

/// How far the objects of the further seeds agree with the first one's.
GaussianConfidence confidence_of(const Model& model, const Result& result, const std::vector<SeedViews>& further,
                                 const GenerateOptions& options, const std::function<void(int64_t, int64_t)>& on_seed) {
  std::vector<Gaussians> objects;
  for (const SeedViews& views : further) {
    const int64_t done = std::ssize(objects);
    const ProgressCallback same = [&](const std::string&, int64_t, int64_t) { on_seed(done, std::ssize(further)); };
    std::vector<StageTime> times;
    Stages stage(times, same);
    Result other = result;
    set_views(other, views);
    make_object(model, other, views.pictures, further_seed(options, done + 1), stage);
    objects.push_back(std::move(*other.gaussians));
  }
  on_seed(std::ssize(further), std::ssize(further));
  return gaussian_confidence(*result.gaussians, objects);
}

}  // namespace

Result generate(const Model& model, PreparedPhoto photo, const GenerateOptions& wanted, const ProgressCallback& on_progress,
                const PreviewCallback& on_preview, std::vector<FurtherPhoto> further) {
  require_parts(model, {"vae", "image_embedder", "unet"});
  if (wanted.spread_seeds < 0 || wanted.spread_seeds == 1) throw UsageError("a spread needs at least two seeds");
  if (wanted.confidence && (wanted.spread_seeds == 0 || wanted.views_only))
    throw UsageError("the confidence of Gaussians needs Gaussians of at least two seeds");
  const c10::NoGradGuard no_grad;
  GenerateOptions options = wanted;
  const MemoryChoice memory = fitted_to_memory({wanted.guidance_batch, wanted.decode_chunk}, model);
  options.guidance_batch = memory.guidance_batch, options.decode_chunk = memory.decode_chunk;
  Result result;
  Stages stage(result.times, on_progress);
  result.sampler = sampler_settings(model.config, options);
  result.orbit = options.orbit;
  result.elevation_degrees = elevation(model.config, options);
  place_further_photos(result, std::move(further), model.config, cameras_of(model.config, options));
  result.photo = std::move(photo);
  result.familiarity = familiarity_of(model, result.photo);
  const std::vector<GivenView> given = given_views(result);
  SeedViews views;
  views.latents = stage("views", [&] {
    return generate_latents(
        model, result.photo.picture, options, [&](int64_t done, int64_t total) { stage.progress("views", done, total); },
        on_preview, given_to_sampler(result, given));
  });
  result.first_step = views.latents.first_step;
  views.pictures = stage("decode views", [&] {
    require_finite(model, views.latents.latents, "the views' latents are");
    const Tensor all = view_pictures(model, views.latents.latents, result.photo.picture, options.decode_chunk.value_or(0), given);
    require_finite(model, all, "the decoded views are");
    return all.cpu();
  });
  const Tensor pictures = views.pictures;
  set_views(result, std::move(views));
  std::vector<SeedViews> further_seeds;
  if (options.spread_seeds > 0) {
    result.spread = stage("spread", [&] {
      further_seeds = views_of_further_seeds(model, result, options,
                                             [&](int64_t done, int64_t total) { stage.progress("spread", done, total); });
      std::vector<Tensor> all = {pictures};
      for (const SeedViews& other : further_seeds) all.push_back(other.pictures);
      return view_spread(all);
    });
  }
  if (options.views_only) return result;
  make_object(model, result, pictures, options, stage);
  result.disagreement = stage("disagreement", [&] { return view_disagreement(*result.gaussians, result.views, result.cameras); });
  if (options.confidence) {
    result.confidence = stage("confidence", [&] {
      return confidence_of(model, result, further_seeds, options,
                           [&](int64_t done, int64_t total) { stage.progress("confidence", done, total); });
    });
  }
  return result;
}

Result generate(const Model& model, const Image& photo, const GenerateOptions& options, const ProgressCallback& on_progress,
                const PreviewCallback& on_preview, const std::vector<FurtherImage>& further) {
  require_parts(model, {"vae", "image_embedder", "unet"});  // before the photo's background costs anyone seconds
  std::vector<StageTime> times;
  std::vector<FurtherPhoto> others;
  PreparedPhoto prepared = Stages(times, on_progress)("photo", [&] {
    PreparedPhoto first = prepare_photo(photo, model.config, options);
    for (const auto& [image, azimuth, elevation, name] : further)
      others.push_back({prepare_further_photo(image, first, model.config, options), azimuth, elevation,
                        name.empty() ? fmt::format("the photo at {} degrees", azimuth) : name});
    return first;
  });
  Result result = generate(model, std::move(prepared), options, on_progress, on_preview, std::move(others));
  result.times.insert(result.times.begin(), times.begin(), times.end());
  return result;
}

std::vector<PosedPhoto> photos_of(const Result& result) {
  std::vector<PosedPhoto> photos;
  for (const auto& [view, photo] : photos_with_views(result)) {
    const Image& finest = photo->detail.pixels.empty() ? photo->cutout : photo->detail;
    photos.push_back({to_tensor(finest), result.cameras.slice(view, view + 1).to(at::kCPU).resized(finest.width, finest.height)});
  }
  return photos;
}

}  // namespace gsv3d
