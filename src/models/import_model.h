// Model folders from what users have: SV3D's public checkpoints, DINOv2's, a trained Gaussian decoder, a LoRA.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "models/model_folder.h"

namespace gsv3d {

struct ImportOptions {
  std::filesystem::path sv3d;           ///< Stability AI's file, or a diffusers folder with unet/, vae/ and image_encoder/
  std::filesystem::path sd;             ///< Stable Diffusion 2.x: a single file, or a diffusers folder
  std::filesystem::path sd_vocabulary;  ///< of its tokenizer (text/byte_pairs.h: read_merges); empty: the one beside it
  std::string sd_kind;                  ///< base, v768, turbo (models/sd_source.h); empty: what folder or name say
  std::filesystem::path dino;           ///< DINOv2 with official or Hugging Face's names
  std::filesystem::path decoder;        ///< gaussian_decoder.safetensors; a config.json beside it describes it
  std::filesystem::path lora;           ///< for the UNet: PEFT, diffusers or kohya names
  double lora_weight = 1;
  bool merge_lora = false;  ///< add the LoRA to the UNet's weights instead of keeping its file
  /// Of the UNet's and image encoder's matrices, and of the autoencoder's where it can run in it (vae_dtype); nothing: as they
  /// are stored. Vectors, DINOv2 and the decoder are never reduced.
  std::optional<at::ScalarType> dtype;
  std::filesystem::path config;  ///< hyper-parameters where they are not SV3D's
  /// New with `sv3d`, and with `sd` where there is no such folder; else the model folder to which the other parts are added.
  std::filesystem::path output;
};

struct ImportedPart {
  std::string name;  ///< as in model_part_names(), or distilled_lora
  int64_t tensors = 0, source_tensors = 0;
  uint64_t bytes = 0;
};

/// Tensors of the source that the model does not have, with the reason.
struct IgnoredTensors {
  std::string reason;
  std::vector<std::string> names;
};

struct ImportReport {
  ModelConfig config;
  std::vector<ImportedPart> parts;
  std::vector<IgnoredTensors> ignored;
};

/// Bytes done and in all.
using ImportProgress = std::function<void(uint64_t, uint64_t)>;

/// Converts one tensor at a time, so memory stays far below 2 GB whatever the files' size. The folder appears whole or not at
/// all; import.json in it says what was used and ignored. Throws UsageError for options that do not go together; Error, in one
/// line, for a file that is not what its option asks for (and what it seems to be), tensors that are missing or of another shape,
/// a disk that is too small, values that `dtype` cannot hold; Cancelled when asked to stop.
ImportReport import_model(const ImportOptions& options, const ImportProgress& on_progress = {});

}  // namespace gsv3d
