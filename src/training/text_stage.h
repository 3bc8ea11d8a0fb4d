// Stage "text": text tower and 2D UNet, from the objects' names to pictures of their fronts, in the latents of the model's
// autoencoder. Loss: the mean squared error of what the UNet predicts (epsilon or v, arXiv 2202.00512) at uniform timesteps.
#pragma once

#include "training/stage.h"
#include "training/stage_context.h"

namespace gsv3d {

struct TextStageConfig : TrainerConfig {
  double front_degrees = 35;        ///< views so far to either side of the front are shown
  double mirror_probability = 0.5;  ///< of a view flipped left to right
  double paint_probability = 0.7;   ///< of an object painted in a colour that its prompt names
  double text_dropout = 0.1;        ///< share of samples without text, which guidance needs
  int64_t preview_steps = 20;
  TextStageConfig() { batch = 16; }
  std::vector<TrainedFile> trained_files() const {
    return {{"text_tower.safetensors", goes_on()}, {"text_unet.safetensors", goes_on()}};
  }
  template <class Visitor>
  void fields(Visitor& visit) {
    TrainerConfig::fields(visit);
    visit("front_degrees", front_degrees, allowed::between(0, 180));
    visit("mirror_probability", mirror_probability, allowed::share()),
        visit("paint_probability", paint_probability, allowed::share());
    visit("text_dropout", text_dropout, allowed::share()), visit("preview_steps", preview_steps, allowed::at_least(1));
  }
};

/// The model's config.json needs a section "text" with the networks' widths; the words go into it at the end. Names come from the
/// objects.csv beside the (first) shards; objects that have none are not shown.
std::unique_ptr<Stage> make_text_stage(StageContext context, const TextStageConfig& config);

}  // namespace gsv3d
