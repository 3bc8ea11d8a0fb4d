// What a client may say about a job: the options of `gsv3d generate` by the same names, with _ for -, as JSON values or as the
// texts of the command line.
#pragma once

#include "core/settings.h"
#include "diffusion/sampler.h"
#include "exports/outputs.h"
#include "models/model_folder.h"
#include "pipeline/generate_options.h"

namespace gsv3d {

struct GenerationOptions {
  std::string model;
  uint64_t seed = 23;
  std::optional<double> elevation;
  std::string orbit, guidance_batch = "auto", photo_palette = "auto";
  int64_t frames = 0, size = 0, decode_chunk = 0, spread = 0, confidence_seeds = 0;
  bool views_only = false, refinement = true, photo_surface = true, mesh = true, viewer = true, matting = true;
  int64_t fit_steps = 2000;
  std::string mesh_size, height;
  Json sampling = Json::object();  ///< of SamplerConfig, by name

  template <class Visitor>
  void fields(Visitor& visit) {
    visit("model", model, Setting{.help = "name of one of the service's models; empty: its first"});
    visit("seed", seed, Setting{.help = "same seed, same result"});
    visit("elevation", elevation,
          Setting{.help = "degrees of the photo's camera above the object; null: the model's", .low = -89, .high = 89});
    visit("orbit", orbit, Setting{.help = "path of the cameras: sine or sine:DEGREES; empty: a level circle"});
    visit("guidance_batch", guidance_batch,
          Setting{.help = "both halves of the guidance together or one after the other", .choices = {"auto", "joint", "split"}});
    visit("frames", frames, Setting{.help = "views to make; 0: the model's", .low = 0, .high = 1024});
    visit("size", size, Setting{.help = "pixels of a view; 0: the model's", .low = 0, .high = 4096});
    visit("decode_chunk", decode_chunk, Setting{.help = "views decoded at a time; 0: what fits", .low = 0, .high = 1024});
    visit("views_only", views_only, Setting{.help = "only the generated views, no 3D"});
    visit("refinement", refinement, Setting{.help = "fit the decoder's Gaussians to photo and views"});
    visit("photo_surface", photo_surface, Setting{.help = "lay the photo's own pixels on the side that it shows"});
    visit("photo_palette", photo_palette,
          Setting{.help = "give the sides that no photo shows the photos' colours; auto: as the model asks",
                  .choices = {"auto", "true", "false"}});
    visit(
        "spread", spread,
        Setting{
            .help = "sample the views with so many seeds in all, and say how far they differ; 0: do not", .low = 0, .high = 64});
    visit("confidence_seeds", confidence_seeds,
          Setting{
              .help =
                  "make objects of so many seeds in all, and say how far they agree: object.ply's property confidence; 0: do not",
              .low = 0,
              .high = 64});
    visit("mesh", mesh, Setting{.help = "make a textured mesh (object.glb)"});
    visit("viewer", viewer, Setting{.help = "make a page for the browser (viewer.html)"});
    visit("matting", matting, Setting{.help = "cut the object out of the photo; false: it is framed on white already"});
    visit("fit_steps", fit_steps,
          Setting{.help = "steps of the fit that models without a decoder need", .low = 1, .high = 1'000'000});
    visit("mesh_size", mesh_size, Setting{.help = "length of the mesh's longest side, such as 12cm"});
    visit("height", height, Setting{.help = "height of the mesh instead, such as 45mm"});
  }
};

/// All settings that parse_generation_options takes, the sampler's with the model's own values. Which model a name means is not
/// looked at here (ServedModels::of_options).
std::vector<DescribedSetting> generation_settings(const SamplerConfig& sampler);

/// {name: value} → options. Throws UsageError for unknown names and values with a problem, Error for wrong types.
GenerationOptions parse_generation_options(const Json& given, const SamplerConfig& sampler);

/// What the pipeline and the files are told, for this model.
struct ResolvedGeneration {
  GenerateOptions generate;
  OutputOptions outputs;
  int64_t frames = 0, image_size = 0;
};

/// Throws Error for options that do not fit the model or each other.
ResolvedGeneration resolved(const GenerationOptions& options, const ModelConfig& config);

}  // namespace gsv3d
