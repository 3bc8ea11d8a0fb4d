#include "dataset/posed_views.h"

#include <cmath>
#include <optional>
#include <vector>

#include "core/cancel.h"
#include "core/error.h"
#include "core/log.h"
#include "dataset/shards.h"
#include "dataset/transforms_json.h"
#include "image/image.h"
#include "image/resize.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;

PosedViews read_shard_sample(const fs::path& path, const PosedViewsOptions& options) {
  std::optional<PosedViews> found;
  read_shards(find_shards(path), [&](ObjectViews views) {
    throw_if_cancelled();
    if (!found && (options.object.empty() || views.id == options.object)) found = PosedViews{views.id, views.rgba, views.cameras};
  });
  require(found.has_value(), "{}: no object \"{}\"", path.string(), options.object);
  const auto [width, height] = limited_size(found->cameras.width, found->cameras.height, options.max_size);
  if (width == found->cameras.width) return *found;
  std::vector<Tensor> pictures;
  for (const Tensor& picture : found->rgba.unbind())
    pictures.push_back((to_tensor(resize_lanczos(to_image(picture), width, height)) * 255).round().to(at::kByte));
  return {found->id, at::stack(pictures), found->cameras.resized(width, height)};
}

/// The file of a folder: transforms.json, or, as NeRF's synthetic scenes have it, the one of the pictures to train on.
std::optional<fs::path> transforms_of(const fs::path& folder) {
  for (const char* name : {"transforms.json", "transforms_train.json"})
    if (fs::exists(folder / name)) return folder / name;
  return std::nullopt;
}

}  // namespace

std::pair<int64_t, int64_t> limited_size(int64_t width, int64_t height, int64_t max_size) {
  const int64_t longest = std::max(width, height);
  if (max_size <= 0 || longest <= max_size) return {width, height};
  const double factor = static_cast<double>(max_size) / static_cast<double>(longest);
  return {std::max<int64_t>(1, std::lround(factor * static_cast<double>(width))),
          std::max<int64_t>(1, std::lround(factor * static_cast<double>(height)))};
}

PosedViews read_posed_views(const fs::path& path, const PosedViewsOptions& options) {
  require(fs::exists(path), "{} does not exist", path.string());
  const auto inside = fs::is_directory(path) ? transforms_of(path) : std::nullopt;
  if (inside || path.extension() == ".json") {
    PosedViews views = read_transforms(fs::weakly_canonical(inside.value_or(path)), options);
    for (const std::string& warning : views.warnings) spdlog::warn("{}", warning);
    return views;
  }
  if (!fs::is_directory(path)) {
    require(path.extension() == ".tar", "{}: neither a transforms.json nor a .tar shard of views", path.string());
    return read_shard_sample(path, options);
  }
  bool shards = false;
  for (const auto& entry : fs::directory_iterator(path)) shards |= entry.path().extension() == ".tar";
  require(shards, "{}: holds neither a transforms.json nor .tar shards of views", path.string());
  return read_shard_sample(path, options);
}

}  // namespace gsv3d
