#include "core/safetensors.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>

#include "core/atomic_file.h"
#include "core/config.h"
#include "core/error.h"

namespace gsv3d {
namespace {

constexpr uint64_t max_header_bytes = 100'000'000;  // the reference implementation's own limit

const std::map<std::string, at::ScalarType>& known_types() {
  static const std::map<std::string, at::ScalarType> types = {
      {"F64", at::kDouble}, {"F32", at::kFloat}, {"F16", at::kHalf}, {"BF16", at::kBFloat16}, {"I64", at::kLong},
      {"I32", at::kInt},    {"I16", at::kShort}, {"I8", at::kChar},  {"U8", at::kByte},       {"BOOL", at::kBool}};
  return types;
}

const std::string& type_name(at::ScalarType dtype) {
  for (const auto& [name, type] : known_types())
    if (type == dtype) return name;
  fail("safetensors: type {} cannot be stored", c10::toString(dtype));
}

/// What a file that is not safetensors seems to be, for a helpful message.
std::string guess_format(const uint8_t* data, size_t size) {
  const std::string_view begin(reinterpret_cast<const char*>(data), std::min<size_t>(size, 64));
  if (begin.starts_with("PK\x03\x04"))
    return "it is a zip archive, perhaps a PyTorch .pt/.pth/.ckpt file, which may run code when read: pass the model's "
           ".safetensors release, or convert it first";
  if (begin.starts_with("\x80\x02") || begin.starts_with("\x80\x04"))
    return "it is a Python pickle (.pth/.ckpt), which may run code when read: pass the model's .safetensors release, or convert "
           "it first";
  if (begin.starts_with("version https://git-lfs")) return "it is a Git LFS pointer, not the file itself: run git lfs pull";
  if (begin.starts_with("GGUF")) return "it is a GGUF file: pass the safetensors original";
  if (begin.starts_with("<")) return "it is a web page, perhaps a failed download";
  if (begin.size() > 8 && begin[8] == '{') return "its header is cut off: the file is truncated, download it again";
  return "the file is damaged or of another kind";
}

size_t element_bytes(at::ScalarType dtype) {
  return c10::elementSize(dtype);
}

/// One header entry, with every number checked against the data section's size.
SafetensorsFile::Entry parse_entry(const std::string& where, const nlohmann::json& json, size_t data_bytes) {
  require(
      json.is_object() && json.contains("dtype") && json.contains("shape") && json.contains("data_offsets") && json.size() == 3,
      "{}: not a tensor entry", where);
  require(json["dtype"].is_string() && json["shape"].is_array() && json["data_offsets"].is_array() &&
              json["data_offsets"].size() == 2,
          "{}: malformed entry", where);
  const auto type = known_types().find(json["dtype"].get<std::string>());
  require(type != known_types().end(), "{}: unsupported type {}", where, config_detail::excerpt(Json(json["dtype"])));
  SafetensorsFile::Entry entry{type->second, {}, 0, 0};
  size_t bytes = element_bytes(entry.dtype);
  for (const auto& extent : json["shape"]) {
    require(extent.is_number_unsigned() && extent.get<uint64_t>() <= uint64_t{1} << 48, "{}: bad shape {}", where,
            config_detail::excerpt(Json(json["shape"])));
    entry.shape.push_back(extent.get<int64_t>());
    require(!__builtin_mul_overflow(bytes, extent.get<size_t>(), &bytes), "{}: shape {} is too large", where,
            config_detail::excerpt(Json(json["shape"])));
  }
  for (const auto& offset : json["data_offsets"]) require(offset.is_number_unsigned(), "{}: bad data_offsets", where);
  entry.begin = json["data_offsets"][0].get<size_t>();
  entry.end = json["data_offsets"][1].get<size_t>();
  require(entry.begin <= entry.end && entry.end <= data_bytes,
          "{}: its data lies outside the file (the file is truncated: download it again)", where);
  require(entry.end - entry.begin == bytes, "{}: {} bytes do not fit its shape {}", where, entry.end - entry.begin,
          config_detail::excerpt(Json(json["shape"])));
  return entry;
}

}  // namespace

struct SafetensorsFile::Mapping {
  void* data = MAP_FAILED;
  size_t size = 0;
  explicit Mapping(const std::filesystem::path& path) {
    // Not blocking: a named pipe without a writer would never open.
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    require(descriptor >= 0, "cannot read {}: {}", path.string(), std::strerror(errno));
    struct stat status {};
    const bool regular = ::fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
    size = regular ? static_cast<size_t>(status.st_size) : 0;
    if (size >= 8) data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
    ::close(descriptor);
    require(regular, "cannot read {}: not a regular file", path.string());
    require(size >= 8, "{}: not a safetensors file: only {} bytes", path.string(), size);
    require(data != MAP_FAILED, "cannot map {}: {}", path.string(), std::strerror(errno));
  }
  ~Mapping() {
    if (data != MAP_FAILED) ::munmap(data, size);
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  const uint8_t* bytes() const { return static_cast<const uint8_t*>(data); }
};

SafetensorsFile::SafetensorsFile(const std::filesystem::path& path) : path_(path), mapping_(std::make_shared<Mapping>(path)) {
  uint64_t header_bytes = 0;
  std::memcpy(&header_bytes, mapping_->bytes(), 8);
  require(
      header_bytes >= 2 && header_bytes <= max_header_bytes && header_bytes <= mapping_->size - 8 && mapping_->bytes()[8] == '{',
      "{}: not a safetensors file: {}", path.string(), guess_format(mapping_->bytes(), mapping_->size));
  data_offset_ = 8 + header_bytes;
  const char* begin = reinterpret_cast<const char*>(mapping_->bytes()) + 8;
  // Limited depth: a header of 100 MB of brackets would exhaust the stack. Sorted and not Json: that one searches its keys one by
  // one, and a header may hold a million.
  const auto header = [&] {
    try {
      return nlohmann::json::parse(begin, begin + header_bytes, [](int depth, auto, auto&) -> bool {
        require(depth <= 8, "nested too deeply");
        return true;
      });
    } catch (const std::exception& error) {
      fail("{}: not a safetensors file: bad header: {}", path.string(), error.what());
    }
  }();
  const size_t data_bytes = mapping_->size - data_offset_;
  std::vector<std::pair<size_t, size_t>> ranges;
  for (const auto& [name, json] : header.items()) {
    if (name == "__metadata__") {
      config_detail::read(Json(json), metadata_, path.string() + ": __metadata__");
      continue;
    }
    const Entry entry = parse_entry(fmt::format("{}: tensor \"{}\"", path.string(), name), json, data_bytes);
    if (entry.end > entry.begin) ranges.emplace_back(entry.begin, entry.end);
    entries_.emplace(name, entry);
  }
  std::sort(ranges.begin(), ranges.end());
  for (size_t i = 1; i < ranges.size(); ++i)
    require(ranges[i - 1].second <= ranges[i].first, "{}: tensors overlap", path.string());
}

Tensor SafetensorsFile::tensor(const std::string& name) const {
  const auto found = entries_.find(name);
  require(found != entries_.end(), "{}: no tensor \"{}\"", path_.string(), name);
  const Entry& entry = found->second;
  const auto options = at::TensorOptions().dtype(entry.dtype);
  if (entry.begin == entry.end) return at::empty(entry.shape, options);
  auto* data = const_cast<uint8_t*>(mapping_->bytes()) + data_offset_ + entry.begin;
  // Names may have any length, so data need not be aligned for its type: such a tensor is copied.
  if (reinterpret_cast<uintptr_t>(data) % element_bytes(entry.dtype) != 0) {
    Tensor copy = at::empty(entry.shape, options);
    std::memcpy(copy.data_ptr(), data, entry.end - entry.begin);
    return copy;
  }
  return at::from_blob(
      data, entry.shape, [mapping = mapping_](void*) {}, options);
}

NamedTensors read_safetensors(const std::filesystem::path& path) {
  const SafetensorsFile file(path);
  NamedTensors tensors;
  for (const auto& [name, entry] : file.entries()) tensors.emplace(name, file.tensor(name));
  return tensors;
}

void SafetensorsFile::release(const std::string& name) const {
  const auto found = entries_.find(name);
  if (found == entries_.end()) return;
  const auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto start = reinterpret_cast<uintptr_t>(mapping_->bytes()) + data_offset_;
  const uintptr_t begin = (start + found->second.begin) / page * page, end = (start + found->second.end + page - 1) / page * page;
  // The mapping is read-only, so its pages hold nothing but the file: pages shared with a neighbour may go too.
  if (end > begin) ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
}

size_t SafetensorsWriter::Item::bytes() const {
  size_t count = element_bytes(dtype);
  for (const int64_t extent : shape) count *= static_cast<size_t>(extent);
  return count;
}

struct SafetensorsWriter::Implementation {
  std::vector<Item> items;
  size_t next = 0;
  AtomicFile file;
  std::filesystem::path path;
};

SafetensorsWriter::SafetensorsWriter(const std::filesystem::path& path, std::vector<Item> items,
                                     const std::map<std::string, std::string>& metadata)
    : implementation_(new Implementation{std::move(items), 0, AtomicFile(path), path}) {
  Json header = Json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  size_t offset = 0;
  for (const Item& item : implementation_->items) {
    const size_t bytes = item.bytes();
    header[item.name] = {{"dtype", type_name(item.dtype)}, {"shape", item.shape}, {"data_offsets", {offset, offset + bytes}}};
    offset += bytes;
  }
  constexpr size_t alignment = 64;
  std::string text = header.dump();
  text.append((alignment - (8 + text.size()) % alignment) % alignment, ' ');
  const uint64_t header_bytes = text.size();
  implementation_->file.write(&header_bytes, 8);
  implementation_->file.write(text);
}

SafetensorsWriter::~SafetensorsWriter() = default;

void SafetensorsWriter::add(const Tensor& tensor) {
  Implementation& self = *implementation_;
  require(self.next < self.items.size(), "{}: more tensors than its header names", self.path.string());
  const Item& item = self.items[self.next++];
  require(tensor.sizes() == item.shape && tensor.scalar_type() == item.dtype, "{}: tensor \"{}\" is not what its header says",
          self.path.string(), item.name);
  const Tensor plain = tensor.detach().to(at::kCPU).contiguous();
  self.file.write(plain.const_data_ptr(), plain.numel() * plain.element_size());
}

void SafetensorsWriter::commit() {
  require(implementation_->next == implementation_->items.size(), "{}: tensors are missing", implementation_->path.string());
  implementation_->file.commit();
}

void write_safetensors(const std::filesystem::path& path, const NamedTensors& tensors,
                       const std::map<std::string, std::string>& metadata) {
  std::vector<SafetensorsWriter::Item> items;
  for (const auto& [name, tensor] : tensors) items.push_back({name, tensor.scalar_type(), tensor.sizes().vec()});
  SafetensorsWriter writer(path, std::move(items), metadata);
  for (const auto& [name, tensor] : tensors) writer.add(tensor);
  writer.commit();
}

}  // namespace gsv3d
