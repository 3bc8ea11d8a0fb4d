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
  const std::filesystem::path data = std::filesystem::is_directory(context.data) ? context.data : context.data.parent_path();
  folder_ = data / ("latents-" + fingerprint_text(fingerprint_));
  weights_ = context.model_folder / "vae.safetensors";
  write_missing(context);
  context.group->barrier();
  read();
  encoder_.reset();
}

std::filesystem::path LatentCache::file_path(int64_t index) const {
  return folder_ / fmt::format("{:06}.safetensors", index);
}

/// Makes the files that are not there: process r of R those with index % R = r.
void LatentCache::write_missing(const StageContext& context) const {
  std::vector<int64_t> missing;
  for (int64_t i = context.group->rank(); i < file_count(); i += context.group->size())
    if (!std::filesystem::exists(file_path(i))) missing.push_back(i);
  if (missing.empty()) return;
  Progress progress("encode views", std::ssize(missing) * kOrbitsPerFile);
  int64_t done = 0;
  for (const int64_t i : missing) {
    const Tensor latents = encode_orbits(i);
    try {
      write_safetensors(file_path(i), {{"latents", latents}});
    } catch (const Error& error) {
      if (set_->in_shards()) throw;
      spdlog::warn("latents are not kept for later runs: {}", error.what());
      return;
    }
    progress.update(done += kOrbitsPerFile);
  }
}

/// Reads the files, all made by now unless the folder cannot be written to.
void LatentCache::read() {
  for (int64_t i = 0; i < file_count(); ++i) {
    const std::filesystem::path path = file_path(i);
    const Tensor latents = std::filesystem::exists(path) ? SafetensorsFile(path).tensor("latents") : encode_orbits(i);
    require(latents.dim() == 6 && latents.size(0) == orbits_of_file(i) && latents.size(1) == 2 &&
                latents.size(2) == set_->orbit_views(),
            "{}: does not fit the data; delete it", path.string());
    files_.push_back(latents.flatten(0, 2));
  }
  if (set_->in_shards()) return;
  latents_ = at::cat(files_).to(device_);
  files_.clear();
}

/// Those of a file: [count, 2 (mirrored), orbit views, z, h, w] on the CPU.
Tensor LatentCache::encode_orbits(int64_t file) const {
  // As many pictures at a time as 256 of 128 pixels.
  const int64_t views = set_->orbit_views(), size = set_->image_size(), at_once = std::max<int64_t>(1, (1 << 22) / (size * size));
  const int64_t first = file * kOrbitsPerFile, end = first + orbits_of_file(file);
  std::vector<Tensor> all;
  for (int64_t i = first; i < end; ++i) {
    throw_if_cancelled();
    std::vector<int64_t> next;
    for (int64_t j = i + 1; j < std::min(i + 3, end); ++j) next.push_back(j);
    set_->prefetch(next);
    std::vector<int64_t> indices(static_cast<size_t>(views));
    for (int64_t j = 0; j < views; ++j) indices[static_cast<size_t>(j)] = set_->orbit(i).first + j;
    const Tensor pictures = picture(straight_views(*set_, indices, std::vector<bool>(indices.size(), false), device_));
    std::vector<Tensor> latents;
    for (const Tensor& some : at::cat({pictures, pictures.flip(-1)}).split(at_once)) latents.push_back(encode(some).cpu());
    all.push_back(at::cat(latents).unflatten(0, {2, views}));
    require(at::isfinite(all.back()).all().item<bool>(), "{}: the encoder makes latents that are not finite", weights_.string());
  }
  return at::stack(all);
}

Tensor LatentCache::mapped_rows(const std::vector<int64_t>& rows) const {
  const int64_t rows_per_file = kOrbitsPerFile * 2 * set_->orbit_views();
  std::vector<Tensor> found;
  for (const int64_t row : rows) found.push_back(files_[static_cast<size_t>(row / rows_per_file)][row % rows_per_file]);
  return at::stack(found).to(device_);
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
  const Tensor rows = set_->in_shards() ? mapped_rows(indices) : latents_.index_select(0, index_tensor(indices, device_));
  return rows.unflatten(0, {count, frames});
}

}  // namespace gsv3d
