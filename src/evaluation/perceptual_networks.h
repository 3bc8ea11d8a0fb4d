// Scores that need networks whose weights the user has: LPIPS, CLIP and DINO similarity, CLIP-IQA, FID and KID. Which files:
// docs/evaluation.md.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "decoder/dinov2.h"
#include "diffusion/image_embedder.h"
#include "evaluation/protocol.h"
#include "perception/inception.h"
#include "perception/lpips.h"

namespace gsv3d {

/// Files of safetensors by kind of network; several of one kind are read as if they were one.
using WeightFiles = std::map<std::string, std::vector<std::filesystem::path>>;

/// Texts "KIND=FILE". Throws UsageError for another form and for an unknown kind.
WeightFiles parse_weight_files(const std::vector<std::string>& texts);

/// Pictures [B, 3, H, W] in 0-1 → [B, 3, size, size] as CLIP was trained with: the shorter side to `size` (bicubic, antialiased),
/// the middle cut out, CLIP's normalisation. Not clip_preprocess(), which is SV3D's.
Tensor clip_pictures(const Tensor& images, int64_t size);

/// Row by row cosine of vectors [B, D] and [B, D] or [1, D] → [B] float64.
Tensor row_cosines(const Tensor& a, const Tensor& b);

/// CLIP-IQA (Wang et al. 2023, arXiv 2207.12396, equation 2): of embeddings [B, D] and those of two opposite texts [2, D], the
/// good one first, softmax(100 cos)₁ → [B] float64 in 0-1.
Tensor clip_iqa(const Tensor& embeddings, const Tensor& texts);

/// The embedder's sizes that OpenCLIP's tensors below `prefix` imply. Throws Error when one of them is missing.
ImageEmbedderConfig image_embedder_config_of(const NamedTensors& tensors, const std::string& prefix);

/// What networks say of pictures, a row each; undefined where the network is missing.
struct PictureFeatures {
  Tensor clip, dino, inception;
  PictureFeatures slice(int64_t begin, int64_t end) const;
};

class PerceptualNetworks {
 public:
  /// Reads all files. Throws Error naming file and tensor when one is missing, of another shape or none of the network's kind.
  PerceptualNetworks(const WeightFiles& files, at::Device device);

  /// Of pictures [B, 3, S, S] in 0-1 over white, some at a time.
  PictureFeatures features(const Tensor& rgb) const;
  /// Adds means over views to `scores`, for predicted and true pictures and their features.
  void add_scores(Scores& scores, const Tensor& predicted, const PictureFeatures& predicted_features, const Tensor& truth,
                  const PictureFeatures& true_features) const;
  bool has_inception() const { return inception_.has_value(); }

 private:
  Tensor lpips(const Lpips& network, const Tensor& predicted, const Tensor& truth) const;

  at::Device device_;
  std::optional<Lpips> lpips_alex_, lpips_vgg_;
  std::optional<ImageEmbedder> clip_;
  int64_t clip_size_ = 0;
  Tensor texts_;
  std::optional<Dinov2> dino_;
  std::optional<Inception> inception_;
};

/// One line on the scores that have no weights, each with the option that gives them; empty when all have.
std::string needs_weights_note(const WeightFiles& files);

}  // namespace gsv3d
