// What the UNet is told besides the noisy latents: the photo's CLIP token and latent, and one camera vector per frame.
#pragma once

#include <vector>

#include "core/tensor.h"

namespace gsv3d {

/// SV3D's camera angles per frame, in SV3D's own order: frame i shows view i, the last frame is the photo's view.
struct OrbitAngles {
  std::vector<double> polars_radians;    ///< 90° - elevation, absolute
  std::vector<double> azimuths_radians;  ///< relative to the last frame, in [0, 2π), last exactly 0
};

/// elevations_degrees: one, or one per frame; azimuths_degrees: one per frame in any range, or empty for (i + 1)·360/F mod 360.
/// Throws Error when the counts do not fit.
OrbitAngles sv3d_orbit_angles(int64_t frames, const std::vector<double>& elevations_degrees,
                              const std::vector<double>& azimuths_degrees = {});

/// The camera vector of each frame: [cond_aug 256 | polar 512 | azimuth 512] sinusoids → [F, sum of dimensions]. dimensions =
/// {256, 512, 512} for sv3d_p, {256} for sv3d_u (no angles); a tiny model may use smaller ones. The frames may be those of many
/// clips, one after the other.
Tensor camera_vector(const OrbitAngles& angles, double cond_aug, const std::vector<int64_t>& dimensions,
                     at::Device device = at::kCPU);

/// A frame that is known beforehand, from another photo of the object: its estimate is always this.
struct GivenFrame {
  int64_t frame;  ///< SV3D's order; not the last one, which is the photo's
  Tensor latent;  ///< [B, z, h, w] the diffusion variable (scaled)
};

/// Conditional and unconditional inputs of the guided denoiser. The unconditional branch has zero crossattn, concat and
/// photo_latent and the same vector.
struct Conditioning {
  Tensor crossattn;  ///< [B, tokens, context_dim]
  Tensor concat;     ///< [B, z, h, w] the photo's latent, conditioning_latents() of its mode; the same for every frame
  Tensor vector;     ///< [B·F, adm]
  int64_t frames = 1;
  /// [B, z, h, w] the photo's latent as the diffusion variable (scaled), where the photo's own frame, the last of each clip, is
  /// given instead of generated (SamplerConfig::clean_photo_frame); zeros where the photo is dropped. Undefined: SV3D's way, all
  /// frames are noisy.
  Tensor photo_latent = {};
  /// The same in both branches. Where photo_latent is defined the network sees them without noise, as it sees the photo's frame;
  /// else noisy as all others, with their true latents below the noise.
  std::vector<GivenFrame> given_frames = {};
  Conditioning unconditional() const;
};

}  // namespace gsv3d
