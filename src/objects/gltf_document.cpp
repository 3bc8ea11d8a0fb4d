#include "objects/gltf_document.h"

#include <algorithm>
#include <cmath>

#include "core/base64.h"
#include "core/error.h"
#include "core/glb_container.h"
#include "objects/gltf_compression.h"

namespace gsv3d {
namespace {

/// Those that are honoured.
constexpr std::string_view kHonoured[] = {"EXT_mesh_gpu_instancing",
                                          "EXT_meshopt_compression",
                                          "EXT_texture_avif",
                                          "EXT_texture_webp",
                                          "KHR_draco_mesh_compression",
                                          "KHR_materials_emissive_strength",
                                          "KHR_materials_pbrSpecularGlossiness",
                                          "KHR_materials_unlit",
                                          "KHR_mesh_quantization",
                                          "KHR_meshopt_compression",
                                          "KHR_texture_transform",
                                          "MSFT_texture_dds",
                                          "KHR_texture_basisu" /* warned of where a texture has nothing else */};

/// Those that change nothing about diffuse light, which is all that is rendered, or nothing about what is seen first.
constexpr std::string_view kWithoutEffect[] = {"KHR_animation_pointer",
                                               "KHR_lights_punctual",
                                               "KHR_materials_anisotropy",
                                               "KHR_materials_clearcoat",
                                               "KHR_materials_dispersion",
                                               "KHR_materials_ior",
                                               "KHR_materials_iridescence",
                                               "KHR_materials_sheen",
                                               "KHR_materials_specular",
                                               "KHR_materials_variants",
                                               "KHR_xmp",
                                               "KHR_xmp_json_ld",
                                               "MSFT_lod"};

/// Of a data URI: exporters break its lines and leave its padding out.
std::string data_uri_bytes(std::string text, const std::string& where) {
  std::erase_if(text, [](char c) { return c == '=' || c == '\n' || c == '\r' || c == ' '; });
  text.append((4 - text.size() % 4) % 4, '=');
  std::optional<std::string> bytes = base64_decoded(text);
  require(bytes.has_value(), "{}: a data URI is not base64", where);
  return *std::move(bytes);
}

}  // namespace

int64_t as_whole_number(const Json& json, const char* what) {
  require(json.is_number(), "glTF: {} is not a number", what);
  const auto value = json.get<double>();
  require(std::abs(value) <= 1e15 && value == std::floor(value), "glTF: {} is not a whole number", what);
  return static_cast<int64_t>(value);
}

int64_t whole_number(const Json& json, const char* key, int64_t otherwise) {
  const auto found = json.find(key);
  return found == json.end() ? otherwise : as_whole_number(*found, key);
}

const Json& member(const Json& json, const char* key) {
  static const Json empty = Json::object();
  const auto found = json.find(key);
  return found == json.end() ? empty : *found;
}

const Json* extension(const Json& json, const char* name) {
  const Json& extensions = member(json, "extensions");
  const auto found = extensions.find(name);
  return found == extensions.end() ? nullptr : &*found;
}

void read_numbers(const Json& json, const char* key, std::span<double> values) {
  const auto found = json.find(key);
  if (found == json.end()) return;
  require(found->is_array() && found->size() == values.size(), "glTF: \"{}\" needs {} numbers", key, values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = (*found)[i].get<double>();
    require(std::abs(values[i]) < 1e15, "glTF: \"{}\" holds {}", key, values[i]);
  }
}

GltfDocument::GltfDocument(const FileSource& files, std::string name, ReaderWarnings& warnings)
    : files_(files), name_(std::move(name)) {
  auto bytes = files.read(name_);
  require(bytes.has_value(), "{}: no such file", name_);
  read_container(std::move(*bytes));
  require(json_.is_object() && json_.contains("asset"), "{}: not glTF (it has no asset)", name_);
  const std::string version = member(json_, "asset").value("version", "");
  require(version.starts_with("2."), "{}: glTF of version \"{}\"; version 2 is read", name_, version);
  check_extensions(warnings);
}

void GltfDocument::read_container(std::string bytes) {
  if (!is_glb(bytes)) {
    json_ = parse_json(bytes.starts_with("\xEF\xBB\xBF") ? std::string_view(bytes).substr(3) : std::string_view(bytes), name_);
    return;
  }
  file_ = std::move(bytes);
  const GlbContainer container = read_glb_container(file_, name_);
  json_ = parse_json(container.json, name_);
  binary_ = container.binary;
}

void GltfDocument::check_extensions(ReaderWarnings& warnings) const {
  const auto among = [](const auto& list, const std::string& extension) {
    return std::find(std::begin(list), std::end(list), extension) != std::end(list);
  };
  for (const Json& each : member(json_, "extensionsRequired")) {
    const auto extension = each.get<std::string>();
    require(among(kHonoured, extension) || among(kWithoutEffect, extension),
            "{}: it requires the glTF extension {}, which is not read", name_, extension);
  }
  for (const Json& each : member(json_, "extensionsUsed")) {
    const auto extension = each.get<std::string>();
    if (!among(kHonoured, extension) && !among(kWithoutEffect, extension))
      warnings.once(fmt::format("the glTF extension {} is not honoured", extension));
  }
}

const Json& GltfDocument::item(const char* list, int64_t index) const {
  const Json& all = member(json_, list);
  require(all.is_array() && index >= 0 && index < static_cast<int64_t>(all.size()), "{}: there is no element {} of {}", name_,
          index, list);
  return all[static_cast<size_t>(index)];
}

std::string GltfDocument::bytes_of(const std::string& uri) const {
  if (uri.starts_with("data:")) {
    const size_t comma = uri.find(',');
    require(comma != std::string::npos && uri.substr(0, comma).ends_with(";base64"), "{}: a data URI is not base64", name_);
    return data_uri_bytes(uri.substr(comma + 1), name_);
  }
  auto found = find_referenced(files_, name_, uri);
  require(found.has_value(), "{}: the file {} that it names is not there", name_, uri);
  return std::move(found->bytes);
}

std::string_view GltfDocument::buffer(int64_t index) {
  const Json& source = item("buffers", index);
  if (!source.contains("uri")) {
    require(index == 0 && binary_, "{}: buffer {} has no bytes", name_, index);
    return *binary_;
  }
  if (const auto known = buffers_.find(index); known != buffers_.end()) return known->second;
  return buffers_[index] = bytes_of(source.at("uri").get<std::string>());
}

std::string_view GltfDocument::range(int64_t buffer_index, int64_t offset, int64_t size) {
  const std::string_view bytes = buffer(buffer_index);
  require(offset >= 0 && size >= 0 && offset <= static_cast<int64_t>(bytes.size()) &&
              size <= static_cast<int64_t>(bytes.size()) - offset,
          "{}: a buffer view lies outside of its buffer (bytes {} to {} of {})", name_, offset, offset + size, bytes.size());
  return bytes.substr(static_cast<size_t>(offset), static_cast<size_t>(size));
}

std::string_view GltfDocument::view(int64_t index) {
  const Json& source = item("bufferViews", index);
  const auto bytes_named_by = [&](const Json& place) {
    return range(whole_number(place, "buffer", -1), whole_number(place, "byteOffset", 0), whole_number(place, "byteLength", -1));
  };
  const Json* packed = extension(source, "EXT_meshopt_compression");
  if (!packed) packed = extension(source, "KHR_meshopt_compression");
  if (!packed) return bytes_named_by(source);
  if (const auto known = decompressed_views_.find(index); known != decompressed_views_.end()) return known->second;
  return decompressed_views_[index] = decode_meshopt(bytes_named_by(*packed), *packed, name_);
}

}  // namespace gsv3d
