#include "pipeline/text_pictures.h"

#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>

#include "core/cancel.h"
#include "core/device.h"
#include "core/error.h"
#include "core/log.h"
#include "diffusion/image_embedder.h"
#include "image/contact_sheet.h"
#include "image/edge_colors.h"
#include "image/framing.h"
#include "image/object_mask.h"
#include "image/resize.h"

namespace gsv3d {
namespace {

/// Whether any sign of a text can be seen.
bool is_blank(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](unsigned char c) { return c <= ' ' || c == 0x7F; });
}

std::string framed_words(const TextModelConfig& config, const std::string& words, bool use_template) {
  if (!use_template) return words;
  std::string prompt = config.prompt_template;
  return prompt.replace(prompt.find("{}"), 2, words);
}

void check_options(const std::string& words, const TextOptions& options) {
  constexpr size_t most_bytes = 100'000;
  constexpr int64_t most_candidates = 64;
  if (is_blank(words)) throw UsageError("the text is empty: say what is to be seen, for example \"a red armchair\"");
  if (words.size() > most_bytes)
    throw UsageError(fmt::format("the text is {} bytes long: at most {} are taken", words.size(), most_bytes));
  if (options.candidates < 1 || options.candidates > most_candidates)
    throw UsageError(fmt::format("candidates = {} is outside 1 … {}", options.candidates, most_candidates));
  if (!(options.strength > 0 && options.strength <= 1))
    throw UsageError(fmt::format("strength = {} is outside (0, 1]", options.strength));
}

/// The sketch over white, square and of the model's size, as latents [1, z, h, w] of unit variance.
Tensor sketch_latents(const TextModel& model, const Image& sketch) {
  const Image white = composite_on_white(sketch);
  const int64_t side = std::max(white.width, white.height), size = model.config.image_size;
  Image square = blank_image(side, side, 255, 255, 255);
  for (int64_t y = 0; y < white.height; ++y)
    std::copy_n(white.at(0, y), 4 * white.width, square.at((side - white.width) / 2, y + (side - white.height) / 2));
  const Tensor picture = to_tensor(resize_lanczos(square, size, size)).unsqueeze(0).to(model.device);
  const Autocast autocast(model.device.type(), vae_dtype(model.dtype));
  return scaled_latents(model.vae, model.encoder->mode(signed_pictures(model.vae, picture)).to(at::kFloat));
}

/// One run of the sampler with its conditioning.
struct PictureRun {
  const TextModel& model;
  const PictureSampler& sampler;
  double guidance;
  Tensor context;  // [1, tokens, width] or, with guidance, [2, ...]: without and with the words
  Tensor sketch;   // latents; undefined: none
  double strength;
  UNetMemory& memory;  // all candidates have the same context

  Tensor network(const Tensor& x, double timestep) const {
    throw_if_cancelled();
    const bool guided = context.size(0) == 2;
    const Tensor input = (guided ? at::cat({x, x}) : x).to(at::kFloat);
    const Tensor times = at::full({input.size(0)}, timestep, input.options());
    const Tensor output = (*model.unet)({.x = input, .timesteps = times, .context = context, .memory = &memory}).to(at::kFloat);
    if (!guided) return output;
    const auto halves = output.chunk(2);
    return halves[0] + guidance * (halves[1] - halves[0]);
  }

  /// → [3 or 4, S, S] in 0-1 on the CPU: RGB over white, and alpha where the autoencoder has it.
  Tensor picture(uint64_t seed, const std::function<void(const PictureStep&)>& on_step) const {
    const int64_t side = model.config.image_size / model.vae.downsampling();
    const std::vector<int64_t> shape = {1, model.vae.z_channels, side, side};
    const at::Generator generator = make_generator(seed);
    const Tensor start = randn(shape, generator).to(model.device);
    const int64_t first = sketch.defined() ? sampler.first_step(strength) : 0;
    const Tensor x = sketch.defined() && first > 0 ? sampler.with_noise(sketch, start, first) : start * sampler.initial_noise();
    const auto noise = [&](int64_t) { return randn(shape, generator).to(model.device); };
    Tensor latents;
    {
      const Autocast autocast(model.device.type(), model.dtype);
      latents = sampler.run(
          x, [this](const Tensor& input, double timestep) { return network(input, timestep); }, noise, on_step, first);
    }
    const Autocast autocast(model.device.type(), vae_dtype(model.dtype));
    const Tensor decoded = (*model.decoder)(unscaled_latents(model.vae, latents.to(at::kFloat))).to(at::kCPU, at::kFloat);
    require(at::isfinite(decoded).all().item<bool>(), "the picture's pixels are not finite: try --dtype fp32 or bf16");
    return ((decoded[0] + 1) / 2).clamp(0, 1);
  }
};

/// RGB over white and alpha [4, H, W] → RGBA, its colours not mixed with the white.
Tensor straight(const Tensor& picture) {
  constexpr double least_alpha = 0.1;  // below it, what shines through says more of the white than of the object
  const Tensor alpha = picture.narrow(0, 3, 1);
  const Tensor colours = ((picture.narrow(0, 0, 3) - (1 - alpha)) / alpha.clamp_min(least_alpha)).clamp(0, 1);
  return with_edge_colors_from_inside(at::cat({colours, alpha}).contiguous());
}

void cut_out(PictureCandidate& candidate, const TextOptions& options) {
  constexpr double least_side = 0.25;
  try {
    if (!candidate.cutout) candidate.cutout = remove_background(candidate.picture, options.matting_options);
    candidate.doubts = matte_doubts(*candidate.cutout);
    const ObjectBox box = object_box(*candidate.cutout);
    const auto longer = static_cast<double>(std::max(box.width, box.height));
    if (longer < least_side * static_cast<double>(candidate.picture.width)) candidate.doubts.emplace_back("the object is small");
  } catch (const Cancelled&) {
    throw;
  } catch (const Error& error) {
    candidate.cutout.reset();
    candidate.doubts.emplace_back(std::string("it cannot be cut out: ") + error.what());
  }
}

/// Fewest doubts, those that cannot be cut out last; then the best score.
size_t choose(const std::vector<PictureCandidate>& candidates, bool matting) {
  const auto rank = [&](const PictureCandidate& candidate) {
    return std::tuple(matting && !candidate.cutout, candidate.doubts.size(), -candidate.clip_score.value_or(0));
  };
  return static_cast<size_t>(
      std::min_element(candidates.begin(), candidates.end(), [&](const auto& a, const auto& b) { return rank(a) < rank(b); }) -
      candidates.begin());
}

}  // namespace

void check_text(const TextModel& model, const std::string& words, const TextOptions& options) {
  check_options(words, options);
  const PictureSamplerConfig settings = with_settings(model.config.sampler, options.sampling, "picture");
  const PictureSampler sampler(model.config.schedule, settings);
  if (options.negative && !options.negative->empty()) {
    if (settings.guidance == 1)
      throw UsageError("a negative text needs guidance: give --picture-guidance above 1 (turbo models work without either)");
    (void)model.tokenizer->encode(*options.negative);
  }
  if (model.config.words && model.tokenizer->encode(words).empty())
    throw UsageError(fmt::format("the text holds no word: say what is to be seen; this model knows {} words",
                                 model.config.words->words.size()));
  (void)model.tokenizer->encode(framed_words(model.config, words, options.use_template));
}

PictureEmbedder picture_embedder(const Model& model, const TextModel& text) {
  const bool fits = model.image_embedder && text.config.tower.embed_dim > 0 && !text.config.words &&
                    !model.config.image_embedder.patch_tokens &&
                    model.config.image_embedder.embed_dim == text.config.tower.embed_dim;
  if (!fits) return {};
  return [&model](const Image& picture) {
    const c10::NoGradGuard no_grad;
    const Autocast autocast(model.device.type(), model.dtype);
    const Tensor images = to_tensor(composite_on_white(picture)).narrow(0, 0, 3).unsqueeze(0) * 2 - 1;
    const Tensor input = clip_preprocess(images, model.config.image_embedder.image_size).to(model.device);
    return (*model.image_embedder)(input)[0][0].to(at::kCPU, at::kFloat);
  };
}

TextPictures make_pictures(const TextModel& model, const std::string& words, const TextOptions& options,
                           const PictureEmbedder& embed, const PictureProgress& on_progress) {
  check_text(model, words, options);
  const c10::NoGradGuard no_grad;
  TextPictures result;
  result.sampler = with_settings(model.config.sampler, options.sampling, "picture");
  const PictureSampler sampler(model.config.schedule, result.sampler);
  result.prompt = framed_words(model.config, words, options.use_template);
  const bool guided = result.sampler.guidance != 1;
  result.negative = guided ? options.negative.value_or(model.config.negative) : "";
  const int64_t length = model.config.tower.context_length;
  const Tensor tokens = tokens_of(*model.tokenizer, {result.prompt}, length).to(model.device);
  UNetMemory memory;
  PictureRun run{model, sampler, result.sampler.guidance, {}, {}, options.strength, memory};
  Tensor embedding;
  {
    const Autocast autocast(model.device.type(), model.dtype);
    run.context = model.tower->context(tokens);
    if (guided)
      run.context =
          at::cat({model.tower->context(tokens_of(*model.tokenizer, {result.negative}, length).to(model.device)), run.context});
    if (embed)
      embedding =
          model.tower->embedding(tokens_of(*model.tokenizer, {words}, length).to(model.device))[0].to(at::kCPU, at::kFloat);
  }
  if (options.sketch) run.sketch = sketch_latents(model, *options.sketch);
  const int64_t first = run.sketch.defined() ? sampler.first_step(options.strength) : 0;
  const int64_t steps = result.sampler.steps - first;
  for (int64_t i = 0; i < options.candidates; ++i) {
    PictureCandidate candidate;
    candidate.seed = options.seed + static_cast<uint64_t>(i);
    const Tensor made = run.picture(candidate.seed, [&](const PictureStep& step) {
      if (on_progress) on_progress(i * steps + step.index + 1 - first, options.candidates * steps);
    });
    candidate.picture = to_image(made.narrow(0, 0, 3).contiguous());
    if (made.size(0) == 4 && options.matting) candidate.cutout = to_image(straight(made));
    if (options.matting) cut_out(candidate, options);
    if (embed) candidate.clip_score = at::cosine_similarity(embed(candidate.picture), embedding, 0).item<double>();
    result.candidates.push_back(std::move(candidate));
  }
  result.chosen = choose(result.candidates, options.matting);
  if (options.matting && !result.best().cutout)
    fail("none of {} pictures could be cut out ({}): try other words, another --seed, or more --candidates", options.candidates,
         result.best().doubts.back());
  return result;
}

Json text_pictures_json(const TextPictures& pictures, const std::string& words, const TextOptions& options,
                        const TextModel& model) {
  Json json = {{"text", words}, {"prompt", pictures.prompt}, {"negative", pictures.negative}};
  json["model"] = model.folder.filename().string();
  json["settings"] = settings_by_name(pictures.sampler);
  json["settings"]["prediction"] = model.config.schedule.prediction;
  json["settings"]["image_size"] = model.config.image_size;
  if (options.sketch) json["settings"]["strength"] = options.strength;
  json["chosen"] = pictures.chosen;
  json["candidates"] = Json::array();
  for (const PictureCandidate& candidate : pictures.candidates)
    json["candidates"].push_back({{"seed", candidate.seed},
                                  {"doubts", candidate.doubts},
                                  {"clip_score", candidate.clip_score ? Json(*candidate.clip_score) : Json(nullptr)}});
  return json;
}

Image candidate_sheet(const TextPictures& pictures) {
  SheetRow made{"pictures", {}, {}}, cut{"cut out", {}, {}};
  for (size_t i = 0; i < pictures.candidates.size(); ++i) {
    const PictureCandidate& candidate = pictures.candidates[i];
    const std::string score = candidate.clip_score ? fmt::format(" {:.3f}", *candidate.clip_score) : "";
    made.pictures.push_back(candidate.picture);
    made.captions.push_back(fmt::format("{}{}{}", candidate.seed, score, i == pictures.chosen ? " *" : ""));
    const Image empty = blank_image(candidate.picture.width, candidate.picture.height, 255, 255, 255);
    cut.pictures.push_back(candidate.cutout ? composite_on_white(*candidate.cutout) : empty);
    cut.captions.push_back(fmt::format("{} doubts", candidate.doubts.size()));
  }
  SheetOptions options;
  options.cell_size = std::max<int64_t>(128, pictures.candidates.front().picture.width);
  return contact_sheet({made, cut}, options);
}

}  // namespace gsv3d
