#include "dataset/shards.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>

#include "core/config.h"
#include "core/error.h"
#include "core/fingerprint.h"
#include "dataset/tar.h"
#include "objects/compression.h"

namespace gsv3d {
namespace {

constexpr int64_t kMaxViews = 4096, kMaxSize = 4096, kMaxPixelsPerSample = int64_t{1} << 28;
constexpr uint64_t kMaxMember = uint64_t{2} << 30;
constexpr double kDepthSteps = 65534;
constexpr int kShardZstdLevel = 9;

/// KEY.json.
struct SampleHeader {
  std::string id, group;
  int64_t views = 0, width = 0, height = 0, orbit_views = 0;
  double elevation_degrees = 0, depth_near = 0, depth_far = 0;
  std::vector<float> world_to_camera, intrinsics;
  template <class Visitor>
  void fields(Visitor& visit) {
    visit("id", id);
    visit("group", group);
    visit("views", views);
    visit("width", width);
    visit("height", height);
    visit("orbit_views", orbit_views);
    visit("elevation_degrees", elevation_degrees);
    visit("depth_near", depth_near);
    visit("depth_far", depth_far);
    visit("world_to_camera", world_to_camera);
    visit("intrinsics", intrinsics);
  }
};

std::vector<float> numbers(const Tensor& tensor) {
  const Tensor flat = tensor.to(at::kCPU, at::kFloat).contiguous();
  const float* first = flat.const_data_ptr<float>();
  return {first, first + flat.numel()};
}

Tensor tensor_of(std::vector<float>& values, at::IntArrayRef shape) {
  return at::from_blob(values.data(), shape, at::kFloat).clone();
}

std::string_view bytes_of(const Tensor& tensor) {
  return {static_cast<const char*>(tensor.const_data_ptr()), static_cast<size_t>(tensor.nbytes())};
}

std::string encode_depth(const Tensor& depth, SampleHeader& header) {
  const Tensor values = depth.to(at::kCPU, at::kFloat).contiguous();
  const float* first = values.const_data_ptr<float>();
  const auto count = static_cast<size_t>(values.numel());
  float near = INFINITY, far = 0;
  for (size_t i = 0; i < count; ++i) {
    require(std::isfinite(first[i]) && first[i] >= 0, "{}: a depth is negative or not finite", header.id);
    if (first[i] > 0) near = std::min(near, first[i]);
    far = std::max(far, first[i]);
  }
  header.depth_near = far > 0 ? near : 0;
  header.depth_far = far;
  const double range = header.depth_far - header.depth_near;
  std::vector<uint16_t> steps(count);
  for (size_t i = 0; i < count; ++i)
    steps[i] =
        first[i] > 0
            ? static_cast<uint16_t>(1 + (range > 0 ? std::lround((first[i] - header.depth_near) / range * kDepthSteps) : 0))
            : 0;
  return compress({reinterpret_cast<const char*>(steps.data()), 2 * count}, kShardZstdLevel);
}

Tensor decode_depth(const std::string& bytes, const SampleHeader& header) {
  Tensor depth = at::empty({header.views, header.height, header.width}, at::kFloat);
  float* out = depth.mutable_data_ptr<float>();
  const double scale = (header.depth_far - header.depth_near) / kDepthSteps;
  for (int64_t i = 0; i < depth.numel(); ++i) {
    uint16_t step;
    std::memcpy(&step, bytes.data() + 2 * i, 2);
    out[i] = step == 0 ? 0.0F : static_cast<float>(header.depth_near + (step - 1) * scale);
  }
  return depth;
}

void check_header(const SampleHeader& header, const std::string& where) {
  const auto within = [](int64_t value, int64_t limit) { return value >= 1 && value <= limit; };
  require(within(header.views, kMaxViews) && within(header.width, kMaxSize) && within(header.height, kMaxSize) &&
              header.views * header.width * header.height <= kMaxPixelsPerSample,
          "{}: {} views of {} x {} pixels are out of range", where, header.views, header.width, header.height);
  require(header.orbit_views >= 0 && header.orbit_views <= header.views, "{}: {} orbit views of {}", where, header.orbit_views,
          header.views);
  require(static_cast<int64_t>(header.world_to_camera.size()) == header.views * 16 &&
              static_cast<int64_t>(header.intrinsics.size()) == header.views * 9,
          "{}: the cameras do not match {} views", where, header.views);
  for (const auto* values : {&header.world_to_camera, &header.intrinsics})
    for (float value : *values) require(std::isfinite(value), "{}: a camera has a number that is not finite", where);
  require(header.depth_near >= 0 && header.depth_far >= header.depth_near && header.depth_far < 1e6,
          "{}: a depth range of {} to {}", where, header.depth_near, header.depth_far);
}

/// The members of one sample, gathered while the archive is read.
struct RawSample {
  std::string key;
  std::map<std::string, std::string> members;
  std::string sizes;  ///< names and bytes of all members
};

/// What is made of a sample beside its header.
struct Wanted {
  bool pictures = true, depth = true;
};

ObjectViews decode_sample(const RawSample& raw, const std::string& shard, const Wanted& wanted = {}) {
  const std::string where = shard + ": " + raw.key;
  for (const char* kind : {"json", "rgba.bin", "depth.bin"}) require(raw.members.count(kind), "{}: has no .{}", where, kind);
  auto header = config_from_json<SampleHeader>(parse_json(raw.members.at("json"), where), where);
  check_header(header, where);
  ObjectViews views;
  views.id = header.id;
  views.group = header.group;
  views.orbit_views = header.orbit_views;
  views.elevation_degrees = header.elevation_degrees;
  views.cameras = {tensor_of(header.world_to_camera, {header.views, 4, 4}), tensor_of(header.intrinsics, {header.views, 3, 3}),
                   header.width, header.height};
  const auto pixels = static_cast<size_t>(header.views * header.width * header.height);
  if (wanted.pictures) {
    std::string rgba = decompress(raw.members.at("rgba.bin"), 4 * pixels, where + ".rgba.bin");
    views.rgba = at::from_blob(rgba.data(), {header.views, 4, header.height, header.width}, at::kByte).clone();
  }
  if (wanted.depth) views.depth = decode_depth(decompress(raw.members.at("depth.bin"), 2 * pixels, where + ".depth.bin"), header);
  return views;
}

/// Gathers members of one key, which stand next to each other; content of those that are not `wanted` is passed over.
/// on_sample(sample, offset, bytes) with its place in the file.
template <class OnSample>
void for_each_sample(TarReader& reader, const std::function<bool(const std::string&)>& wanted, const OnSample& on_sample) {
  RawSample sample;
  TarReader::Member member;
  uint64_t begin = reader.position(), end = begin;
  while (reader.next(member, kMaxMember, wanted)) {
    const size_t slash = member.name.rfind('/');
    const size_t dot = member.name.find('.', slash == std::string::npos ? 0 : slash + 1);
    const std::string key = member.name.substr(0, dot);
    if (key != sample.key) {
      if (!sample.members.empty()) on_sample(sample, begin, end - begin);
      sample = {key, {}, {}};
      begin = end;
    }
    sample.sizes += fmt::format("{} {}\n", member.name, member.bytes);
    if (dot != std::string::npos) sample.members[member.name.substr(dot + 1)] = std::move(member.content);
    end = reader.position();
  }
  if (!sample.members.empty()) on_sample(sample, begin, end - begin);
}

std::string sample_key(int64_t number, const std::string& id) {
  std::string key = fmt::format("{:06}-{}", number, id);
  for (char& c : key)
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '-' && c != '_') c = '_';
  return key.substr(0, 80);  // a tar name has room for 100 bytes
}

void check_views(const ObjectViews& views) {
  const int64_t count = views.cameras.count(), height = views.cameras.height, width = views.cameras.width;
  require(views.rgba.scalar_type() == at::kByte && views.rgba.sizes() == at::IntArrayRef({count, 4, height, width}) &&
              views.depth.sizes() == at::IntArrayRef({count, height, width}),
          "{}: pictures, depths and cameras disagree", views.id);
}

}  // namespace

struct ShardWriter::Implementation {
  std::filesystem::path folder;
  std::string name;
  int64_t samples_per_shard = 0, samples = 0, in_shard = 0;
  std::unique_ptr<AtomicFile> shard;

  void close_shard() {
    if (!shard) return;
    append_tar_end(*shard);
    shard->commit();
    shard.reset();
  }
};

ShardWriter::ShardWriter(std::filesystem::path folder, std::string name, int64_t samples_per_shard)
    : implementation_(std::make_unique<Implementation>()) {
  require(samples_per_shard >= 1, "a shard needs at least one sample");
  implementation_->folder = std::move(folder);
  implementation_->name = std::move(name);
  implementation_->samples_per_shard = samples_per_shard;
}

ShardWriter::~ShardWriter() = default;

EncodedSample encode_sample(const ObjectViews& views) {
  check_views(views);
  SampleHeader header{views.id,
                      views.group,
                      views.cameras.count(),
                      views.cameras.width,
                      views.cameras.height,
                      views.orbit_views,
                      views.elevation_degrees,
                      0,
                      0,
                      numbers(views.cameras.world_to_camera),
                      numbers(views.cameras.intrinsics)};
  EncodedSample sample{views.id, {}, compress(bytes_of(views.rgba.cpu().contiguous()), kShardZstdLevel), {}};
  sample.depth = encode_depth(views.depth, header);
  check_header(header, views.id);
  sample.header = json_text(config_to_json(header));
  return sample;
}

void ShardWriter::add(const EncodedSample& sample) {
  Implementation& to = *implementation_;
  if (!to.shard) {
    to.shard = std::make_unique<AtomicFile>(to.folder / fmt::format("{}-{:06}.tar", to.name, to.samples / to.samples_per_shard));
    to.in_shard = 0;
  }
  const std::string key = sample_key(to.samples, sample.id);
  append_tar_member(*to.shard, key + ".json", sample.header);
  append_tar_member(*to.shard, key + ".rgba.bin", sample.rgba);
  append_tar_member(*to.shard, key + ".depth.bin", sample.depth);
  ++to.samples;
  if (++to.in_shard == to.samples_per_shard) to.close_shard();
}

void ShardWriter::finish() {
  implementation_->close_shard();
}

std::vector<std::filesystem::path> find_shards(const std::filesystem::path& path) {
  std::vector<std::filesystem::path> shards;
  if (std::filesystem::is_regular_file(path)) {
    shards.push_back(path);
  } else if (std::filesystem::is_directory(path)) {
    for (const auto& entry : std::filesystem::directory_iterator(path))
      if (entry.is_regular_file() && entry.path().extension() == ".tar") shards.push_back(entry.path());
    std::sort(shards.begin(), shards.end());
  }
  require(!shards.empty(), "{}: no shards (.tar files) there; make some with: gsv3d data render", path.string());
  return shards;
}

void read_shards(const std::vector<std::filesystem::path>& shards, const std::function<void(ObjectViews)>& on_sample) {
  for (const auto& shard : shards) {
    TarReader reader(shard);
    for_each_sample(reader, {},
                    [&](const RawSample& sample, uint64_t, uint64_t) { on_sample(decode_sample(sample, shard.string())); });
  }
}

void list_shards(const std::vector<std::filesystem::path>& shards,
                 const std::function<void(ObjectViews, const SamplePlace&)>& on_sample) {
  for (const auto& shard : shards) {
    TarReader reader(shard);
    const auto is_header = [](const std::string& name) { return name.ends_with(".json"); };
    for_each_sample(reader, is_header, [&](const RawSample& sample, uint64_t offset, uint64_t bytes) {
      ObjectViews views = decode_sample(sample, shard.string(), {.pictures = false, .depth = false});
      const uint64_t print = fingerprint(sample.sizes, fingerprint(sample.members.at("json")));
      on_sample(std::move(views), {shard, offset, bytes, print});
    });
  }
}

ObjectViews read_sample(const SamplePlace& place, bool with_depth) {
  TarReader reader(place.shard, place.offset, place.bytes);
  std::optional<ObjectViews> views;
  const auto wanted = [&](const std::string& name) { return with_depth || !name.ends_with(".depth.bin"); };
  for_each_sample(reader, wanted, [&](const RawSample& sample, uint64_t, uint64_t) {
    views = decode_sample(sample, place.shard.string(), {.pictures = true, .depth = with_depth});
  });
  require(views.has_value(), "{}: holds no sample at byte {}; was it rewritten?", place.shard.string(), place.offset);
  return std::move(*views);
}

std::vector<ObjectViews> read_all_views(const std::filesystem::path& path) {
  std::vector<ObjectViews> all;
  read_shards(find_shards(path), [&](ObjectViews views) { all.push_back(std::move(views)); });
  return all;
}

}  // namespace gsv3d
