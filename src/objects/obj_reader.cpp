#include "objects/obj_reader.h"

#include <cmath>
#include <unordered_map>

#include "core/error.h"
#include "core/log.h"
#include "image/load_image.h"
#include "objects/material_library.h"
#include "objects/mesh_builder.h"
#include "objects/text_lines.h"

namespace gsv3d {
namespace {

constexpr size_t kMaxCorners = 20'000'000, kMaxObjMaterials = 20'000;

class ObjReader {
 public:
  ObjReader(const FileSource& files, const std::string& name) : files_(files), name_(name) {}

  Object read() {
    const auto text = files_.read(name_);
    require(text.has_value(), "{}: no such file", name_);
    for (std::string_view rest = *text; !rest.empty();) {
      std::string_view line = take_line(rest);
      read_line(line);
    }
    Object object = builder_.build();
    object.materials = std::move(materials_);
    object.textures = std::move(textures_);
    check_object(object, name_);
    return object;
  }

 private:
  void read_line(std::string_view line) {
    const std::string_view keyword = take_word(line);
    if (keyword == "v") {
      builder_.positions.push_back(numbers<3>(line));
    } else if (keyword == "vt") {
      builder_.uvs.push_back(numbers<2>(line));
    } else if (keyword == "vn") {
      builder_.normals.push_back(numbers<3>(line));
    } else if (keyword == "f" || keyword == "fo") {
      read_face(line);
    } else if (keyword == "usemtl") {
      material_ = find_material(std::string(trimmed(line)));
    } else if (keyword == "mtllib") {
      read_library(std::string(trimmed(line)));
    }
  }

  /// The first N numbers of the line; missing ones are 0 (vt may have one), unreadable ones make the file unusable.
  template <size_t N>
  std::array<float, N> numbers(std::string_view line) {
    require(builder_.positions.size() < kMaxCorners && builder_.uvs.size() < kMaxCorners && builder_.normals.size() < kMaxCorners,
            "{}: more than {} vertices", name_, kMaxCorners);
    std::array<float, N> values{};
    for (float& value : values) {
      const std::string_view word = take_word(line);
      if (word.empty()) break;
      double number = 0;
      require(parse_number(word, number) && std::abs(number) < 1e15, "{}: {} is not a coordinate", name_, word);
      value = static_cast<float>(number);
    }
    return values;
  }

  /// OBJ counts from 1, and from the end with negative numbers. → -1 where the word is empty or out of range.
  static int32_t index(std::string_view word, size_t count) {
    int64_t value = 0;
    if (!parse_number(word, value)) return -1;
    const int64_t result = value > 0 ? value - 1 : static_cast<int64_t>(count) + value;
    return value != 0 && result >= 0 && result < static_cast<int64_t>(count) ? static_cast<int32_t>(result) : -1;
  }

  void read_face(std::string_view line) {
    corners_.clear();
    while (true) {
      std::string_view word = take_word(line);
      if (word.empty() || word.front() == '#') break;
      std::string_view parts[3];
      for (auto& part : parts) {
        const size_t slash = word.find('/');
        part = word.substr(0, slash);
        word = slash == std::string_view::npos ? std::string_view() : word.substr(slash + 1);
      }
      const Corner corner{index(parts[0], builder_.positions.size()), index(parts[1], builder_.uvs.size()),
                          index(parts[2], builder_.normals.size())};
      require(corner.position >= 0, "{}: a face names a vertex that does not exist", name_);
      corners_.push_back(corner);
    }
    if (corners_.size() < 3) return;
    if (material_ < 0) material_ = find_material("");
    builder_.add_polygon(corners_, static_cast<uint32_t>(material_));
  }

  void read_library(const std::string& names) {
    // One name with spaces is what programs write, several names on a line what the format says.
    if (add_library(names)) return;
    for (std::string_view rest = names;;) {
      const std::string_view word = take_word(rest);
      if (word.empty()) break;
      add_library(std::string(word));
    }
  }

  bool add_library(const std::string& library) {
    const std::string path = resolve_name(name_, library);
    const auto text = path.empty() ? std::nullopt : files_.read(path);
    if (!text) return false;
    library_.merge(parse_mtl(*text));
    return true;
  }

  int32_t find_material(const std::string& name) {
    if (const auto known = material_indices_.find(name); known != material_indices_.end()) return known->second;
    require(materials_.size() < kMaxObjMaterials, "{}: more than {} materials", name_, kMaxObjMaterials);
    Material material;
    if (const auto found = library_.find(name); found != library_.end()) {
      const MtlMaterial& source = found->second;
      material.opacity = source.opacity;
      material.texture = find_texture(source.color_maps, source.opacity_maps);
      for (int i = 0; i < 3; ++i) material.color[i] = material.texture >= 0 ? 1 : source.color[i];
    }
    materials_.push_back(material);
    return material_indices_[name] = static_cast<int32_t>(materials_.size() - 1);
  }

  /// → index of the first readable colour map, with the alpha of the opacity map where that is another file; -1: none.
  int32_t find_texture(const std::vector<std::string>& color_names, const std::vector<std::string>& opacity_names) {
    const auto [color, color_path] = first_readable(color_names);
    if (color < 0) return -1;
    const auto [opacity, opacity_path] = first_readable(opacity_names);
    if (opacity < 0 || opacity == color) return color;
    const std::string key = color_path + "\n" + opacity_path;
    if (const auto known = texture_indices_.find(key); known != texture_indices_.end()) return known->second;
    Image joined = textures_[color];
    const Image& mask = textures_[opacity];
    for (int64_t y = 0; y < joined.height; ++y)
      for (int64_t x = 0; x < joined.width; ++x) {
        const uint8_t* texel = mask.at(x * mask.width / joined.width, y * mask.height / joined.height);
        joined.at(x, y)[3] = mask.has_alpha ? texel[3] : static_cast<uint8_t>((texel[0] + texel[1] + texel[2]) / 3);
      }
    joined.has_alpha = true;
    textures_.push_back(std::move(joined));
    return texture_indices_[key] = static_cast<int32_t>(textures_.size() - 1);
  }

  std::pair<int32_t, std::string> first_readable(const std::vector<std::string>& names) {
    for (const std::string& name : names) {
      const std::string path = resolve_name(name_, name);
      if (path.empty()) continue;
      if (const int32_t texture = load_texture(path); texture >= 0) return {texture, path};
    }
    return {-1, ""};
  }

  int32_t load_texture(const std::string& path) {
    if (const auto known = texture_indices_.find(path); known != texture_indices_.end()) return known->second;
    int32_t& index = texture_indices_[path] = -1;
    if (const auto bytes = files_.read(path)) {
      try {
        Image image = decode_picture(*bytes, path);
        image.has_alpha = has_transparency(image);
        textures_.push_back(std::move(image));
        index = static_cast<int32_t>(textures_.size() - 1);
      } catch (const Error& error) {
        spdlog::warn("{}: {}; the material's colour is used instead", name_, error.what());
      }
    }
    return index;
  }

  const FileSource& files_;
  const std::string name_;
  MeshBuilder builder_;
  std::vector<Corner> corners_;
  std::map<std::string, MtlMaterial> library_;
  std::unordered_map<std::string, int32_t> material_indices_, texture_indices_;
  std::vector<Material> materials_;
  std::vector<Image> textures_;
  int32_t material_ = -1;
};

}  // namespace

Object read_obj(const FileSource& files, const std::string& name) {
  return ObjReader(files, name).read();
}

}  // namespace gsv3d
