#include "training/training_set.h"

#include <algorithm>
#include <map>

#include "core/cancel.h"
#include "core/error.h"
#include "dataset/shards.h"
#include "training/seeds.h"

namespace gsv3d {
namespace {

/// Depth as float16 (0.5 mm at distance 2): it is the largest part of the data in memory.
void shrink(ObjectViews& views, bool with_depth) {
  views.depth = with_depth ? views.depth.to(at::kHalf) : Tensor();
}

void check_alike(const ObjectViews& views, const ObjectViews& first) {
  require(views.rgba.dim() == 4 && views.rgba.size(1) == 4 && views.rgba.scalar_type() == at::kByte,
          "{}: views are not 8-bit RGBA", views.id);
  require(views.rgba.size(2) == views.rgba.size(3), "{}: views are not square", views.id);
  require(views.orbit_views > 0 && views.orbit_views <= views.rgba.size(0), "{}: {} orbit views among {} views", views.id,
          views.orbit_views, views.rgba.size(0));
  require(views.rgba.size(3) == first.rgba.size(3) && views.orbit_views == first.orbit_views,
          "{}: {} orbit views of {} pixels, but {} has {} of {}; training needs one size", views.id, views.orbit_views,
          views.rgba.size(3), first.id, first.orbit_views, first.rgba.size(3));
}

}  // namespace

TrainingSet make_training_set(std::vector<ObjectViews> orbits, bool with_depth) {
  require(!orbits.empty(), "the training data holds no object");
  TrainingSet set;
  set.orbits = std::move(orbits);
  std::map<std::string, std::map<std::string, std::vector<int64_t>>> groups;
  uint64_t hash = fingerprint(std::string_view("views"));
  for (size_t i = 0; i < set.orbits.size(); ++i) {
    ObjectViews& views = set.orbits[i];
    check_alike(views, set.orbits[0]);
    if (!with_depth || views.depth.scalar_type() != at::kHalf) shrink(views, with_depth);
    hash = fingerprint(views.rgba, fingerprint(fmt::format("{} {} {}", views.id, views.group, views.elevation_degrees), hash));
    groups[views.group.empty() ? views.id : views.group][views.id].push_back(static_cast<int64_t>(i));
  }
  for (const auto& [group, objects] : groups) {
    std::vector<std::vector<int64_t>> members;
    for (const auto& [id, indices] : objects) members.push_back(indices);
    set.groups.push_back(std::move(members));
  }
  set.fingerprint = hash;
  return set;
}

TrainingSet load_training_set(const std::filesystem::path& path, bool with_depth) {
  std::vector<ObjectViews> orbits;
  read_shards(find_shards(path), [&](ObjectViews views) {
    throw_if_cancelled();
    shrink(views, with_depth);
    orbits.push_back(std::move(views));
  });
  require(!orbits.empty(), "{}: holds no object", path.string());
  return make_training_set(std::move(orbits), with_depth);
}

int64_t TrainingSet::draw(double group, double object, double orbit) const {
  const auto& objects = groups[static_cast<size_t>(pick(group, static_cast<int64_t>(groups.size())))];
  const auto& choices = objects[static_cast<size_t>(pick(object, static_cast<int64_t>(objects.size())))];
  return choices[static_cast<size_t>(pick(orbit, static_cast<int64_t>(choices.size())))];
}

std::vector<double> uniform_numbers(int64_t count, const at::Generator& generator) {
  const Tensor numbers = at::rand({count}, generator, at::TensorOptions().dtype(at::kDouble));
  return {numbers.const_data_ptr<double>(), numbers.const_data_ptr<double>() + count};
}

int64_t pick(double number, int64_t count) {
  return std::clamp<int64_t>(static_cast<int64_t>(number * static_cast<double>(count)), 0, count - 1);
}

Tensor view_images(const ObjectViews& views, const std::vector<int64_t>& indices, bool mirrored) {
  const Tensor picked = views.rgba.index_select(0, at::tensor(indices, at::kLong));
  return (mirrored ? picked.flip(-1) : picked).to(at::kFloat).div_(255);
}

}  // namespace gsv3d
