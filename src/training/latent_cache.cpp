#include "training/latent_cache.h"

#include <c10/core/GradMode.h>

#include "core/cancel.h"
#include "core/device.h"
#include "core/error.h"
#include "core/fingerprint.h"
#include "core/log.h"
#include "core/progress.h"

namespace gsv3d {
namespace {

uint64_t cache_fingerprint(const StageContext& context) {
  const std::string text = config_to_json(context.model.vae.without_scaling()).dump() + dtype_name(context.dtype);
  return fingerprint(read_safetensors(context.model_folder / "vae.safetensors"), fingerprint(text, context.set->fingerprint));
}

}  // namespace

void check_encode_views(const ClipTrainerConfig& config, bool data_grows) {
  if (config.encode_views == "on_the_fly") return;
  require(config.recolor_probability <= 0,
          "recolor_probability needs \"encode_views\": \"on_the_fly\": cached latents have one colour");
  require(!data_grows, "data that grows needs \"encode_views\": \"on_the_fly\": latents are cached once");
}

LatentCache::LatentCache(const StageContext& context, const ClipTrainerConfig& config)
    : set_(context.set),
      device_(context.device),
      dtype_(context.dtype),
      vae_(context.model.vae),
      store_(finished_store(context, "vae.safetensors", "vae")),
      encoder_(std::make_shared<AutoencoderEncoder>(context.model.vae, nn::Scope(store_))) {
  check_encode_views(config, set_->grows());
  fingerprint_ = cache_fingerprint(context);
  if (config.encode_views == "on_the_fly") return;
  // The first process writes them, the others read.
  if (!context.group->is_first()) context.group->barrier();
  fill(context);
  if (context.group->is_first()) context.group->barrier();
  encoder_.reset();
}

void LatentCache::fill(const StageContext& context) {
  const std::filesystem::path folder = std::filesystem::is_directory(context.data) ? context.data : context.data.parent_path();
  const std::filesystem::path path = folder / fmt::format("latents-{}.safetensors", fingerprint_text(fingerprint_));
  const int64_t orbits = set_->size(), views = set_->orbit_views();
  if (std::filesystem::exists(path)) {
    const Tensor kept = SafetensorsFile(path).tensor("latents");
    require(kept.dim() == 6 && kept.size(0) == orbits && kept.size(1) == 2 && kept.size(2) == views,
            "{}: does not fit the data; delete it", path.string());
    latents_ = kept.flatten(0, 2).clone().to(device_);
    return;
  }
  Progress progress("encode views", orbits);
  std::vector<Tensor> all;
  for (int64_t i = 0; i < orbits; ++i) {
    throw_if_cancelled();
    std::vector<int64_t> indices(static_cast<size_t>(views));
    for (int64_t j = 0; j < views; ++j) indices[static_cast<size_t>(j)] = set_->orbit(i).first + j;
    const Tensor pictures = picture(straight_views(*set_, indices, std::vector<bool>(indices.size(), false), device_));
    all.push_back(encode(at::cat({pictures, pictures.flip(-1)})).cpu().unflatten(0, {2, views}));
    progress.update(i + 1);
  }
  const Tensor latents = at::stack(all);
  require(at::isfinite(latents).all().item<bool>(), "{}: the encoder makes latents that are not finite",
          (context.model_folder / "vae.safetensors").string());
  try {
    write_safetensors(path, {{"latents", latents}});
  } catch (const Error& error) {
    spdlog::warn("latents are not kept for later runs: {}", error.what());
  }
  latents_ = latents.flatten(0, 2).to(device_);
}

/// [K, 4, S, S] → [K, z, h, w]
Tensor LatentCache::encode(const Tensor& pictures) const {
  const c10::NoGradGuard no_grad;
  const Autocast autocast(device_.type(), dtype_);
  return encoder_->mode(signed_pictures(vae_, pictures)).to(at::kFloat);
}

Tensor LatentCache::clip_latents(const std::vector<Clip>& clips, const Tensor& views, int64_t frames) const {
  const int64_t count = static_cast<int64_t>(clips.size()), orbit_views = set_->orbit_views();
  if (encoder_) return encode(views.flatten(0, 1)).unflatten(0, {count, frames});
  std::vector<int64_t> indices;
  for (const Clip& clip : clips)
    for (const int64_t view : clip_views(clip, orbit_views, frames))
      indices.push_back((2 * clip.orbit + (clip.mirrored ? 1 : 0)) * orbit_views + view);
  return latents_.index_select(0, index_tensor(indices, device_)).unflatten(0, {count, frames});
}

}  // namespace gsv3d
