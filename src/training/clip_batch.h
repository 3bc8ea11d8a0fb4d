// Batches of clips as tensors: what the diffusion, decoder and distillation stages have in common. A batch is assembled by a
// handful of operations on the device, whatever its size.
#pragma once

#include <vector>

#include "training/latent_cache.h"
#include "training/losses.h"
#include "training/view_sampler.h"

namespace gsv3d {

struct ClipBatch {
  std::vector<Clip> clips;
  Tensor latents;  ///< [B, N, z, h, w] encoder modes, not scaled, design order (view 0 = the photo)
  Tensor views;    ///< [B, N, 4, S, S] pictures of the N true views (image/picture.h), mirrored and recoloured as the clips are;
                   ///< undefined where nobody looks at them
  Tensor photos;   ///< [B, 4, S, S] pictures: view 0
  std::vector<double> elevations_degrees;  ///< of each clip's orbit
  int64_t count() const { return static_cast<int64_t>(clips.size()); }
  int64_t frames() const { return latents.size(1); }
};

/// with_views: batch.views is wanted. Without, cached latents spare the views' pictures: only the photos' are made.
ClipBatch assemble_clips(const TrainingSet& set, const LatentCache& cache, const std::vector<Clip>& clips, int64_t frames,
                         at::Device device, bool with_views = true);

/// [B, N, ...] in the design's order of views → SV3D's order of frames (diffusion/view_order.h), and back.
Tensor sv3d_clips_from_views(const Tensor& clips);
Tensor views_from_sv3d_clips(const Tensor& clips);

/// The cameras of each clip's N views.
std::vector<Cameras> clip_cameras(const TrainingSet& set, const std::vector<Clip>& clips, int64_t frames, at::Device device);

/// Views to compare renderings with: `count` different ones per clip out of all its orbit's views, random ones included; fewer
/// when an orbit of the set has fewer. Needs depth. The clips are `share` of those that numbers are drawn for.
struct Supervision {
  std::vector<Cameras> cameras;  ///< one entry per clip, `views` cameras each
  TargetViews targets;           ///< [B · views, ...], clip-major
  int64_t views = 0;
};
Supervision draw_supervision(const TrainingSet& set, const std::vector<Clip>& clips, const BatchShare& share, int64_t count,
                             const at::Generator& generator, at::Device device);

/// What each clip's own N views truly show, design order, clip-major: [B · N, ...]. Needs depth.
TargetViews true_clip_views(const TrainingSet& set, const std::vector<Clip>& clips, int64_t frames, at::Device device);

}  // namespace gsv3d
