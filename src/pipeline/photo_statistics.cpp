#include "pipeline/photo_statistics.h"

#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>

#include "core/atomic_file.h"
#include "core/crc32c.h"
#include "core/device.h"
#include "core/error.h"
#include "core/log.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;

constexpr int64_t least_photos = 20, quantile_steps = 20;

/// Beyond it so few training photos lie that results are rarely what users hope for.
constexpr double unusual_share = 0.05;

/// Of the file's beginning: a large model's must not be read whole for every photo.
std::string embedder_sum(const fs::path& folder) {
  const fs::path path = folder / "image_embedder.safetensors";
  std::string begin(1 << 20, '\0');
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), &std::fclose);
  require(file != nullptr, "cannot read {}", path.string());
  begin.resize(std::fread(begin.data(), 1, begin.size(), file.get()));
  return fmt::format("{}-{:08x}", fs::file_size(path), crc32c(begin));
}

Tensor distances_from(const Tensor& embeddings, const Tensor& mean) {
  return at::linalg_vector_norm(embeddings.to(at::kDouble) - mean, 2, {1});
}

}  // namespace

bool Familiarity::is_unusual() const {
  return farther_share < unusual_share;
}

Tensor photo_embedding(const Model& model, const Tensor& photos) {
  require_parts(model, {"image_embedder"});
  const c10::NoGradGuard no_grad;
  const Autocast autocast(model.device.type(), model.dtype);
  const Tensor signed_rgb = 2 * photos.narrow(1, 0, 3).to(model.device) - 1;
  const Tensor tokens = (*model.image_embedder)(clip_preprocess(signed_rgb, model.config.image_embedder.image_size));
  return (tokens.size(1) > 1 ? tokens.slice(1, 1) : tokens).to(at::kFloat).mean(1).cpu();
}

PhotoStatistics photo_statistics(const Tensor& embeddings) {
  require(embeddings.dim() == 2 && embeddings.size(0) >= least_photos, "statistics of photos need at least {} photos",
          least_photos);
  PhotoStatistics statistics;
  statistics.photos = embeddings.size(0);
  const Tensor mean = embeddings.to(at::kDouble).mean(0), distances = distances_from(embeddings, mean);
  statistics.mean.assign(mean.const_data_ptr<double>(), mean.const_data_ptr<double>() + mean.numel());
  statistics.deviation = std::sqrt(distances.square().mean().item<double>());
  require(statistics.deviation > 0, "statistics of photos: all of them are alike");
  const Tensor quantiles =
      at::quantile(distances / statistics.deviation, at::linspace(0, 1, quantile_steps + 1, at::kDouble)).contiguous();
  statistics.distances.assign(quantiles.const_data_ptr<double>(), quantiles.const_data_ptr<double>() + quantiles.numel());
  return statistics;
}

std::optional<PhotoStatistics> read_photo_statistics(const fs::path& folder) {
  const fs::path path = folder / photo_statistics_name;
  std::error_code error;
  if (!fs::exists(path, error) || !fs::exists(folder / "image_embedder.safetensors", error)) return {};
  auto statistics = config_from_json<PhotoStatistics>(read_json_file(path), path.string());
  require(statistics.distances.size() >= 2 && statistics.deviation > 0 &&
              std::is_sorted(statistics.distances.begin(), statistics.distances.end()),
          "{}: needs a deviation above 0 and ascending distances; make it anew with \"gsv3d model statistics\"", path.string());
  if (statistics.embedder != embedder_sum(folder)) {
    spdlog::warn("{}: is of another image_embedder.safetensors, so it is not used; make it anew with \"gsv3d model statistics\"",
                 path.string());
    return {};
  }
  return statistics;
}

void write_photo_statistics(const fs::path& folder, PhotoStatistics statistics) {
  statistics.embedder = embedder_sum(folder);
  write_json_file(folder / photo_statistics_name, config_to_json(statistics));
}

Familiarity familiarity(const PhotoStatistics& statistics, const Tensor& embedding) {
  const auto size = static_cast<int64_t>(statistics.mean.size());
  require(embedding.numel() == size, "{}: its mean has {} numbers, the model's embeddings have {}", photo_statistics_name, size,
          embedding.numel());
  const Tensor mean = at::tensor(statistics.mean, at::kDouble);
  Familiarity result;
  result.distance = distances_from(embedding.reshape({1, -1}), mean).item<double>() / statistics.deviation;
  // Between two quantiles a straight line.
  const std::vector<double>& quantiles = statistics.distances;
  const auto steps = static_cast<double>(quantiles.size() - 1);
  const auto above = std::upper_bound(quantiles.begin(), quantiles.end(), result.distance);
  if (above == quantiles.begin()) {
    result.farther_share = 1;
  } else if (above != quantiles.end()) {
    const double low = *(above - 1), nearer = static_cast<double>(above - 1 - quantiles.begin());
    result.farther_share = 1 - (nearer + (result.distance - low) / (*above - low)) / steps;
  }
  return result;
}

}  // namespace gsv3d
