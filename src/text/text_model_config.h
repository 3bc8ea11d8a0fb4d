// What config.json of a model folder says of the networks that make pictures from text. Beside it lie text_tower.safetensors,
// text_unet.safetensors, text_merges.txt where words are not listed here, and text_vae.safetensors where the pictures have an
// autoencoder of their own.
#pragma once

#include <optional>
#include <string>

#include "core/config.h"
#include "diffusion/autoencoder.h"
#include "diffusion/unet2d.h"
#include "text/known_words.h"
#include "text/noise_schedule.h"
#include "text/picture_sampler.h"
#include "text/text_tower.h"

namespace gsv3d {

struct TextModelConfig {
  int64_t image_size = 512;  ///< pixels of a picture, square
  /// {} stands for the user's words.
  std::string prompt_template = "{}, a single object, centered, entire object visible, isolated on a plain white background";
  std::string negative = "cropped, several objects, text, shadow, busy background";
  TextTowerConfig tower;
  UNet2DConfig unet;
  std::optional<AutoencoderConfig> vae;  ///< none: the model's
  NoiseScheduleConfig schedule;
  PictureSamplerConfig sampler;
  std::optional<WordList> words;  ///< all that the model was trained on; none: OpenCLIP's byte pairs, of text_merges.txt
  template <class Visitor>
  void fields(Visitor& visit) {
    visit("image_size", image_size), visit("prompt_template", prompt_template), visit("negative", negative);
    visit("tower", tower), visit("unet", unet), visit("vae", vae), visit("schedule", schedule), visit("sampler", sampler);
    visit("words", words);
  }
};

}  // namespace gsv3d
