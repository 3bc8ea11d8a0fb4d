// glTF files made by hand: a triangle in the plane z = 0, to which tests add what they are about.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/config.h"
#include "memory_files.h"
#include "objects/byte_stream.h"
#include "objects/gltf_reader.h"

namespace gsv3d::testing {

struct GltfFile {
  /// A triangle (0, 0, 0), (1, 0, 0), (0, 1, 0) with texture coordinates (0, 0), (1, 0), (0, 1) as mesh 0 of node 0, material 0.
  GltfFile() {
    json = Json::parse(R"({"asset": {"version": "2.0"}, "scene": 0, "scenes": [{"nodes": [0]}], "nodes": [{"mesh": 0}],
        "materials": [{}], "meshes": [{"primitives": [{"attributes": {}, "material": 0}]}]})");
    attribute("POSITION", numbers<float>({0, 0, 0, 1, 0, 0, 0, 1, 0}, "VEC3"));
    attribute("TEXCOORD_0", numbers<float>({0, 0, 1, 0, 0, 1}, "VEC2"));
  }

  /// → a new accessor of these numbers.
  template <class Number>
  int64_t numbers(const std::vector<Number>& values, const std::string& type, bool normalized = false) {
    std::string bytes;
    for (Number value : values) append_number(bytes, value);
    const int64_t components = type == "SCALAR" ? 1 : type == "MAT4" ? 16 : type.back() - '0';
    Json accessor{{"bufferView", view(bytes)},
                  {"componentType", component_type<Number>()},
                  {"count", static_cast<int64_t>(values.size()) / components},
                  {"type", type}};
    if (normalized) accessor["normalized"] = true;
    return push("accessors", accessor);
  }
  /// → a new buffer view of these bytes.
  int64_t view(const std::string& bytes) {
    const Json place{{"buffer", 0}, {"byteOffset", buffer.size()}, {"byteLength", bytes.size()}};
    buffer += bytes + std::string((4 - bytes.size() % 4) % 4, '\0');
    return push("bufferViews", place);
  }
  int64_t push(const char* list, const Json& element) {
    json[list].push_back(element);
    return static_cast<int64_t>(json[list].size()) - 1;
  }
  void attribute(const char* name, int64_t accessor) { primitive()["attributes"][name] = accessor; }
  Json& primitive() { return json["meshes"][0]["primitives"][0]; }
  Json& material() { return json["materials"][0]; }
  /// The base colour texture is this file.
  void texture(const std::string& uri, const Json& sampler = nullptr) {
    Json texture{{"source", push("images", {{"uri", uri}})}};
    if (!sampler.is_null()) texture["sampler"] = push("samplers", sampler);
    material()["pbrMetallicRoughness"]["baseColorTexture"] = {{"index", push("textures", texture)}};
  }

  Object read() const {
    auto all = files;
    Json whole = json;
    whole["buffers"] = {{{"byteLength", buffer.size()}, {"uri", "m.bin"}}};
    all["a/m.bin"] = buffer;
    all["a/m.gltf"] = json_text(whole);
    return read_gltf(MemoryFiles(all), "a/m.gltf");
  }

  Json json;
  std::string buffer;
  std::map<std::string, std::string> files;

 private:
  template <class Number>
  static int component_type() {
    if (std::is_same_v<Number, float>) return 5126;
    const int size = sizeof(Number) == 1 ? 5120 : sizeof(Number) == 2 ? 5122 : 5124;
    return size + (std::is_unsigned_v<Number> ? 1 : 0);
  }
};

/// Material of the first triangle.
inline const Material& first_material(const Object& object) {
  return object.materials[object.triangle_materials[0]];
}

}  // namespace gsv3d::testing
