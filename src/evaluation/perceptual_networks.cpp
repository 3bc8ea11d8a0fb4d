#include "evaluation/perceptual_networks.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/cancel.h"
#include "core/error.h"
#include "decoder/dinov2_import.h"

namespace gsv3d {
namespace {

constexpr int64_t views_at_a_time = 4;  // bounds the memory
constexpr int64_t dino_size = 224;

struct Kind {
  const char *name, *scores;
};
constexpr Kind kinds[] = {
    {"lpips-alex", "LPIPS (Alex)"}, {"lpips-vgg", "LPIPS (VGG)"}, {"clip", "CLIP"}, {"clip-iqa", "CLIP-IQA"}, {"dino", "DINO"},
    {"inception", "FID and KID"}};

std::string kind_names() {
  std::vector<std::string> names;
  for (const Kind& kind : kinds) names.emplace_back(kind.name);
  return fmt::format("{}", fmt::join(names, ", "));
}

/// The tensors of a kind's files together, and the files' names for messages.
struct Source {
  NamedTensors tensors;
  std::string origin;
};
std::optional<Source> source_of(const WeightFiles& files, const std::string& kind) {
  const auto found = files.find(kind);
  if (found == files.end()) return std::nullopt;
  Source source;
  for (const auto& path : found->second) {
    source.tensors.merge(read_safetensors(path));
    source.origin += (source.origin.empty() ? "" : " + ") + path.string();
  }
  source.origin += fmt::format(" (weights of {})", kind);
  return source;
}

nn::Scope scope_of(const Source& source, const NamedTensors& tensors, at::Device device, const std::string& prefix = "") {
  return nn::Scope(nn::ParameterStore::from_tensors(tensors, source.origin, at::kFloat, device, prefix));
}

/// Where a file of CLIP has its vision tower: before "visual.".
std::string clip_prefix(const Source& source) {
  constexpr const char* first = "visual.conv1.weight";
  for (const auto& [name, unused] : source.tensors)
    if (name.ends_with(first)) return name.substr(0, name.size() - std::string_view(first).size());
  fail("{}: no tensor \"{}\": OpenCLIP's names are needed", source.origin, first);
}

/// A function of pictures, some at a time: → [B, D] on the CPU.
template <class Network>
Tensor in_parts(const Tensor& rgb, at::Device device, const Network& network) {
  std::vector<Tensor> rows;
  for (const Tensor& part : rgb.split(views_at_a_time)) {
    throw_if_cancelled();
    rows.push_back(network(part.to(device)).to(at::kCPU, at::kFloat));
  }
  return at::cat(rows);
}

double over_views(const Tensor& per_view) {
  return per_view.mean().item<double>();
}

}  // namespace

WeightFiles parse_weight_files(const std::vector<std::string>& texts) {
  WeightFiles files;
  for (const std::string& text : texts) {
    const size_t equals = text.find('=');
    const std::string kind = text.substr(0, equals);
    const bool known = std::any_of(std::begin(kinds), std::end(kinds), [&](const Kind& k) { return kind == k.name; });
    if (!known || equals == std::string::npos || equals + 1 == text.size())
      throw UsageError(fmt::format("--weights {}: expected KIND=FILE, KIND one of {}", text, kind_names()));
    files[kind].emplace_back(text.substr(equals + 1));
  }
  if (files.count("clip-iqa") && !files.count("clip"))
    throw UsageError("--weights clip-iqa holds embeddings of texts: it needs those of pictures, --weights clip=FILE, too");
  return files;
}

Tensor clip_pictures(const Tensor& images, int64_t size) {
  require(images.dim() == 4 && images.size(1) == 3 && size > 0, "CLIP input: images must be [B, 3, H, W]");
  const int64_t height = images.size(2), width = images.size(3), shorter = std::min(height, width);
  Tensor input = images.to(at::kFloat);
  if (shorter != size)  // the longer side cut off as torchvision does; clamped because CLIP's resize works on 8 bits
    input =
        at::_upsample_bicubic2d_aa(input, {height * size / shorter, width * size / shorter}, /*align_corners=*/false).clamp(0, 1);
  const int64_t top = (input.size(2) - size + 1) / 2, left = (input.size(3) - size + 1) / 2;
  constexpr std::array<float, 3> mean = {0.48145466f, 0.4578275f, 0.40821073f},
                                 deviation = {0.26862954f, 0.26130258f, 0.27577711f};
  std::vector<Tensor> channels = input.narrow(2, top, size).narrow(3, left, size).split(1, 1);
  for (size_t i = 0; i < 3; ++i) channels[i] = (channels[i] - mean[i]) / deviation[i];
  return at::cat(channels, 1);
}

Tensor row_cosines(const Tensor& a, const Tensor& b) {
  const auto unit = [](const Tensor& rows) {
    const Tensor values = rows.to(at::kCPU, at::kDouble);
    return values / at::linalg_vector_norm(values, 2, {1}, /*keepdim=*/true).clamp_min(1e-12);
  };
  return (unit(a) * unit(b)).sum(1);
}

Tensor clip_iqa(const Tensor& embeddings, const Tensor& texts) {
  const Tensor cosines =
      at::stack({row_cosines(embeddings, texts.slice(0, 0, 1)), row_cosines(embeddings, texts.slice(0, 1, 2))});
  return (100 * cosines).softmax(0)[0];
}

ImageEmbedderConfig image_embedder_config_of(const NamedTensors& tensors, const std::string& prefix) {
  const auto size = [&](const std::string& name, int64_t dimensions, int64_t axis) {
    const auto found = tensors.find(prefix + "visual." + name);
    require(found != tensors.end() && found->second.dim() == dimensions,
            "CLIP weights: no tensor \"{}visual.{}\" of {} dimensions", prefix, name, dimensions);
    return found->second.size(axis);
  };
  ImageEmbedderConfig config;
  config.width = size("conv1.weight", 4, 0), config.patch_size = size("conv1.weight", 4, 3);
  const int64_t tokens = size("positional_embedding", 2, 0);
  config.image_size = std::lround(std::sqrt(static_cast<double>(tokens - 1))) * config.patch_size;
  config.embed_dim = size("proj", 2, 1);
  config.layers = 0;
  while (tensors.count(fmt::format("{}visual.transformer.resblocks.{}.ln_1.weight", prefix, config.layers))) ++config.layers;
  // OpenCLIP's models up to L have heads of 64, those above have 16 heads.
  config.head_width = config.width <= 1024 ? std::min<int64_t>(64, config.width) : config.width / 16;
  return config;
}

PictureFeatures PictureFeatures::slice(int64_t begin, int64_t end) const {
  const auto rows = [&](const Tensor& all) { return all.defined() ? all.slice(0, begin, end) : Tensor(); };
  return {rows(clip), rows(dino), rows(inception)};
}

PerceptualNetworks::PerceptualNetworks(const WeightFiles& files, at::Device device) : device_(device) {
  if (const auto source = source_of(files, "lpips-alex"))
    lpips_alex_.emplace(LpipsBackbone::alexnet, scope_of(*source, source->tensors, device));
  if (const auto source = source_of(files, "lpips-vgg"))
    lpips_vgg_.emplace(LpipsBackbone::vgg16, scope_of(*source, source->tensors, device));
  if (const auto source = source_of(files, "inception")) inception_.emplace(scope_of(*source, source->tensors, device));
  int64_t embedding = 0;
  if (const auto source = source_of(files, "clip")) {
    const std::string prefix = clip_prefix(*source);
    const ImageEmbedderConfig config = image_embedder_config_of(source->tensors, prefix);
    clip_.emplace(config, scope_of(*source, source->tensors, device, prefix));
    clip_size_ = config.image_size, embedding = config.embed_dim;
  }
  if (const auto source = source_of(files, "clip-iqa")) {
    const auto found = source->tensors.find("text_embeddings");
    require(found != source->tensors.end() && found->second.sizes() == at::IntArrayRef({2, embedding}),
            "{}: expected a tensor \"text_embeddings\" [2, {}], the good text first", source->origin, embedding);
    texts_ = found->second.to(at::kFloat);
  }
  if (const auto source = source_of(files, "dino")) {
    const NamedTensors official = dinov2_official_names(source->tensors);
    dino_.emplace(dinov2_config_of(official), scope_of(*source, official, device));
  }
}

PictureFeatures PerceptualNetworks::features(const Tensor& rgb) const {
  PictureFeatures result;
  if (clip_)
    result.clip =
        in_parts(rgb, device_, [&](const Tensor& part) { return (*clip_)(clip_pictures(part, clip_size_)).select(1, 0); });
  if (dino_)
    result.dino =
        in_parts(rgb, device_, [&](const Tensor& part) { return (*dino_)(dinov2_preprocess(part, dino_size)).class_token; });
  if (inception_) result.inception = in_parts(rgb, device_, *inception_);
  return result;
}

Tensor PerceptualNetworks::lpips(const Lpips& network, const Tensor& predicted, const Tensor& truth) const {
  std::vector<Tensor> values;
  for (int64_t i = 0; i < predicted.size(0); i += views_at_a_time) {
    throw_if_cancelled();
    const int64_t end = i + views_at_a_time;
    values.push_back(network(predicted.slice(0, i, end).to(device_), truth.slice(0, i, end).to(device_)).to(at::kCPU));
  }
  return at::cat(values);
}

void PerceptualNetworks::add_scores(Scores& scores, const Tensor& predicted, const PictureFeatures& predicted_features,
                                    const Tensor& truth, const PictureFeatures& true_features) const {
  if (predicted.size(0) == 0) return;
  if (lpips_alex_) scores.lpips_alex = over_views(lpips(*lpips_alex_, predicted, truth));
  if (lpips_vgg_) scores.lpips_vgg = over_views(lpips(*lpips_vgg_, predicted, truth));
  if (clip_) scores.clip_similarity = over_views(row_cosines(predicted_features.clip, true_features.clip));
  if (dino_) scores.dino_similarity = over_views(row_cosines(predicted_features.dino, true_features.dino));
  if (texts_.defined()) scores.clip_iqa = over_views(clip_iqa(predicted_features.clip, texts_));
}

std::string needs_weights_note(const WeightFiles& files) {
  std::vector<std::string> missing;
  for (const Kind& kind : kinds)
    if (!files.count(kind.name)) missing.push_back(fmt::format("{} (--weights {}=FILE)", kind.scores, kind.name));
  if (missing.empty()) return {};
  return fmt::format("Needs weights, so not scored: {}; which files: docs/evaluation.md.", fmt::join(missing, ", "));
}

}  // namespace gsv3d
