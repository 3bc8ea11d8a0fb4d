// What a caller may say about the way of a photo.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "camera/orbit.h"
#include "core/config.h"
#include "matting/matting.h"
#include "models/memory_plan.h"

namespace gsv3d {

struct GenerateOptions {
  uint64_t seed = 23;  ///< same seed, same machine: the same bytes
  Json sampling;  ///< settings of the sampler to change, by name: {{"steps", 20}, {"guidance", 2}}; diffusion/sampler.h has them
  std::optional<double> elevation_degrees;  ///< of the photo's camera above the object; otherwise the model's
  std::optional<Orbit> orbit;               ///< another than the level circle at that elevation; needs a model told of cameras
  std::optional<int64_t> decode_chunk;      ///< views decoded at a time; otherwise as many as fit (models/memory_plan.h)
  std::optional<GuidanceBatch> guidance_batch;  ///< otherwise both halves together, if they fit
  std::filesystem::path resume_file;  ///< keeps the sampler's state here after each step, and goes on from it; empty: does not
  int64_t spread_seeds =
      0;                    ///< 2 or more: sample the views with so many seeds in all, and say how far they differ: view_spread.h
  bool confidence = false;  ///< also make the objects of those seeds, and say how sure each Gaussian is: gaussian_confidence.h
  bool views_only = false;  ///< stop after the views
  bool refine = true;       ///< bring the decoded Gaussians closer to photo and views: view_refinement.h
  std::optional<bool> photo_palette;  ///< give the sides that no photo shows the photos' colours; otherwise as the model asks
  bool photo_surface = true;          ///< lay the photo's own pixels on the side that it shows: photo_surface.h
  bool matting = true;                ///< photos without transparency: cut the object out; false: they are framed already
  MattingOptions matting_options;
  int64_t fit_steps = 2000;  ///< of models without a decoder
};

}  // namespace gsv3d
