#include "gaussian_files/gltf_accessors.h"

#include "core/glb_container.h"
#include "gaussian_files/byte_view.h"
#include "gaussian_files/limits.h"

namespace gsv3d {
namespace {

constexpr size_t kLongestJson = size_t{16} << 20;

enum class Component { kInt8 = 5120, kUint8 = 5121, kInt16 = 5122, kUint16 = 5123, kUint32 = 5125, kFloat = 5126 };

size_t size_of(int64_t component, const std::string& where) {
  switch (static_cast<Component>(component)) {
    case Component::kInt8:
    case Component::kUint8:
      return 1;
    case Component::kInt16:
    case Component::kUint16:
      return 2;
    case Component::kUint32:
    case Component::kFloat:
      return 4;
  }
  fail("{}: damaged: component type {}", where, component);
}

/// One number; signed normalised ones as glTF 2.0, section 3.6.2.2 says.
float component_value(std::string_view bytes, size_t offset, Component component, bool normalised) {
  const auto scaled = [&](auto value, float most) {
    const auto number = static_cast<float>(value);
    return normalised ? std::max(number / most, -1.0f) : number;
  };
  switch (component) {
    case Component::kInt8:
      return scaled(load<int8_t>(bytes, offset), 127);
    case Component::kUint8:
      return scaled(load<uint8_t>(bytes, offset), 255);
    case Component::kInt16:
      return scaled(load<int16_t>(bytes, offset), 32767);
    case Component::kUint16:
      return scaled(load<uint16_t>(bytes, offset), 65535);
    case Component::kUint32:
      return static_cast<float>(load<uint32_t>(bytes, offset));
    case Component::kFloat:
      return load<float>(bytes, offset);
  }
  return 0;
}

}  // namespace

GlbFile parse_glb(std::string_view bytes, const std::string& where) {
  const GlbContainer container = read_glb_container(bytes, where);
  require(container.json.size() <= kLongestJson, "{}: damaged: its JSON is {} bytes long", where, container.json.size());
  GlbFile file{nlohmann::json::parse(container.json, nullptr, /*allow_exceptions=*/false),
               container.binary.value_or(std::string_view())};
  require(file.json.is_object(), "{}: damaged: its JSON cannot be parsed", where);
  return file;
}

int64_t json_index(const nlohmann::json& object, const char* key, int64_t fallback, const std::string& where) {
  const auto found = object.find(key);
  if (found == object.end()) return fallback;
  require(found->is_number_unsigned() && found->get<uint64_t>() < (uint64_t{1} << 53), "{}: damaged: \"{}\" is no index", where,
          key);
  return found->get<int64_t>();
}

const nlohmann::json& json_object(const nlohmann::json& parent, const char* array, int64_t index, const std::string& where) {
  const auto found = parent.find(array);
  require(found != parent.end() && found->is_array() && index >= 0 && index < static_cast<int64_t>(found->size()) &&
              (*found)[index].is_object(),
          "{}: damaged: no \"{}\" number {}", where, array, index);
  return (*found)[index];
}

Tensor read_accessor(const GlbFile& file, int64_t index, int64_t columns, const std::string& where) {
  const auto& accessor = json_object(file.json, "accessors", index, where);
  require(!accessor.contains("sparse"), "{}: sparse accessors cannot be read", where);
  const char* const types[] = {"", "SCALAR", "VEC2", "VEC3", "VEC4"};
  const auto type = accessor.find("type");
  require(type != accessor.end() && *type == types[columns], "{}: accessor {} is no {}", where, index, types[columns]);
  const auto& view = json_object(file.json, "bufferViews", json_index(accessor, "bufferView", -1, where), where);
  require(json_index(view, "buffer", -1, where) == 0, "{}: only the file's own buffer can be read", where);
  require(!json_object(file.json, "buffers", 0, where).contains("uri"), "{}: buffers in other files cannot be read", where);

  const size_t begin = json_index(view, "byteOffset", 0, where), length = json_index(view, "byteLength", 0, where);
  require(begin <= file.binary.size() && length <= file.binary.size() - begin, "{}: damaged or cut off: a view beyond the buffer",
          where);
  const auto bytes = file.binary.substr(begin, length);
  const int64_t component = json_index(accessor, "componentType", 0, where);
  const size_t offset = json_index(accessor, "byteOffset", 0, where), count = json_index(accessor, "count", 0, where);
  const size_t row = columns * size_of(component, where), stride = json_index(view, "byteStride", row, where);
  require(stride >= row && stride <= 252 && offset <= bytes.size() &&
              (count == 0 || (bytes.size() - offset >= row && count - 1 <= (bytes.size() - offset - row) / stride)),
          "{}: damaged: accessor {} reaches beyond its buffer", where, index);
  require_plausible_count(count, file.binary.size(), where);

  const bool normalised = accessor.contains("normalized") && accessor["normalized"] == true;
  const Tensor values = at::empty({static_cast<int64_t>(count), columns}, at::kFloat);
  float* target = values.mutable_data_ptr<float>();
  for (size_t i = 0; i < count; ++i)
    for (int64_t c = 0; c < columns; ++c)
      *target++ = component_value(bytes, offset + i * stride + c * row / columns, static_cast<Component>(component), normalised);
  return values;
}

}  // namespace gsv3d
