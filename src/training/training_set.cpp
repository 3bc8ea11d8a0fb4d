#include "training/training_set.h"

#include <c10/core/CachingDeviceAllocator.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "core/cancel.h"
#include "core/device.h"
#include "core/error.h"
#include "core/fingerprint.h"
#include "core/log.h"
#include "core/progress.h"
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

std::vector<double> weights_of(const std::vector<DataFolder>& folders) {
  std::vector<double> weights;
  for (const DataFolder& folder : folders) weights.push_back(folder.weight);
  return weights;
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
  const int64_t count = views.cameras.count(), width = views.cameras.width, height = views.cameras.height;
  require(width == height, "{}: views are not square", views.id);
  require(views.orbit_views > 0 && views.orbit_views <= count, "{}: {} orbit views among {} views", views.id, views.orbit_views,
          count);
  if (!store_) {
    const Tensor& rgba = views.rgba;
    require(rgba.dim() == 4 && rgba.size(1) == 4 && rgba.scalar_type() == at::kByte, "{}: views are not 8-bit RGBA", views.id);
    require(rgba.size(0) == count && rgba.size(2) == height && rgba.size(3) == width, "{}: {} cameras for {} views", views.id,
            count, rgba.size(0));
    require(!with_depth_ || (views.depth.defined() && views.depth.size(0) == count), "{}: has no depth", views.id);
  }
  require(orbits_.empty() || (width == image_size_ && views.orbit_views == orbit_views_),
          "{}: {} orbit views of {} pixels, but {} has {} of {}; training needs one size", views.id, views.orbit_views, width,
          orbits_.empty() ? "" : orbits_[0].id, orbit_views_, image_size_);
}

/// Everything of an orbit but its pictures.
void TrainingSet::enter(const ObjectViews& views, size_t folder) {
  const int64_t count = views.cameras.count(), index = size();
  folders_[folder].members[views.group.empty() ? views.id : views.group][views.id].push_back(index);
  orbits_.push_back({views.id, views.group, views_, count, views.elevation_degrees});
  orbit_views_ = views.orbit_views;
  image_size_ = views.cameras.width;
  least_views_ = index == 0 ? count : std::min(least_views_, count);
  views_ += count;
}

void TrainingSet::gather_groups(size_t folder) {
  folders_[folder].groups.clear();
  for (const auto& [group, objects] : folders_[folder].members) {
    auto& members = folders_[folder].groups.emplace_back();
    for (const auto& [id, indices] : objects) members.push_back(indices);
  }
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
    const int64_t count = views.rgba.size(0);
    rgba_.narrow(0, views_, count).copy_(views.rgba);
    if (with_depth_) depth_.narrow(0, views_, count).copy_(views.depth);
    cameras.push_back(views.cameras);
    if (!grows_)
      fingerprint = gsv3d::fingerprint(
          views.rgba, gsv3d::fingerprint(fmt::format("{} {} {}", views.id, views.group, views.elevation_degrees), fingerprint));
    enter(views, folder);
    views = {};  // its memory is needed no more
  }
  cameras_ = concatenate(cameras);
  gather_groups(folder);
}

void TrainingSet::stay_in_shards(int64_t bytes) {
  require(orbits_.empty() && !grows_, "training data that stays in its shards is known from the beginning");
  store_ = std::make_shared<OrbitStore>(bytes, with_depth_);
}

void TrainingSet::append_place(const ObjectViews& views, const SamplePlace& place, size_t folder) {
  require(store_ != nullptr && folder < folders_.size(), "training data: folder {} of {}", folder, folders_.size());
  check_alike(views);
  fingerprint = gsv3d::fingerprint(&place.fingerprint, sizeof place.fingerprint, fingerprint);  // pictures are not read
  enter(views, folder);
  store_->add(place, views.cameras.count() * bytes_per_view());
  more_cameras_.push_back(views.cameras);
}

void TrainingSet::finish_places() {
  cameras_ = concatenate(more_cameras_);
  more_cameras_.clear();
  for (size_t i = 0; i < folders_.size(); ++i) gather_groups(i);
}

/// Planes of S × S of what is `per_view` of them for each view, on the CPU.
Tensor TrainingSet::from_shards(const std::vector<int64_t>& planes, int64_t per_view, Tensor OrbitStore::Pictures::*which) const {
  Tensor out, pictures;
  int64_t current = -1;  // whose pictures they are: planes of one orbit stand together
  uint8_t* to = nullptr;
  size_t plane_bytes = 0;
  for (const int64_t plane : planes) {
    const int64_t view = plane / per_view;
    const auto after = std::upper_bound(orbits_.begin(), orbits_.end(), view,
                                        [](int64_t value, const Orbit& orbit) { return value < orbit.first; });
    const int64_t index = after - orbits_.begin() - 1;
    if (index != current) {
      current = index;
      pictures = ((*store_->get(index)).*which).contiguous();
      require(pictures.size(0) == orbit(index).count && pictures.size(-1) == image_size_, "{}: its shard has changed",
              orbit(index).id);
    }
    if (!out.defined()) {
      out = at::empty({std::ssize(planes), image_size_, image_size_}, pictures.scalar_type());
      to = static_cast<uint8_t*>(out.mutable_data_ptr());
      plane_bytes = static_cast<size_t>(image_size_ * image_size_) * pictures.element_size();
    }
    const auto* from = static_cast<const uint8_t*>(pictures.const_data_ptr());
    std::memcpy(to, from + static_cast<size_t>(plane - orbit(index).first * per_view) * plane_bytes, plane_bytes);
    to += plane_bytes;
  }
  return out;
}

Tensor TrainingSet::planes(const std::vector<int64_t>& planes, at::Device device) const {
  if (store_) return to_device(from_shards(planes, 4, &OrbitStore::Pictures::rgba), device);
  const Tensor all = rgba().flatten(0, 1);
  return to_device(all.index_select(0, index_tensor(planes, all.device())), device);
}

Tensor TrainingSet::depths(const std::vector<int64_t>& views, at::Device device) const {
  if (store_) return to_device(from_shards(views, 1, &OrbitStore::Pictures::depth), device);
  const Tensor all = depth();
  return to_device(all.index_select(0, index_tensor(views, all.device())), device);
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

TrainingSet list_training_set(const std::vector<DataFolder>& folders, bool with_depth, int64_t most_bytes) {
  TrainingSet set(weights_of(folders), with_depth);
  set.stay_in_shards(most_bytes);
  std::vector<std::vector<std::filesystem::path>> shards;
  int64_t count = 0, done = 0;
  for (const DataFolder& folder : folders) count += std::ssize(shards.emplace_back(find_shards(folder.path)));
  Progress progress("list views", count);
  for (size_t i = 0; i < folders.size(); ++i) {
    const int64_t before = set.size();
    for (const auto& shard : shards[i]) {
      list_shards({shard}, [&](const ObjectViews& views, const SamplePlace& place) {
        throw_if_cancelled();
        set.append_place(views, place, i);
      });
      progress.update(++done);
    }
    require(set.size() > before, "{}: holds no object", folders[i].path.string());
  }
  set.finish_places();
  return set;
}

TrainingSet load_training_set(const std::vector<DataFolder>& folders, bool with_depth) {
  TrainingSet set(weights_of(folders), with_depth);
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
  std::vector<int64_t> planes;
  for (const int64_t view : views)
    for (int64_t channel = 0; channel < 4; ++channel) planes.push_back(4 * view + channel);
  const Tensor picked = set.planes(planes, device).unflatten(0, {-1, 4});
  const Tensor flipped = index_tensor({mirrored.begin(), mirrored.end()}, device).to(at::kBool).view({-1, 1, 1, 1});
  return at::where(flipped, picked.flip(-1), picked).to(at::kFloat).div_(255);
}

}  // namespace gsv3d
