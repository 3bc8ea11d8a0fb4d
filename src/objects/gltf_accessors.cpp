#include "objects/gltf_accessors.h"

#include <algorithm>
#include <cstring>

#include "core/error.h"

namespace gsv3d {
namespace {

constexpr int64_t kMaxNumbers = 100'000'000;

enum ComponentType : int64_t { kByte = 5120, kUnsignedByte, kShort, kUnsignedShort, kUnsignedInt = 5125, kFloat };

size_t bytes_of_type(int64_t type, const std::string& where) {
  switch (type) {
    case kByte:
    case kUnsignedByte:
      return 1;
    case kShort:
    case kUnsignedShort:
      return 2;
    case kUnsignedInt:
    case kFloat:
      return 4;
    default:
      fail("{}: accessors of component type {} are unknown", where, type);
  }
}

template <class Stored>
Stored stored(const char* at) {
  Stored value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

template <class Out>
Out number_at(const char* at, int64_t type) {
  switch (type) {
    case kByte:
      return static_cast<Out>(stored<int8_t>(at));
    case kUnsignedByte:
      return static_cast<Out>(stored<uint8_t>(at));
    case kShort:
      return static_cast<Out>(stored<int16_t>(at));
    case kUnsignedShort:
      return static_cast<Out>(stored<uint16_t>(at));
    case kUnsignedInt:
      return static_cast<Out>(stored<uint32_t>(at));
    default:
      return static_cast<Out>(stored<float>(at));
  }
}

/// A run of equally spaced elements within a buffer view.
struct Elements {
  std::string_view bytes;
  size_t stride = 0;
};

Elements elements_of(GltfDocument& document, const Json& place, int64_t count, size_t element_size) {
  const int64_t index = whole_number(place, "bufferView", -1), offset = whole_number(place, "byteOffset", 0);
  const std::string_view view = document.view(index);
  const int64_t stride = whole_number(document.item("bufferViews", index), "byteStride", static_cast<int64_t>(element_size));
  const int64_t needed = count == 0 ? 0 : (count - 1) * stride + static_cast<int64_t>(element_size);
  require(stride >= 1 && stride <= 4096 && offset >= 0 && offset <= static_cast<int64_t>(view.size()) &&
              needed <= static_cast<int64_t>(view.size()) - offset,
          "{}: an accessor reaches out of its buffer view ({} elements from byte {} of {})", document.name(), count, offset,
          view.size());
  return {view.substr(static_cast<size_t>(offset)), static_cast<size_t>(stride)};
}

template <class Out>
void copy_element(const char* from, int64_t type, size_t type_size, size_t components, Out* to) {
  for (size_t k = 0; k < components; ++k) to[k] = number_at<Out>(from + k * type_size, type);
}

template <class Out>
std::vector<Out> read_accessor(GltfDocument& document, int64_t index) {
  const Json& accessor = document.item("accessors", index);
  const int64_t count = whole_number(accessor, "count", -1), type = whole_number(accessor, "componentType", -1);
  const auto components = static_cast<size_t>(accessor_components(document, index));
  const size_t type_size = bytes_of_type(type, document.name());
  require(count >= 0 && count <= kMaxNumbers / static_cast<int64_t>(components), "{}: an accessor of {} elements",
          document.name(), count);
  std::vector<Out> values(static_cast<size_t>(count) * components, Out{0});
  if (accessor.contains("bufferView")) {
    const Elements elements = elements_of(document, accessor, count, type_size * components);
    for (size_t i = 0; i < static_cast<size_t>(count); ++i)
      copy_element(elements.bytes.data() + i * elements.stride, type, type_size, components, &values[i * components]);
  }
  if (const auto found = accessor.find("sparse"); found != accessor.end()) {
    const int64_t changed = whole_number(*found, "count", -1);
    require(changed >= 0 && changed <= count, "{}: a sparse accessor changes {} of {} elements", document.name(), changed, count);
    const Json &where = member(*found, "indices"), &what = member(*found, "values");
    const int64_t index_type = whole_number(where, "componentType", -1);
    require(index_type == kUnsignedByte || index_type == kUnsignedShort || index_type == kUnsignedInt,
            "{}: a sparse accessor's indices must be unsigned whole numbers", document.name());
    const Elements places = elements_of(document, where, changed, bytes_of_type(index_type, document.name())),
                   numbers = elements_of(document, what, changed, type_size * components);
    for (size_t i = 0; i < static_cast<size_t>(changed); ++i) {
      const auto place = number_at<uint32_t>(places.bytes.data() + i * places.stride, index_type);
      require(place < static_cast<uint64_t>(count), "{}: a sparse accessor names element {} of {}", document.name(), place,
              count);
      copy_element(numbers.bytes.data() + i * numbers.stride, type, type_size, components, &values[place * components]);
    }
  }
  return values;
}

}  // namespace

int accessor_components(const GltfDocument& document, int64_t accessor) {
  const std::string type = document.item("accessors", accessor).value("type", "");
  constexpr std::pair<std::string_view, int> known[] = {{"SCALAR", 1}, {"VEC2", 2}, {"VEC3", 3}, {"VEC4", 4},
                                                        {"MAT2", 4},   {"MAT3", 9}, {"MAT4", 16}};
  for (const auto& [name, components] : known)
    if (type == name) return components;
  fail("{}: an accessor of the type \"{}\" is unknown", document.name(), type);
}

float accessor_unit(const GltfDocument& document, int64_t accessor) {
  const Json& source = document.item("accessors", accessor);
  if (!source.value("normalized", false)) return 1;
  switch (whole_number(source, "componentType", -1)) {
    case kByte:
      return 127;
    case kUnsignedByte:
      return 255;
    case kShort:
      return 32767;
    case kUnsignedShort:
      return 65535;
    default:
      return 1;
  }
}

std::vector<float> read_floats(GltfDocument& document, int64_t accessor) {
  auto values = read_accessor<float>(document, accessor);
  const float unit = accessor_unit(document, accessor);
  if (unit > 1)
    for (float& value : values) value = std::max(-1.0F, value / unit);
  return values;
}

std::vector<uint32_t> read_indices(GltfDocument& document, int64_t accessor) {
  const int64_t type = whole_number(document.item("accessors", accessor), "componentType", -1);
  require(
      accessor_components(document, accessor) == 1 && (type == kUnsignedByte || type == kUnsignedShort || type == kUnsignedInt),
      "{}: indices must be unsigned whole numbers", document.name());
  return read_accessor<uint32_t>(document, accessor);
}

}  // namespace gsv3d
