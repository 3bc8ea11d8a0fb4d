#include "training/training_set.h"

#include <c10/core/CachingDeviceAllocator.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <charconv>

#include "core/cancel.h"
#include "core/device.h"
#include "core/error.h"
#include "core/fingerprint.h"
#include "core/log.h"
#include "dataset/shards.h"

namespace gsv3d {
namespace {

/// Whether so many bytes may be kept on the device for the whole training.
bool fits(int64_t bytes, at::Device device) {
  if (!device.is_cuda()) return true;
  try {
    const auto [free, total] = c10::getDeviceAllocator(device.type())->getMemoryInfo(device.index());
    return static_cast<size_t>(bytes) < std::min(free, total / 2);
  } catch (const c10::Error&) {
    return true;  // not known: the allocation will tell
  }
}

/// Uninitialised memory on the device, or, when there is no room, on the host where the device copies from fastest.
Tensor room_for(at::IntArrayRef sizes, at::ScalarType type, at::Device device) {
  const int64_t bytes = c10::multiply_integers(sizes) * static_cast<int64_t>(c10::elementSize(type));
  if (fits(bytes, device)) {
    try {
      return at::empty(sizes, at::TensorOptions().dtype(type).device(device));
    } catch (const c10::OutOfMemoryError&) {
    }
  }
  spdlog::info("training data: {:.1f} GB stay in the host's memory", static_cast<double>(bytes) / 1e9);
  return at::empty(sizes, at::TensorOptions().dtype(type).pinned_memory(true));
}

/// Room for `views` of what `like` holds, with its first `kept` views.
Tensor enlarged(const Tensor& like, int64_t views, int64_t kept, at::Device device) {
  std::vector<int64_t> sizes = like.sizes().vec();
  sizes[0] = views;
  Tensor larger = room_for(sizes, like.scalar_type(), device);
  larger.narrow(0, 0, kept).copy_(like.narrow(0, 0, kept));
  return larger;
}

}  // namespace

DataFolder parse_data_folder(const std::string& text) {
  DataFolder folder{text, 1};
  const size_t colon = text.rfind(':');
  if (colon == std::string::npos || std::filesystem::exists(text)) return folder;
  const char *first = text.data() + colon + 1, *last = text.data() + text.size();
  const auto result = std::from_chars(first, last, folder.weight);
  if (result.ec != std::errc() || result.ptr != last || !(folder.weight > 0 && folder.weight < 1e9))
    throw UsageError(fmt::format("data \"{}\": neither a path nor PATH:WEIGHT with a positive weight", text));
  folder.path = text.substr(0, colon);
  return folder;
}

TrainingSet::TrainingSet(std::vector<double> weights, bool with_depth)
    : fingerprint(gsv3d::fingerprint(std::string_view("views"))), with_depth_(with_depth) {
  for (const double weight : weights) folders_.push_back({weight, {}, {}});
}

void TrainingSet::check_alike(const ObjectViews& views) const {
  const Tensor& rgba = views.rgba;
  require(rgba.dim() == 4 && rgba.size(1) == 4 && rgba.scalar_type() == at::kByte, "{}: views are not 8-bit RGBA", views.id);
  require(rgba.size(2) == rgba.size(3), "{}: views are not square", views.id);
  require(views.orbit_views > 0 && views.orbit_views <= rgba.size(0), "{}: {} orbit views among {} views", views.id,
          views.orbit_views, rgba.size(0));
  require(views.cameras.count() == rgba.size(0), "{}: {} cameras for {} views", views.id, views.cameras.count(), rgba.size(0));
  require(!with_depth_ || (views.depth.defined() && views.depth.size(0) == rgba.size(0)), "{}: has no depth", views.id);
  require(orbits_.empty() || (rgba.size(3) == image_size() && views.orbit_views == orbit_views_),
          "{}: {} orbit views of {} pixels, but {} has {} of {}; training needs one size", views.id, views.orbit_views,
          rgba.size(3), orbits_.empty() ? "" : orbits_[0].id, orbit_views_, orbits_.empty() ? 0 : image_size());
}

void TrainingSet::reserve(int64_t views) {
  const int64_t room = rgba_.defined() ? rgba_.size(0) : 0;
  if (views <= room) return;
  // A set that is read at once gets what it needs; one that grows, half as much again each time.
  const int64_t wanted = room == 0 || !grows_ ? views : std::max(views, room + room / 2);
  rgba_ = enlarged(rgba_, wanted, views_, device_);
  if (with_depth_) depth_ = enlarged(depth_, wanted, views_, device_);
}

void TrainingSet::append(std::vector<ObjectViews> orbits, size_t folder) {
  require(folder < folders_.size(), "training data: folder {} of {}", folder, folders_.size());
  int64_t more = 0;
  std::vector<Cameras> cameras;
  if (!orbits_.empty()) cameras.push_back(cameras_);
  for (const ObjectViews& views : orbits) {
    if (!rgba_.defined()) {
      check_alike(views);
      rgba_ = at::empty({0, 4, views.rgba.size(2), views.rgba.size(3)}, at::kByte);
      if (with_depth_) depth_ = at::empty({0, views.rgba.size(2), views.rgba.size(3)}, at::kHalf);
    }
    more += views.rgba.size(0);
  }
  if (more == 0) return;
  reserve(views_ + more);
  for (ObjectViews& views : orbits) {
    check_alike(views);
    const int64_t count = views.rgba.size(0), index = size();
    rgba_.narrow(0, views_, count).copy_(views.rgba);
    if (with_depth_) depth_.narrow(0, views_, count).copy_(views.depth);
    cameras.push_back(views.cameras);
    if (!grows_)
      fingerprint = gsv3d::fingerprint(
          views.rgba, gsv3d::fingerprint(fmt::format("{} {} {}", views.id, views.group, views.elevation_degrees), fingerprint));
    folders_[folder].members[views.group.empty() ? views.id : views.group][views.id].push_back(index);
    orbits_.push_back({views.id, views.group, views_, count, views.elevation_degrees});
    orbit_views_ = views.orbit_views;
    least_views_ = index == 0 ? count : std::min(least_views_, count);
    views_ += count;
    views = {};  // its memory is needed no more
  }
  cameras_ = concatenate(cameras);
  folders_[folder].groups.clear();
  for (const auto& [group, objects] : folders_[folder].members) {
    auto& members = folders_[folder].groups.emplace_back();
    for (const auto& [id, indices] : objects) members.push_back(indices);
  }
}

void TrainingSet::to(at::Device device) {
  if (device == device_) return;
  device_ = device;
  if (!rgba_.defined()) return;
  rgba_ = enlarged(rgba_, rgba_.size(0), views_, device_);
  if (with_depth_) depth_ = enlarged(depth_, depth_.size(0), views_, device_);
}

void TrainingSet::set_grows() {
  grows_ = true;
  fingerprint = gsv3d::fingerprint(std::string_view("growing views"));
}

int64_t TrainingSet::group_count() const {
  int64_t count = 0;
  for (const Folder& folder : folders_) count += static_cast<int64_t>(folder.groups.size());
  return count;
}

int64_t TrainingSet::draw(double group, double object, double orbit) const {
  double total = 0;
  const Folder* last = nullptr;
  for (const Folder& folder : folders_) {
    if (folder.groups.empty()) continue;
    total += folder.weight;
    last = &folder;
  }
  require(last, "the training data holds no object");
  // What is left of the number below a folder's share is uniform again and decides the group.
  double rest = group * total;
  const Folder* chosen = last;
  for (const Folder& folder : folders_) {
    if (folder.groups.empty()) continue;
    if (rest < folder.weight || &folder == last) {
      chosen = &folder;
      break;
    }
    rest -= folder.weight;
  }
  const auto& objects =
      chosen->groups[static_cast<size_t>(pick(rest / chosen->weight, static_cast<int64_t>(chosen->groups.size())))];
  const auto& choices = objects[static_cast<size_t>(pick(object, static_cast<int64_t>(objects.size())))];
  return choices[static_cast<size_t>(pick(orbit, static_cast<int64_t>(choices.size())))];
}

TrainingSet make_training_set(std::vector<ObjectViews> orbits, bool with_depth) {
  require(!orbits.empty(), "the training data holds no object");
  TrainingSet set({1}, with_depth);
  set.append(std::move(orbits));
  return set;
}

TrainingSet load_training_set(const std::vector<DataFolder>& folders, bool with_depth) {
  std::vector<double> weights;
  for (const DataFolder& folder : folders) weights.push_back(folder.weight);
  TrainingSet set(weights, with_depth);
  for (size_t i = 0; i < folders.size(); ++i) {
    std::vector<ObjectViews> orbits;
    read_shards(find_shards(folders[i].path), [&](ObjectViews views) {
      throw_if_cancelled();
      // float16: 0.5 mm at distance 2.
      views.depth = with_depth ? views.depth.to(at::kHalf) : Tensor();
      orbits.push_back(std::move(views));
    });
    require(!orbits.empty(), "{}: holds no object", folders[i].path.string());
    set.append(std::move(orbits), i);
  }
  return set;
}

std::vector<double> uniform_numbers(int64_t count, const at::Generator& generator) {
  const Tensor numbers = at::rand({count}, generator, at::TensorOptions().dtype(at::kDouble));
  return {numbers.const_data_ptr<double>(), numbers.const_data_ptr<double>() + count};
}

int64_t pick(double number, int64_t count) {
  return std::clamp<int64_t>(static_cast<int64_t>(number * static_cast<double>(count)), 0, count - 1);
}

Tensor index_tensor(const std::vector<int64_t>& indices, at::Device device) {
  return to_device(at::tensor(indices, at::kLong), device);
}

Tensor straight_views(const TrainingSet& set, const std::vector<int64_t>& views, const std::vector<bool>& mirrored,
                      at::Device device) {
  const Tensor rgba = set.rgba();
  const Tensor picked = to_device(rgba.index_select(0, index_tensor(views, rgba.device())), device);
  const Tensor flipped = index_tensor({mirrored.begin(), mirrored.end()}, device).to(at::kBool).view({-1, 1, 1, 1});
  return at::where(flipped, picked.flip(-1), picked).to(at::kFloat).div_(255);
}

}  // namespace gsv3d
