// One photo in, views and 3D Gaussians out: the method's inference (GSV3D, arXiv 2503.06136, Fig. 1a) as one call, and each of
// its boxes as a function of its own for evaluation and training.
//
//   photo → prepare_photo → generate_latents (CLIP token, photo latent, camera vector, sampler) → decode_gaussians (rays, DINO
//   tokens)
//                                                                                              ↘ decode_views → refine_to_views
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "camera/camera.h"
#include "gaussians/gaussians.h"
#include "image/image.h"
#include "models/model_folder.h"
#include "pipeline/further_photos.h"
#include "pipeline/gaussian_confidence.h"
#include "pipeline/generate_options.h"
#include "pipeline/photo_statistics.h"
#include "pipeline/photo_surface.h"
#include "pipeline/prepared_photo.h"
#include "pipeline/view_disagreement.h"
#include "pipeline/view_spread.h"

namespace gsv3d {

/// The orbit in latent space, in the design's order: view 0 is the photo, azimuth grows counter-clockwise seen from above.
struct GeneratedLatents {
  Tensor latents;          ///< [N, z, h, w] diffusion variable (scaled); view 0 is the photo's own latent
  Tensor photo_latent;     ///< [1, z, h, w] unscaled mode
  int64_t first_step = 0;  ///< above 0: the sampler went on from a file
};

struct StageTime {
  std::string stage;
  double seconds;
};

/// What made the Gaussians: the decoder, the decoder and the refinement, or, for models without a decoder, a fit to the views.
enum class Route { decoder, refined_decoder, fit };
const char* route_name(Route route);

struct Result {
  PreparedPhoto photo;
  std::vector<FurtherPhoto> further;   ///< photos that stand for some of the views,
  std::vector<int64_t> further_views;  ///< these
  GeneratedLatents latents;
  Tensor views;                        ///< [N, 3, S, S] in 0-1 over white, decoded latents; where there are photos, they
  Tensor alphas;                       ///< [N, 1, S, S] in 0-1, their silhouettes; undefined when the model's autoencoder is RGB
  std::optional<Gaussians> gaussians;  ///< pruned, refined; empty when only views were asked for
  Cameras cameras;                     ///< of the N views and photos, images of S × S pixels
  SamplerConfig sampler;               ///< as it ran
  double elevation_degrees = 0;
  std::optional<Orbit> orbit;              ///< when it was not the level circle
  int64_t first_step = 0;                  ///< above 0: a run that went on from a file
  Route route = Route::decoder;            ///< when there are Gaussians
  bool has_photo_surface = false;          ///< the photo's own pixels lie on the Gaussians (photo_surface.h)
  std::optional<Familiarity> familiarity;  ///< of the photo; nothing when the model has no statistics of its training photos
  std::optional<ViewDisagreement> disagreement;  ///< when there are Gaussians
  std::optional<ViewSpread> spread;              ///< when it was asked for (GenerateOptions::spread_seeds)
  std::optional<GaussianConfidence> confidence;  ///< when it was asked for (GenerateOptions::confidence)
  std::vector<StageTime> times;
};

/// Estimates of the views while they are made, [N, 3, h, w] in 0-1 at the latents' size, from the step's ẑ0.
using PreviewCallback = std::function<void(const Tensor& views, int64_t done, int64_t total)>;

/// Called as work goes on: a stage's name and how much of it is done.
using ProgressCallback = std::function<void(const std::string& stage, int64_t done, int64_t total)>;

/// Gaussians below this opacity are not exported: they are invisible and make files larger.
inline constexpr double min_exported_opacity = 0.005;

/// A view that a further photo stands for.
struct GivenView {
  int64_t view;    ///< 1 to N - 1
  Tensor picture;  ///< [1, 3 or 4, S, S] in 0-1 over white, as PreparedPhoto::picture
};

/// Samples the orbit's latents for a framed photo, a picture [1, 4, S, S] (models whose autoencoder is RGB also take [1, 3, S, S]
/// over white). on_step(done, total) may throw to stop; a
/// cancel request stops it too. Given views are not sampled: theirs are the latents of their pictures. Needs the parts vae,
/// image_embedder and unet. Throws UsageError for settings that do not fit the model (an orbit for sv3d_u).
GeneratedLatents generate_latents(const Model& model, const Tensor& photo, const GenerateOptions& options,
                                  const std::function<void(int64_t, int64_t)>& on_step = {},
                                  const PreviewCallback& on_preview = {}, const std::vector<GivenView>& given = {});

/// The unscaled mode of a framed photo's latent: pictures [B, 4, S, S], or [B, 3, S, S] for RGB → [B, z, h, w].
Tensor encode_photo(const Model& model, const Tensor& photos);

/// Latents (scaled) [N, z, h, w] → pictures [N, 3 or 4, S, S] in 0-1, with alpha where the autoencoder has it, `chunk` at a time
/// (0: all together). Needs the part vae.
Tensor decode_views(const Model& model, const Tensor& latents, int64_t chunk = 0);

/// Latents (scaled) [N, z, h, w] in the design's order, N = config.frames, with the framed photo [1, 3 or 4, S, S] in 0-1 →
/// Gaussians, not pruned. Needs the parts dino and gaussian_decoder. A decoder with a visual hull looks at pictures of the views,
/// [N, 3 or 4, S, S], view 0 the photo itself; undefined: decoded here from the latents, for which it needs vae and the photo's
/// alpha.
Gaussians decode_gaussians(const Model& model, const Tensor& latents, const Tensor& photo, double elevation_degrees,
                           const Tensor& pictures = {});
Gaussians decode_gaussians(const Model& model, const Tensor& latents, const Tensor& photo, const Cameras& cameras,
                           const Tensor& pictures = {});

/// All photos of a result at their own resolution, the first one first, each with the camera that took it, for images of its
/// size.
std::vector<PosedPhoto> photos_of(const Result& result);

/// The N cameras of the model's orbit, for images of S × S pixels.
Cameras model_cameras(const ModelConfig& config, double elevation_degrees);

/// All of it but the photos' preparation. `further` photos of the object stand for views: pipeline/further_photos.h. Models
/// without dino or gaussian_decoder fit the Gaussians to the views. Throws Error naming another missing part, Cancelled when
/// asked to stop.
Result generate(const Model& model, PreparedPhoto photo, const GenerateOptions& options, const ProgressCallback& on_progress = {},
                const PreviewCallback& on_preview = {}, std::vector<FurtherPhoto> further = {});

/// All of it. Throws Error naming a missing part, Cancelled when asked to stop.
Result generate(const Model& model, const Image& photo, const GenerateOptions& options, const ProgressCallback& on_progress = {},
                const PreviewCallback& on_preview = {}, const std::vector<FurtherImage>& further = {});

}  // namespace gsv3d
