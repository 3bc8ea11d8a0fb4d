#include "objects/packed_object.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "core/error.h"
#include "core/fingerprint.h"
#include "image/resize.h"
#include "image/webp.h"
#include "objects/byte_stream.h"
#include "objects/simplify_object.h"

namespace gsv3d {
namespace {

constexpr int kChannels = 7;       ///< of a vertex: position 3, normal 2 (octahedral), texture coordinates 2
constexpr int kColorChannels = 4;  ///< behind them where the object has vertex colours: linear light and alpha
constexpr uint32_t kMaxElements = 20'000'000, kMaxPackedMaterials = 20'000;
using Vertex = std::array<uint16_t, kChannels + kColorChannels>;

/// Where texture coordinates begin and how far apart their steps are.
struct UvGrid {
  std::array<float, 2> origin{}, step{};
};

/// Octahedral map of unit vectors to the square [0, 254]² (Cigolle et al. 2014); 254 is even, so that the six axes are exact.
std::array<uint16_t, 2> encode_normal(const std::array<float, 3>& n) {
  const float sum = std::abs(n[0]) + std::abs(n[1]) + std::abs(n[2]);
  float x = n[0] / sum, y = n[1] / sum;
  if (n[2] < 0) {
    const float folded_x = (1 - std::abs(y)) * (x < 0 ? -1.0F : 1.0F), folded_y = (1 - std::abs(x)) * (y < 0 ? -1.0F : 1.0F);
    x = folded_x;
    y = folded_y;
  }
  return {static_cast<uint16_t>(std::lround((x + 1) * 127)), static_cast<uint16_t>(std::lround((y + 1) * 127))};
}

std::array<float, 3> decode_normal(uint16_t a, uint16_t b) {
  float x = static_cast<float>(a) / 127 - 1, y = static_cast<float>(b) / 127 - 1;
  const float z = 1 - std::abs(x) - std::abs(y);
  if (z < 0) {
    const float folded_x = (1 - std::abs(y)) * (x < 0 ? -1.0F : 1.0F), folded_y = (1 - std::abs(x)) * (y < 0 ? -1.0F : 1.0F);
    x = folded_x;
    y = folded_y;
  }
  const float length = std::sqrt(x * x + y * y + z * z);
  return {x / length, y / length, z / length};
}

/// Differences of neighbours are small; low and high bytes apart compress better.
void append_planes(std::string& bytes, const std::vector<uint32_t>& values, int planes) {
  for (int plane = 0; plane < planes; ++plane)
    for (uint32_t value : values) bytes += static_cast<char>(value >> (8 * plane) & 255);
}

std::vector<uint32_t> take_planes(ByteReader& reader, size_t count, int planes) {
  std::vector<uint32_t> values(count, 0);
  for (int plane = 0; plane < planes; ++plane) {
    const std::string_view bytes = reader.take(count);
    for (size_t i = 0; i < count; ++i) values[i] |= static_cast<uint32_t>(static_cast<uint8_t>(bytes[i])) << (8 * plane);
  }
  return values;
}

uint16_t zigzag(int32_t difference) {
  const auto wrapped = static_cast<int16_t>(difference);
  return static_cast<uint16_t>(static_cast<uint16_t>(wrapped << 1) ^ static_cast<uint16_t>(wrapped >> 15));
}
int16_t unzigzag(uint16_t code) {
  return static_cast<int16_t>((code >> 1) ^ (0 - (code & 1)));
}

/// The mesh on its grids: vertices in the order of their first use, triangles sorted by material.
struct QuantisedMesh {
  std::vector<Vertex> vertices;
  std::vector<std::array<uint32_t, 3>> triangles;
  std::vector<uint32_t> triangle_materials;
};

UvGrid uv_grid(const Object& object) {
  UvGrid grid;
  for (int axis = 0; axis < 2; ++axis) {
    float low = INFINITY, high = -INFINITY;
    for (const auto& uv : object.uvs) {
      require(std::isfinite(uv[axis]), "a texture coordinate is not a finite number");
      low = std::min(low, uv[axis]);
      high = std::max(high, uv[axis]);
    }
    grid.origin[axis] = low;
    grid.step[axis] = std::max(1.0F / 4096, (high - low) / 65535);
  }
  return grid;
}

QuantisedMesh quantise(const Object& object, const UvGrid& grid, int64_t position_bits) {
  const float steps = static_cast<float>((int64_t{1} << position_bits) - 1);
  QuantisedMesh mesh;
  std::unordered_map<Vertex, uint32_t, FingerprintHash> seen;
  std::vector<uint32_t> order(object.triangles.size());
  for (uint32_t t = 0; t < order.size(); ++t) order[t] = t;
  std::stable_sort(order.begin(), order.end(),
                   [&](uint32_t a, uint32_t b) { return object.triangle_materials[a] < object.triangle_materials[b]; });
  for (uint32_t t : order) {
    const Material& material = object.materials[object.triangle_materials[t]];
    const bool textured = material.texture >= 0 || material.emission_texture >= 0;
    std::array<Vertex, 3> corners{};
    for (int k = 0; k < 3; ++k) {
      const uint32_t index = object.triangles[t][k];
      for (int axis = 0; axis < 3; ++axis) {
        const float place = object.positions[index][axis] + 0.5F;
        require(place > -1e-3F && place < 1.001F, "an object to be packed must lie in the unit cube around the origin");
        corners[k][axis] = static_cast<uint16_t>(std::lround(std::clamp(place, 0.0F, 1.0F) * steps));
      }
      const auto normal = encode_normal(object.normals[index]);
      corners[k][3] = normal[0];
      corners[k][4] = normal[1];
      for (int axis = 0; axis < 2 && textured; ++axis)
        corners[k][5 + axis] =
            static_cast<uint16_t>(std::lround((object.uvs[index][axis] - grid.origin[axis]) / grid.step[axis]));
      for (int channel = 0; channel < kColorChannels && !object.colors.empty(); ++channel)
        corners[k][kChannels + channel] = static_cast<uint16_t>(std::lround(object.colors[index][channel] * 65535));
    }
    const auto same_place = [](const Vertex& a, const Vertex& b) { return std::equal(a.begin(), a.begin() + 3, b.begin()); };
    if (same_place(corners[0], corners[1]) || same_place(corners[1], corners[2]) || same_place(corners[2], corners[0])) continue;
    std::array<uint32_t, 3> triangle{};
    for (int k = 0; k < 3; ++k) {
      const auto [entry, is_new] = seen.try_emplace(corners[k], static_cast<uint32_t>(mesh.vertices.size()));
      if (is_new) mesh.vertices.push_back(corners[k]);
      triangle[k] = entry->second;
    }
    mesh.triangles.push_back(triangle);
    mesh.triangle_materials.push_back(object.triangle_materials[t]);
  }
  require(!mesh.triangles.empty(), "nothing of an object is left on the grid of 2^{} steps", position_bits);
  return mesh;
}

void append_channels(std::string& bytes, const QuantisedMesh& mesh, int first, int count) {
  std::vector<uint32_t> codes(mesh.vertices.size());
  for (int channel = first; channel < first + count; ++channel) {
    int32_t before = 0;
    for (size_t i = 0; i < codes.size(); ++i) {
      codes[i] = zigzag(mesh.vertices[i][channel] - before);
      before = mesh.vertices[i][channel];
    }
    append_planes(bytes, codes, 2);
  }
}

void append_mesh(std::string& bytes, const QuantisedMesh& mesh) {
  append_number(bytes, static_cast<uint32_t>(mesh.vertices.size()));
  append_number(bytes, static_cast<uint32_t>(mesh.triangles.size()));
  append_channels(bytes, mesh, 0, kChannels);
  std::vector<uint32_t> codes;
  // An index is written as its distance from the next vertex that has not been used: 0 says "that one".
  uint32_t next = 0;
  for (const auto& triangle : mesh.triangles)
    for (uint32_t index : triangle) {
      codes.push_back(next - index);
      if (index == next) ++next;
    }
  append_planes(bytes, codes, 4);
  append_planes(bytes, mesh.triangle_materials, 2);
}

void append_textures(std::string& bytes, const Object& object, const PackOptions& options) {
  append_number(bytes, static_cast<uint32_t>(object.textures.size()));
  for (const Image& texture : object.textures) {
    const int64_t longest = std::max(texture.width, texture.height);
    const double scale = std::min(1.0, static_cast<double>(options.texture_size) / static_cast<double>(longest));
    const auto shrunk = [&](int64_t side) { return std::max<int64_t>(1, std::llround(static_cast<double>(side) * scale)); };
    const std::string webp =
        encode_webp(resize_lanczos(texture, shrunk(texture.width), shrunk(texture.height)), options.texture_quality);
    append_number(bytes, static_cast<uint32_t>(webp.size()));
    bytes += webp;
  }
}

/// Textures that no material names would only take room.
Object without_unused_textures(Object object) {
  std::vector<int32_t> renumbered(object.textures.size(), -1);
  std::vector<Image> used;
  const auto renumber = [&](int32_t& texture) {
    if (texture < 0) return;
    int32_t& number = renumbered[texture];
    if (number < 0) {
      number = static_cast<int32_t>(used.size());
      used.push_back(std::move(object.textures[texture]));
    }
    texture = number;
  };
  for (Material& material : object.materials) {
    renumber(material.texture);
    renumber(material.emission_texture);
  }
  object.textures = std::move(used);
  return object;
}

/// → count rows of the channels.
std::vector<Vertex> read_channels(ByteReader& reader, size_t count, int first, int channels) {
  std::vector<Vertex> vertices(count);
  for (int channel = first; channel < first + channels; ++channel) {
    const auto codes = take_planes(reader, count, 2);
    uint16_t value = 0;
    for (size_t i = 0; i < count; ++i) {
      value = static_cast<uint16_t>(value + unzigzag(static_cast<uint16_t>(codes[i])));
      vertices[i][channel] = value;
    }
  }
  return vertices;
}

/// What few objects have, behind the textures: files made before it was known end there, and so do objects that have none of it.
void append_extras(std::string& bytes, const Object& object, const QuantisedMesh& mesh) {
  const auto is_plain = [](const Material& m) {
    const Material plain;
    return m.alpha_cutoff == plain.alpha_cutoff && !m.alpha_blends && m.wrap == plain.wrap && !m.unlit &&
           m.emission == plain.emission && m.emission_texture < 0;
  };
  if (object.colors.empty() && std::all_of(object.materials.begin(), object.materials.end(), is_plain)) return;
  for (const Material& material : object.materials) {
    append_number(bytes, material.alpha_cutoff);
    append_number(bytes, static_cast<uint8_t>((material.alpha_blends ? 1 : 0) | (material.unlit ? 2 : 0)));
    for (const Wrap wrap : material.wrap) append_number(bytes, static_cast<uint8_t>(wrap));
    for (float value : material.emission) append_number(bytes, value);
    append_number(bytes, material.emission_texture);
  }
  append_number(bytes, static_cast<uint8_t>(object.colors.empty() ? 0 : 1));
  if (!object.colors.empty()) append_channels(bytes, mesh, kChannels, kColorChannels);
}

void read_extras(ByteReader& reader, Object& object) {
  if (reader.left() == 0) return;
  for (Material& material : object.materials) {
    material.alpha_cutoff = std::clamp(reader.number<float>(), 0.0F, 2.0F);
    const auto flags = reader.number<uint8_t>();
    material.alpha_blends = flags & 1;
    material.unlit = flags & 2;
    for (Wrap& wrap : material.wrap) {
      const auto code = reader.number<uint8_t>();
      require(code <= static_cast<uint8_t>(Wrap::mirror), "{}: damaged (a texture that wraps in way {})", reader.where(), code);
      wrap = static_cast<Wrap>(code);
    }
    for (float& value : material.emission) value = std::clamp(reader.number<float>(), 0.0F, 1.0F);
    material.emission_texture = reader.number<int32_t>();
  }
  if (reader.number<uint8_t>() == 0) return;
  for (const Vertex& vertex : read_channels(reader, object.positions.size(), kChannels, kColorChannels)) {
    auto& color = object.colors.emplace_back();
    for (int k = 0; k < kColorChannels; ++k) color[k] = static_cast<float>(vertex[kChannels + k]) / 65535;
  }
}

void read_vertices(ByteReader& reader, uint32_t count, float steps, const UvGrid& grid, Object& object) {
  object.positions.resize(count);
  object.normals.resize(count);
  object.uvs.resize(count);
  const auto vertices = read_channels(reader, count, 0, kChannels);
  for (uint32_t i = 0; i < count; ++i) {
    for (int axis = 0; axis < 3; ++axis) object.positions[i][axis] = static_cast<float>(vertices[i][axis]) / steps - 0.5F;
    object.normals[i] = decode_normal(vertices[i][3], vertices[i][4]);
    for (int axis = 0; axis < 2; ++axis)
      object.uvs[i][axis] = grid.origin[axis] + static_cast<float>(vertices[i][5 + axis]) * grid.step[axis];
  }
}

void read_triangles(ByteReader& reader, uint32_t count, Object& object) {
  const auto codes = take_planes(reader, size_t{3} * count, 4);
  object.triangle_materials = take_planes(reader, count, 2);
  object.triangles.resize(count);
  uint32_t next = 0;
  for (size_t i = 0; i < codes.size(); ++i) {
    object.triangles[i / 3][i % 3] = next - codes[i];  // out of range when damaged: check_object finds it
    if (codes[i] == 0) ++next;
  }
}

}  // namespace

std::string pack_object(const Object& input, const PackOptions& options) {
  check_object(input, "object");
  require(options.position_bits >= 4 && options.position_bits <= 16 && input.materials.size() <= kMaxPackedMaterials,
          "an object with {} materials on {} bits cannot be packed", input.materials.size(), options.position_bits);
  const Object object = without_unused_textures(simplified(input, options.simplify));
  const UvGrid grid = uv_grid(object);
  std::string bytes;
  append_number(bytes, static_cast<uint8_t>(options.position_bits));
  for (const auto& pair : {grid.origin, grid.step})
    for (float value : pair) append_number(bytes, value);
  const QuantisedMesh mesh = quantise(object, grid, options.position_bits);
  append_mesh(bytes, mesh);
  append_number(bytes, static_cast<uint32_t>(object.materials.size()));
  for (const Material& material : object.materials) {
    for (float value : material.color) append_number(bytes, value);
    append_number(bytes, material.opacity);
    append_number(bytes, material.texture);
  }
  append_textures(bytes, object, options);
  append_extras(bytes, object, mesh);
  return bytes;
}

Object unpack_object(std::string_view bytes, const std::string& where) {
  ByteReader reader(bytes, where);
  const auto position_bits = reader.number<uint8_t>();
  require(position_bits >= 4 && position_bits <= 16, "{}: damaged ({} bits)", where, position_bits);
  UvGrid grid;
  for (auto* pair : {&grid.origin, &grid.step})
    for (float& value : *pair) value = reader.number<float>();
  const auto vertices = reader.number<uint32_t>(), triangles = reader.number<uint32_t>();
  require(vertices <= kMaxElements && triangles <= kMaxElements, "{}: damaged ({} vertices, {} triangles)", where, vertices,
          triangles);
  require(reader.left() / (2 * kChannels) >= vertices && reader.left() / 14 >= triangles, "{}: damaged (ends too early)", where);
  Object object;
  read_vertices(reader, vertices, static_cast<float>((1 << position_bits) - 1), grid, object);
  read_triangles(reader, triangles, object);
  const auto materials = reader.number<uint32_t>();
  require(materials <= kMaxPackedMaterials, "{}: damaged ({} materials)", where, materials);
  object.materials.resize(materials);
  for (Material& material : object.materials) {
    for (float& value : material.color) value = std::clamp(reader.number<float>(), 0.0F, 1.0F);
    material.opacity = std::clamp(reader.number<float>(), 0.0F, 1.0F);
    material.texture = reader.number<int32_t>();
  }
  const auto textures = reader.number<uint32_t>();
  require(textures <= kMaxPackedMaterials, "{}: damaged ({} textures)", where, textures);
  for (uint32_t i = 0; i < textures; ++i) object.textures.push_back(decode_webp(reader.take(reader.number<uint32_t>()), where));
  read_extras(reader, object);
  check_object(object, where);
  return object;
}

}  // namespace gsv3d
