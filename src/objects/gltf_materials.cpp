#include "objects/gltf_materials.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"

namespace gsv3d {
namespace {

/// Linear light to sRGB; 1 stays 1 exactly.
float screen_value(double linear) {
  return linear >= 1 ? 1 : linear_to_srgb(static_cast<float>(std::max(linear, 0.0)));
}

class MaterialReader {
 public:
  MaterialReader(GltfDocument& document, TextureSet& textures, ReaderWarnings& warnings)
      : document_(document), textures_(textures), warnings_(warnings) {}

  GltfMaterial read(const Json& source, const std::string& label) {
    GltfMaterial result;
    Material& material = result.material;
    const Json* glossiness = extension(source, "KHR_materials_pbrSpecularGlossiness");
    const Json& model = glossiness ? *glossiness : member(source, "pbrMetallicRoughness");
    double factor[4] = {1, 1, 1, 1};
    read_numbers(model, glossiness ? "diffuseFactor" : "baseColorFactor", factor);
    const Json* texture = find(model, glossiness ? "diffuseTexture" : "baseColorTexture");
    // Metals reflect no diffuse light and have their colour in the specular factor.
    if (glossiness && !texture && std::max({factor[0], factor[1], factor[2]}) < 0.02)
      read_numbers(model, "specularFactor", {factor, 3});
    if (texture) {
      material.texture = load(*texture);
      if (material.texture >= 0) result.place = place_of(*texture);
    }
    for (int k = 0; k < 3; ++k) material.color[k] = screen_value(factor[k]);
    read_alpha(source, std::clamp(factor[3], 0.0, 1.0), material);
    read_emission(source, label, result);
    material.wrap = result.place.wrap;
    material.unlit = extension(source, "KHR_materials_unlit") != nullptr;
    return result;
  }

 private:
  static const Json* find(const Json& json, const char* key) {
    const auto found = json.find(key);
    return found == json.end() ? nullptr : &*found;
  }

  /// OPAQUE ignores alpha, MASK compares it with the cutoff, BLEND blends: alpha is the factor's times the texture's.
  static void read_alpha(const Json& source, double factor, Material& material) {
    const std::string mode = source.value("alphaMode", "OPAQUE");
    material.alpha_cutoff = 0;
    if (mode == "BLEND") {
      material.opacity = static_cast<float>(factor);
      material.alpha_blends = true;
    } else if (mode == "MASK") {
      const double cutoff = source.value("alphaCutoff", 0.5);
      // Texture alpha is compared without the factor; where that is 0 nothing is left.
      material.alpha_cutoff = static_cast<float>(cutoff <= 0 ? 0 : factor > 0 ? std::min(2.0, cutoff / factor) : 2.0);
    }
  }

  void read_emission(const Json& source, const std::string& label, GltfMaterial& result) {
    double factor[3] = {0, 0, 0};
    read_numbers(source, "emissiveFactor", factor);
    double strength = 1;
    if (const Json* more = extension(source, "KHR_materials_emissive_strength")) strength = more->value("emissiveStrength", 1.0);
    if (std::max({factor[0], factor[1], factor[2]}) * strength <= 0) return;
    Material& material = result.material;
    if (const Json* texture = find(source, "emissiveTexture")) {
      const GltfTexturePlace place = place_of(*texture);
      if (material.texture >= 0 && !(place == result.place)) {
        warnings_.once(fmt::format("{}: an emissive texture placed otherwise than the colour's is not honoured", label));
        return;
      }
      material.emission_texture = load(*texture);
      if (material.emission_texture < 0) return;  // the factor alone would make everything shine
      result.place = place;
    }
    for (int k = 0; k < 3; ++k) material.emission[k] = screen_value(factor[k] * strength);
  }

  GltfTexturePlace place_of(const Json& info) {
    GltfTexturePlace place;
    place.uv_set = whole_number(info, "texCoord", 0);
    if (const Json* transform = extension(info, "KHR_texture_transform")) {
      double offset[2] = {0, 0}, scale[2] = {1, 1};
      read_numbers(*transform, "offset", offset);
      read_numbers(*transform, "scale", scale);
      const double rotation = transform->value("rotation", 0.0), cosine = std::cos(rotation), sine = std::sin(rotation);
      const double matrix[6] = {cosine * scale[0], sine * scale[1], offset[0], -sine * scale[0], cosine * scale[1], offset[1]};
      for (int i = 0; i < 6; ++i) place.matrix[i] = static_cast<float>(matrix[i]);
      place.uv_set = whole_number(*transform, "texCoord", place.uv_set);
    }
    const Json& texture = document_.item("textures", whole_number(info, "index", -1));
    if (const int64_t sampler = whole_number(texture, "sampler", -1); sampler >= 0) {
      const Json& modes = document_.item("samplers", sampler);
      place.wrap = {wrap_of(whole_number(modes, "wrapS", 10497)), wrap_of(whole_number(modes, "wrapT", 10497))};
    }
    return place;
  }

  static Wrap wrap_of(int64_t mode) { return mode == 33071 ? Wrap::clamp : mode == 33648 ? Wrap::mirror : Wrap::repeat; }

  /// The texture's image in the first form that can be read: extensions name better ones beside the plain source.
  int32_t load(const Json& info) {
    const Json& texture = document_.item("textures", whole_number(info, "index", -1));
    std::vector<int64_t> sources;
    for (const char* name : {"EXT_texture_webp", "EXT_texture_avif", "MSFT_texture_dds"})
      if (const Json* better = extension(texture, name)) sources.push_back(whole_number(*better, "source", -1));
    if (texture.contains("source")) sources.push_back(whole_number(texture, "source", -1));
    if (const Json* basis = extension(texture, "KHR_texture_basisu"); basis && sources.empty())
      sources.push_back(whole_number(*basis, "source", -1));
    for (const int64_t source : sources)
      if (const int32_t index = load_image(source); index >= 0) return index;
    return -1;
  }

  int32_t load_image(int64_t number) {
    const Json& image = document_.item("images", number);
    const std::string label = fmt::format("image {}", number);
    if (image.contains("bufferView"))
      return textures_.load_embedded(std::string(document_.view(whole_number(image, "bufferView", -1))), label);
    const std::string uri = image.value("uri", "");
    return uri.starts_with("data:") ? textures_.load_embedded(document_.bytes_of(uri), label) : textures_.load({uri});
  }

  GltfDocument& document_;
  TextureSet& textures_;
  ReaderWarnings& warnings_;
};

}  // namespace

std::vector<GltfMaterial> read_gltf_materials(GltfDocument& document, TextureSet& textures, ReaderWarnings& warnings) {
  MaterialReader reader(document, textures, warnings);
  std::vector<GltfMaterial> materials;
  for (const Json& source : member(document.json(), "materials"))
    materials.push_back(reader.read(source, fmt::format("material {}", source.value("name", std::to_string(materials.size())))));
  materials.push_back(reader.read(Json::object(), "default material"));
  return materials;
}

}  // namespace gsv3d
