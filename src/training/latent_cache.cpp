#include "training/latent_cache.h"

#include <c10/core/GradMode.h>

#include <numeric>

#include "core/cancel.h"
#include "core/device.h"
#include "core/error.h"
#include "core/log.h"
#include "core/progress.h"
#include "diffusion/autoencoder.h"
#include "training/seeds.h"

namespace gsv3d {
namespace {

uint64_t cache_fingerprint(const StageContext& context) {
  const std::string text = config_to_json(context.model.vae.without_scaling()).dump() + dtype_name(context.dtype);
  uint64_t hash = fingerprint(text, context.set->fingerprint);
  for (const auto& [name, tensor] : read_safetensors(context.model_folder / "vae.safetensors"))
    hash = fingerprint(tensor, fingerprint(name, hash));
  return hash;
}

/// → [2, V, z, h, w]
Tensor encode_orbit(const AutoencoderEncoder& encoder, const ObjectViews& views, const StageContext& context) {
  std::vector<int64_t> indices(static_cast<size_t>(views.orbit_views));
  std::iota(indices.begin(), indices.end(), 0);
  const Tensor images = signed_pictures(context.model.vae, picture(view_images(views, indices, false).to(context.device)));
  const Tensor latents = encoder.mode(at::cat({images, images.flip(-1)})).to(at::kCPU, at::kFloat);
  return latents.unflatten(0, {2, views.orbit_views});
}

}  // namespace

LatentCache::LatentCache(const StageContext& context) {
  const auto store = finished_store(context, "vae.safetensors", "vae");
  fingerprint_ = cache_fingerprint(context);
  const std::filesystem::path folder = std::filesystem::is_directory(context.data) ? context.data : context.data.parent_path();
  const std::filesystem::path path = folder / fmt::format("latents-{}.safetensors", fingerprint_text(fingerprint_));
  if (std::filesystem::exists(path)) {
    latents_ = SafetensorsFile(path).tensor("latents").clone();
    require(latents_.dim() == 6 && latents_.size(0) == static_cast<int64_t>(context.set->orbits.size()) &&
                latents_.size(1) == 2 && latents_.size(2) == context.set->orbit_views(),
            "{}: does not fit the data; delete it", path.string());
    return;
  }
  const c10::NoGradGuard no_grad;
  const Autocast autocast(context.device.type(), context.dtype);
  const AutoencoderEncoder encoder(context.model.vae, nn::Scope(store));
  Progress progress("encode views", static_cast<int64_t>(context.set->orbits.size()));
  std::vector<Tensor> all;
  for (const ObjectViews& views : context.set->orbits) {
    throw_if_cancelled();
    all.push_back(encode_orbit(encoder, views, context));
    progress.update(static_cast<int64_t>(all.size()));
  }
  latents_ = at::stack(all);
  require(at::isfinite(latents_).all().item<bool>(), "{}: the encoder makes latents that are not finite",
          (context.model_folder / "vae.safetensors").string());
  try {
    write_safetensors(path, {{"latents", latents_}});
  } catch (const Error& error) {
    spdlog::warn("latents are not kept for later runs: {}", error.what());
  }
}

Tensor LatentCache::views(int64_t orbit, const std::vector<int64_t>& indices, bool mirrored) const {
  return latents_[orbit][mirrored ? 1 : 0].index_select(0, at::tensor(indices, at::kLong));
}

}  // namespace gsv3d
