// A model on disk: MODEL/config.json with every hyper-parameter, and one safetensors file per network.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/config.h"
#include "decoder/dinov2.h"
#include "decoder/gaussian_decoder.h"
#include "diffusion/autoencoder.h"
#include "diffusion/image_embedder.h"
#include "diffusion/sampler.h"
#include "diffusion/video_unet.h"
#include "text/text_model_config.h"

namespace gsv3d {

/// What headers of weight files may say beside the tensors.
namespace weights_header {

inline constexpr const char* fingerprint = "fingerprint";            ///< tells weights apart; training writes it
inline constexpr const char* base = "base_fingerprint";              ///< of a LoRA: the UNet's that it was trained over
inline constexpr const char *origin = "origin", *random = "random";  ///< origin: random; of initialise_model()

}  // namespace weights_header

/// config.json. Full size and tiny differ in numbers only.
struct ModelConfig {
  std::string name = "sv3d_p";
  int64_t image_size = 576;                                  ///< pixels of a view, square
  int64_t frames = 21;                                       ///< N: orbit views the UNet makes
  std::vector<int64_t> vector_dimensions = {256, 512, 512};  ///< cond_aug, polar, azimuth; only the first for sv3d_u
  double cond_aug = 1e-5;           ///< noise on the photo before its latent, and what the UNet is told of it
  double image_frame_ratio = 0.82;  ///< share of the frame that the object's box fills in the framed photo
  double elevation_degrees = 10;    ///< assumed when the user does not say
  double radius = 2, fov_y_degrees = 33.8;
  bool photo_palette = false;  ///< colours of unseen sides are the photo's: pipeline/photo_palette.h
  int64_t lora_rank = 0;       ///< of distilled_lora.safetensors, when there is one
  double lora_alpha = 0;
  std::vector<std::string> lora_targets;
  VideoUNetConfig unet;
  AutoencoderConfig vae;
  ImageEmbedderConfig image_embedder;
  Dinov2Config dino;
  GaussianDecoderConfig gaussian_decoder;
  SamplerConfig sampler;
  std::optional<TextModelConfig> text;  ///< of the networks that make pictures from text: models/text_model.h
  template <class Visitor>
  void fields(Visitor& visit) {
    visit("name", name), visit("image_size", image_size), visit("frames", frames), visit("vector_dimensions", vector_dimensions);
    visit("cond_aug", cond_aug), visit("image_frame_ratio", image_frame_ratio), visit("elevation_degrees", elevation_degrees);
    visit("radius", radius), visit("fov_y_degrees", fov_y_degrees), visit("photo_palette", photo_palette),
        visit("lora_rank", lora_rank), visit("lora_alpha", lora_alpha);
    visit("lora_targets", lora_targets), visit("unet", unet), visit("vae", vae), visit("image_embedder", image_embedder);
    visit("dino", dino), visit("gaussian_decoder", gaussian_decoder), visit("sampler", sampler), visit("text", text);
  }
};

/// Reads and checks MODEL/config.json: unknown keys, and widths that do not fit each other, are errors that name the keys.
ModelConfig read_model_config(const std::filesystem::path& folder);

/// Writes MODEL/config.json atomically.
void write_model_config(const std::filesystem::path& folder, const ModelConfig& config);

/// Throws Error when parts do not fit: unet.in_channels = 2·z, adm = Σ vector_dimensions, context widths, image size divisible …
void check_model_config(const ModelConfig& config, const std::string& where);

/// The networks of a model folder, loaded. A part whose file is missing is empty; `require_parts` names those that must be there.
/// A distilled UNet has its LoRA merged into its weights.
struct Model {
  std::filesystem::path folder;
  ModelConfig config;
  at::Device device = at::kCPU;
  at::ScalarType dtype = at::kFloat;  ///< in which matrix products run (autocast)
  std::optional<AutoencoderEncoder> vae_encoder;
  std::optional<AutoencoderDecoder> vae_decoder;
  std::optional<ImageEmbedder> image_embedder;
  std::optional<VideoUNet> unet;
  std::optional<Dinov2> dino;
  std::optional<GaussianDecoder> gaussian_decoder;
  bool distilled = false;  ///< the UNet carries distilled_lora.safetensors
};

struct LoadOptions {
  at::Device device = at::kCPU;
  at::ScalarType dtype = at::kFloat;
  bool use_lora = true;  ///< apply distilled_lora.safetensors when it is there
  bool offload = false;  ///< the UNet's weights stay in main memory, mapped, and each stage's are on the device while it runs
};

/// The precision of the autoencoder beside networks of `dtype`: float32 instead of float16, in whose range its activations do not
/// stay (SV3D's script runs it in float32, too).
at::ScalarType vae_dtype(at::ScalarType dtype);

/// Files: unet, vae (encoder.*, quant_conv.*, decoder.*), image_embedder (visual.*), dino, gaussian_decoder, distilled_lora, all
/// .safetensors. Weights are mapped, not copied, where a file holds them in the wanted precision (nn::ParameterStore::
/// for_inference). Throws Error naming file and tensor when a file is damaged, lacks a tensor, has one of another shape, or one
/// that nobody knows.
Model load_model(const std::filesystem::path& folder, const LoadOptions& options);

/// The parts a folder may hold, by file name without ".safetensors", in the order in which they work.
const std::vector<std::string>& model_part_names();

/// Throws Error naming the first of `parts` (names as above) that the model lacks.
void require_parts(const Model& model, const std::vector<std::string>& parts);

/// Makes a complete model folder with random weights (float16): config.json and one file per part; those of
/// pictures from text where the configuration lists words. For tests and as a start for training.
void initialise_model(const std::filesystem::path& folder, const ModelConfig& config, uint64_t seed);

}  // namespace gsv3d
