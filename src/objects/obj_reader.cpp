#include "objects/obj_reader.h"

#include <cmath>
#include <unordered_map>

#include "core/error.h"
#include "objects/material_library.h"
#include "objects/mesh_builder.h"
#include "objects/text_lines.h"
#include "objects/texture_set.h"

namespace gsv3d {
namespace {

constexpr size_t kMaxCorners = 20'000'000, kMaxObjMaterials = 20'000;

class ObjReader {
 public:
  ObjReader(const FileSource& files, const std::string& name)
      : files_(files), name_(name), warnings_(name), textures_(files, name, warnings_) {}

  Object read() {
    auto text = files_.read(name_);
    require(text.has_value(), "{}: no such file", name_);
    const std::string lines = whole_lines(std::move(*text));
    // Libraries first: files name materials before they say where these are.
    for_each_statement(lines, [&](std::string_view keyword, std::string_view line) {
      if (keyword == "mtllib") read_library(std::string(trimmed(line)));
    });
    for_each_statement(lines, [&](std::string_view keyword, std::string_view line) { read_statement(keyword, line); });
    finish_colors();
    Object object = builder_.build();
    object.materials = std::move(materials_);
    object.textures = textures_.take();
    check_object(object, name_);
    return object;
  }

 private:
  template <class Call>
  static void for_each_statement(std::string_view text, const Call& call) {
    while (!text.empty()) {
      std::string_view line = take_line(text);
      const std::string_view keyword = take_word(line);
      call(keyword, line);
    }
  }

  void read_statement(std::string_view keyword, std::string_view line) {
    if (keyword == "v") {
      read_vertex(line);
    } else if (keyword == "vt") {
      builder_.uvs.push_back(numbers<2>(line));
    } else if (keyword == "vn") {
      builder_.normals.push_back(numbers<3>(line));
    } else if (keyword == "f" || keyword == "fo") {
      read_face(line);
    } else if (keyword == "usemtl") {
      material_ = find_material(std::string(trimmed(line)));
    } else if (keyword == "surf" || keyword == "curv") {
      warnings_.once("free-form curves and surfaces are left out");
    }
  }

  /// "x y z", "x y z w", or "x y z r g b" and perhaps alpha, as scanners and MeshLab write.
  void read_vertex(std::string_view line) {
    size_t count = 0;
    const auto values = numbers<7>(line, &count);
    builder_.positions.push_back({values[0], values[1], values[2]});
    if (count >= 6) {
      colors_.resize(builder_.positions.size(), {1, 1, 1});
      colors_.back() = {values[3], values[4], values[5]};
      for (size_t i = 3; i < 6; ++i) color_range_ = std::max(color_range_, values[i]);
    }
  }

  /// The first N numbers of the line; missing ones are 0 (vt may have one), unreadable ones make the file unusable.
  template <size_t N>
  std::array<float, N> numbers(std::string_view line, size_t* count = nullptr) {
    require(builder_.positions.size() < kMaxCorners && builder_.uvs.size() < kMaxCorners && builder_.normals.size() < kMaxCorners,
            "{}: more than {} vertices", name_, kMaxCorners);
    std::array<float, N> values{};
    for (float& value : values) {
      const std::string_view word = take_word(line);
      if (word.empty() || word.front() == '#') break;
      double number = 0;
      require(parse_number(word, number) && std::abs(number) < 1e15, "{}: {} is not a coordinate", name_, word);
      value = static_cast<float>(number);
      if (count) ++*count;
    }
    return values;
  }

  /// Vertex colours are those of the screen (sRGB), 0-1 or 0-255. Where a texture is, it takes their place.
  void finish_colors() {
    if (colors_.empty()) return;
    const float unit = color_range_ > 1 ? 255 : 1;
    colors_.resize(builder_.positions.size(), {unit, unit, unit});
    for (const auto& color : colors_) {
      std::array<float, 4> linear{1, 1, 1, 1};
      for (int k = 0; k < 3; ++k) linear[k] = srgb_to_linear(std::clamp(color[k] / unit, 0.0F, 1.0F));
      builder_.colors.push_back(linear);
    }
    builder_.uncolored_materials.resize(materials_.size());
    for (size_t i = 0; i < materials_.size(); ++i) builder_.uncolored_materials[i] = materials_[i].texture >= 0;
    for (const int32_t nameless : without_color_) materials_[nameless].color = {1, 1, 1};
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
    bool found = false;
    for (std::string_view rest = names;;) {
      const std::string_view word = take_word(rest);
      if (word.empty()) break;
      found = add_library(std::string(word)) || found;
    }
    if (!found) warnings_.once(fmt::format("material library {} is not there; its materials are grey", names));
  }

  bool add_library(const std::string& library) {
    const auto found = find_referenced(files_, name_, library);
    if (!found) return false;
    library_.merge(parse_mtl(found->bytes));
    return true;
  }

  int32_t find_material(const std::string& name) {
    if (const auto known = material_indices_.find(name); known != material_indices_.end()) return known->second;
    require(materials_.size() < kMaxObjMaterials, "{}: more than {} materials", name_, kMaxObjMaterials);
    const auto number = static_cast<int32_t>(materials_.size());
    const auto found = library_.find(name);
    if (found == library_.end() || !found->second.color) without_color_.push_back(number);
    if (found != library_.end()) {
      materials_.push_back(make_material(found->second, name));
    } else {
      materials_.emplace_back();
      if (!name.empty() && !library_.empty()) warnings_.once(fmt::format("material {} is in no library; it is grey", name));
    }
    return material_indices_[name] = number;
  }

  Material make_material(const MtlMaterial& source, const std::string& name) {
    Material material;
    material.opacity = source.opacity;
    material.texture = textures_.load(source.color_map.names);
    if (source.color) material.color = *source.color;
    if (material.texture >= 0) {
      material.color = {1, 1, 1};
      if (source.opacity_map.names != source.color_map.names)
        material.texture = textures_.masked(material.texture, textures_.load(source.opacity_map.names));
    } else if (!source.opacity_map.names.empty()) {
      warnings_.once(fmt::format("material {}: map_d without a colour texture is not honoured", name));
    }
    material.emission = source.emission;
    material.emission_texture = textures_.load(source.emission_map.names);
    if (material.emission_texture >= 0 && !source.has_emission) material.emission = {1, 1, 1};
    const MtlMap& map = material.texture >= 0 ? source.color_map : source.emission_map;
    if (map.clamps) material.wrap = {Wrap::clamp, Wrap::clamp};
    builder_.uv_transforms.resize(materials_.size() + 1);
    builder_.uv_transforms.back() = {map.scale, map.offset};
    for (const MtlMap* each : {&source.color_map, &source.emission_map})
      for (const std::string& option : each->unknown_options)
        warnings_.once(fmt::format("material {}: the texture option {} is not honoured", name, option));
    return material;
  }

  const FileSource& files_;
  const std::string name_;
  ReaderWarnings warnings_;
  TextureSet textures_;
  MeshBuilder builder_;
  std::vector<Corner> corners_;
  std::vector<std::array<float, 3>> colors_;  ///< as the file has them; may end early
  float color_range_ = 0;
  std::map<std::string, MtlMaterial> library_;
  std::unordered_map<std::string, int32_t> material_indices_;
  std::vector<Material> materials_;
  std::vector<int32_t> without_color_;  ///< materials that no library gives a colour
  int32_t material_ = -1;
};

}  // namespace

Object read_obj(const FileSource& files, const std::string& name) {
  return ObjReader(files, name).read();
}

}  // namespace gsv3d
