// From words to the picture that takes the place of a photo (the paper's Fig. 4): pictures of some seeds, cut out, and the best.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "image/image.h"
#include "matting/matting.h"
#include "models/text_model.h"

namespace gsv3d {

struct TextOptions {
  std::optional<std::string> negative;  ///< what is not to be seen; otherwise the model's, where there is guidance
  bool use_template = true;             ///< the words stand in the model's prompt_template, which asks for one whole object
  uint64_t seed = 23;                   ///< of the first candidate; each further one has the next
  int64_t candidates = 1;
  Json sampling;  ///< settings of the sampler to change, by name: {{"picture-steps", 4}}; text/picture_sampler.h has them
  std::optional<Image> sketch;  ///< pictures begin with it instead of noise alone
  double strength = 0.7;        ///< how far they may leave it, in (0, 1]; 1: as without
  bool matting = true;          ///< cut the object out; false: the picture is taken as framed
  MattingOptions matting_options;
};

/// One picture and what speaks for it.
struct PictureCandidate {
  uint64_t seed = 0;
  Image picture;                     ///< opaque
  std::optional<Image> cutout;       ///< none without matting, and where it fails
  std::vector<std::string> doubts;   ///< one phrase each: the border is touched, several pieces, too small, no cut-out
  std::optional<double> clip_score;  ///< cosine of the picture's and the words' embeddings, where the weights are there
};

struct TextPictures {
  std::string prompt, negative;  ///< as the text tower read them
  PictureSamplerConfig sampler;
  std::vector<PictureCandidate> candidates;
  size_t chosen = 0;  ///< with the fewest doubts; of equal ones that of the highest score; else the first
  const PictureCandidate& best() const { return candidates.at(chosen); }
  /// What takes the photo's place: the best one cut out, or, without matting, as it is.
  const Image& taken() const { return best().cutout ? *best().cutout : best().picture; }
};

/// A picture's embedding [embed_dim], to be compared with that of words. From the image embedder of the same CLIP model.
using PictureEmbedder = std::function<Tensor(const Image& picture)>;

/// The image embedder of a 3D model where it belongs to the text tower: OpenCLIP's ViT-H-14 in both, as SV3D and Stable Diffusion
/// 2.x have it; empty otherwise.
PictureEmbedder picture_embedder(const Model& model, const TextModel& text);

/// Candidates and step of all.
using PictureProgress = std::function<void(int64_t done, int64_t total)>;

/// Throws what make_pictures would throw about words and options, before any network runs.
void check_text(const TextModel& model, const std::string& words, const TextOptions& options);

/// Throws UsageError for options out of range, empty prompts, and words that the model does not know; Error when no candidate
/// could be cut out; Cancelled when asked to stop.
TextPictures make_pictures(const TextModel& model, const std::string& words, const TextOptions& options,
                           const PictureEmbedder& embed = {}, const PictureProgress& on_progress = {});

/// What result.json says of it.
Json text_pictures_json(const TextPictures& pictures, const std::string& words, const TextOptions& options,
                        const TextModel& model);

/// All candidates side by side, the chosen one's caption marked.
Image candidate_sheet(const TextPictures& pictures);

}  // namespace gsv3d
