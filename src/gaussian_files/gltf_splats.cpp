#include "gaussian_files/gltf_splats.h"

#include "core/glb_container.h"
#include "gaussian_files/byte_view.h"
#include "gaussian_files/gltf_accessors.h"
#include "gaussian_files/limits.h"
#include "gaussians/similarity.h"

namespace gsv3d {
namespace {

using nlohmann::json;

constexpr const char* kExtension = "KHR_gaussian_splatting";
constexpr int kFloat = 5126, kUnsignedByte = 5121, kArrayBuffer = 34962, kPoints = 0;
constexpr int kDeepestNode = 64;

std::string attribute_name(const char* attribute) {
  return fmt::format("{}:{}", kExtension, attribute);
}

std::string harmonic_name(int64_t degree, int64_t coefficient) {
  return fmt::format("{}:SH_DEGREE_{}_COEF_{}", kExtension, degree, coefficient);
}

// ---- writing

/// IEC 61966-2-1, of colours in 0-1.
Tensor linear_from_srgb(const Tensor& srgb) {
  return at::where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055).pow(2.4));
}
Tensor srgb_from_linear(const Tensor& linear) {
  return at::where(linear <= 0.0031308, linear * 12.92, 1.055 * linear.clamp_min(0).pow(1 / 2.4) - 0.055);
}

/// COLOR_0 holds linear colours, then opacity. → bytes [G, 4].
Tensor fallback_colours(const Gaussians& g) {
  return (at::cat({linear_from_srgb(sh_to_rgb(g.sh).clamp(0, 1)), g.opacities.clamp(0, 1).unsqueeze(1)}, 1) * 255)
      .round()
      .to(at::kByte);
}

/// Attributes one after the other: their bytes, and the JSON that finds them.
struct Writer {
  Json accessors = Json::array(), views = Json::array(), attributes = Json::object();
  std::vector<Tensor> tensors;
  size_t size = 0;

  void add(const std::string& name, const Tensor& values) {
    const Tensor tensor = values.contiguous();
    const bool bytes = tensor.scalar_type() == at::kByte;
    const char* const types[] = {"", "SCALAR", "VEC2", "VEC3", "VEC4"};
    attributes[name] = accessors.size();
    views.push_back({{"buffer", 0}, {"byteOffset", size}, {"byteLength", tensor.nbytes()}, {"target", kArrayBuffer}});
    Json accessor = {{"bufferView", views.size() - 1},
                     {"componentType", bytes ? kUnsignedByte : kFloat},
                     {"count", tensor.size(0)},
                     {"type", types[tensor.dim() == 1 ? 1 : tensor.size(1)]}};
    if (bytes) accessor["normalized"] = true;
    if (name == "POSITION") {
      const Tensor low = tensor.amin(0), high = tensor.amax(0);
      for (int c = 0; c < 3; ++c) {
        accessor["min"].push_back(low[c].item<float>());
        accessor["max"].push_back(high[c].item<float>());
      }
    }
    accessors.push_back(std::move(accessor));
    tensors.push_back(tensor);
    size += tensor.nbytes();  // every row is a multiple of 4 bytes, as alignment asks
  }
};

Writer attributes_of(const Gaussians& g) {
  Writer writer;
  writer.add("POSITION", g.means);
  writer.add("COLOR_0", fallback_colours(g));
  const Tensor unit = g.quats / g.quats.norm(2, 1, true).clamp_min(1e-12);
  writer.add(attribute_name("ROTATION"), at::roll(unit, -1, 1));  // wxyz → xyzw
  writer.add(attribute_name("SCALE"), g.scales);
  writer.add(attribute_name("OPACITY"), g.opacities.clamp(0, 1));
  for (int64_t degree = 0; degree <= g.sh_degree(); ++degree)
    for (int64_t i = 0; i <= 2 * degree; ++i) writer.add(harmonic_name(degree, i), g.sh.select(1, degree * degree + i));
  return writer;
}

Json document(const Writer& writer, int64_t count) {
  Json root;
  root["asset"] = {{"version", "2.0"}, {"generator", "gsv3d"}};
  root["extensionsUsed"] = {kExtension};
  root["scene"] = 0;
  root["scenes"] = Json::array({Json::object()});
  if (count == 0) return root;  // accessors without rows do not exist in glTF
  root["scenes"][0]["nodes"] = {0};
  root["nodes"] = Json::array({{{"mesh", 0}, {"name", "Gaussians"}}});
  Json primitive = {{"attributes", writer.attributes}, {"mode", kPoints}};
  primitive["extensions"][kExtension] = {{"kernel", "ellipse"},
                                         {"colorSpace", "srgb_rec709_display"},
                                         {"projection", "perspective"},
                                         {"sortingMethod", "cameraDistance"}};
  root["meshes"] = Json::array({{{"primitives", Json::array({primitive})}}});
  root["accessors"] = writer.accessors;
  root["bufferViews"] = writer.views;
  root["buffers"] = Json::array({{{"byteLength", writer.size}}});
  return root;
}

// ---- reading

/// What a node does to what is below it: 4 × 4, column vectors, double.
Tensor node_matrix(const json& node, const std::string& where) {
  const auto numbers = [&](const char* key, std::vector<double> fallback) {
    const auto found = node.find(key);
    if (found == node.end()) return fallback;
    require(found->is_array() && found->size() == fallback.size(), "{}: damaged: \"{}\" of a node", where, key);
    for (size_t i = 0; i < fallback.size(); ++i) {
      require((*found)[i].is_number(), "{}: damaged: \"{}\" of a node", where, key);
      fallback[i] = (*found)[i].get<double>();
      require(std::abs(fallback[i]) < 1e12, "{}: \"{}\" of a node is too large", where, key);
    }
    return fallback;
  };
  if (node.contains("matrix")) return at::tensor(numbers("matrix", std::vector<double>(16))).view({4, 4}).t();
  const auto t = numbers("translation", {0, 0, 0}), q = numbers("rotation", {0, 0, 0, 1}), s = numbers("scale", {1, 1, 1});
  const double x = q[0], y = q[1], z = q[2], w = q[3];
  const Tensor rotation =
      at::tensor({1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y), 2 * (x * y + w * z), 1 - 2 * (x * x + z * z),
                  2 * (y * z - w * x), 2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)},
                 at::kDouble)
          .view({3, 3});
  const Tensor matrix = at::eye(4, at::kDouble);
  matrix.slice(0, 0, 3).slice(1, 0, 3).copy_(rotation * at::tensor(s));
  matrix.slice(0, 0, 3).select(1, 3).copy_(at::tensor(t));
  return matrix;
}

Similarity similarity_of(const Tensor& matrix, const std::string& where) {
  const Tensor linear = matrix.slice(0, 0, 3).slice(1, 0, 3);
  const double scale = std::cbrt(at::det(linear).item<double>());
  require(scale > 1e-9 && scale < 1e9, "{}: a node mirrors or collapses its Gaussians", where);
  const Tensor rotation = (linear / scale).contiguous();
  require(at::allclose(at::mm(rotation, rotation.t()), at::eye(3, at::kDouble), 0, 1e-4),
          "{}: a node scales its Gaussians differently along its axes, which cannot be read", where);
  Similarity similarity;
  similarity.scale = scale;
  std::copy_n(rotation.const_data_ptr<double>(), 9, similarity.rotation.begin());
  for (int c = 0; c < 3; ++c) similarity.translation[c] = matrix[c][3].item<double>();
  return similarity;
}

/// How many coefficients there are; every degree must be whole.
int64_t degree_of(const json& attributes) {
  int64_t degree = 0;
  while (degree < 3 && attributes.contains(harmonic_name(degree + 1, 0))) ++degree;
  return degree;
}

Gaussians read_primitive(const GlbFile& file, const json& primitive, const std::string& where) {
  const json& extension = primitive["extensions"][kExtension];
  require(!extension.contains("extensions"), "{}: compressed Gaussians in glTF cannot be read", where);
  require(!extension.contains("kernel") || extension["kernel"] == "ellipse",
          "{}: only Gaussians of the kernel \"ellipse\" can be read", where);
  const auto attributes = primitive.find("attributes");
  require(attributes != primitive.end() && attributes->is_object(), "{}: damaged: Gaussians without attributes", where);
  const auto read = [&](const std::string& name, int64_t columns) {
    const int64_t accessor = json_index(*attributes, name.c_str(), -1, where);
    require(accessor >= 0, "{}: the Gaussians lack the attribute {}", where, name);
    return read_accessor(file, accessor, columns, where);
  };
  Gaussians g;
  g.means = read("POSITION", 3);
  g.quats = at::roll(read(attribute_name("ROTATION"), 4), 1, 1);
  g.scales = read(attribute_name("SCALE"), 3);
  g.opacities = read(attribute_name("OPACITY"), 1).squeeze(1);
  std::vector<Tensor> harmonics;
  for (int64_t degree = 0, most = degree_of(*attributes); degree <= most; ++degree)
    for (int64_t i = 0; i <= 2 * degree; ++i) harmonics.push_back(read(harmonic_name(degree, i), 3));
  for (const Tensor& tensor : {g.quats, g.scales, g.opacities, harmonics.back()})
    require(tensor.size(0) == g.count(), "{}: damaged: attributes of {} and of {} Gaussians", where, g.count(), tensor.size(0));
  for (const Tensor& tensor : harmonics)
    require(tensor.size(0) == g.count(), "{}: damaged: attributes of {} and of {} Gaussians", where, g.count(), tensor.size(0));
  g.sh = at::stack(harmonics, 1);
  return g;
}

/// What a primitive says about its colours: sRGB, as our harmonics are, is nothing to do.
Gaussians to_srgb(const Gaussians& g, const json& extension, std::vector<std::string>& warnings) {
  const json space = extension.value("colorSpace", json("srgb_rec709_display"));
  if (space == "srgb_rec709_display") return g;
  const bool linear = space == "lin_rec709_display";
  const std::string warning = linear ? "the colour space lin_rec709_display was converted to sRGB: what shines through blends a "
                                       "little differently"
                                     : fmt::format("the colour space {} is unknown: the colours are taken as sRGB", space.dump());
  if (std::find(warnings.begin(), warnings.end(), warning) == warnings.end()) warnings.push_back(warning);
  Gaussians converted = g;
  if (linear) converted.sh = mapped_colours(g.sh, srgb_from_linear);
  return converted;
}

struct Reader {
  const GlbFile& file;
  const std::string& where;
  std::vector<Gaussians> found = {};
  std::vector<std::string> warnings = {};
  int64_t total = 0, visited = 0;

  void mesh(int64_t index, const Tensor& matrix) {
    const auto& mesh = json_object(file.json, "meshes", index, where);
    const auto primitives = mesh.find("primitives");
    require(primitives != mesh.end() && primitives->is_array(), "{}: damaged: a mesh without primitives", where);
    for (const json& primitive : *primitives) {
      if (!primitive.is_object() || !primitive.contains("extensions") || !primitive["extensions"].is_object() ||
          !primitive["extensions"].contains(kExtension) || !primitive["extensions"][kExtension].is_object())
        continue;
      const Gaussians g = to_srgb(read_primitive(file, primitive, where), primitive["extensions"][kExtension], warnings);
      found.push_back(transform(g, similarity_of(matrix, where)));
      // Asked after each, because nodes may share a mesh.
      total += found.back().count();
      require_plausible_count(total, file.binary.size(), where);
    }
  }

  void node(int64_t index, const Tensor& parent, int depth) {
    const auto& node = json_object(file.json, "nodes", index, where);
    const auto node_count = static_cast<int64_t>(file.json["nodes"].size());
    require(depth < kDeepestNode && ++visited <= node_count, "{}: damaged: its nodes form a circle or are nested too deeply",
            where);
    const Tensor matrix = at::mm(parent, node_matrix(node, where));
    if (const int64_t index_of_mesh = json_index(node, "mesh", -1, where); index_of_mesh >= 0) mesh(index_of_mesh, matrix);
    children(node, "children", matrix, depth);
  }

  void children(const json& parent, const char* key, const Tensor& matrix, int depth) {
    const auto list = parent.find(key);
    if (list == parent.end()) return;
    require(list->is_array(), "{}: damaged: \"{}\" is no list", where, key);
    for (const json& child : *list) {
      require(child.is_number_unsigned(), "{}: damaged: \"{}\" holds no index", where, key);
      node(child.get<int64_t>(), matrix, depth + 1);
    }
  }
};

/// One set of Gaussians of the highest degree among the parts.
Gaussians join(const std::vector<Gaussians>& parts) {
  if (parts.size() == 1) return parts[0];
  int64_t most = 1;
  for (const auto& part : parts) most = std::max(most, part.sh.size(1));
  std::vector<Tensor> means, quats, scales, opacities, sh;
  for (const auto& part : parts) {
    means.push_back(part.means), quats.push_back(part.quats), scales.push_back(part.scales);
    opacities.push_back(part.opacities);
    sh.push_back(at::constant_pad_nd(part.sh, {0, 0, 0, most - part.sh.size(1)}));
  }
  return {at::cat(means), at::cat(quats), at::cat(scales), at::cat(opacities), at::cat(sh)};
}

}  // namespace

void write_gltf_splats(const std::filesystem::path& path, const Gaussians& gaussians, Frame frame) {
  const auto g = gaussians.detach().to(at::kCPU);
  require_finite(g, path.string() + " is not written");
  const Writer writer = g.count() ? attributes_of(change_frame(g, Frame::kWorld, frame)) : Writer();
  std::vector<std::string_view> buffer;
  for (const Tensor& tensor : writer.tensors)
    buffer.emplace_back(static_cast<const char*>(tensor.const_data_ptr()), tensor.nbytes());
  write_glb_container(path, document(writer, g.count()), buffer);
}

DecodedRows decode_gltf_splats(std::string_view bytes, const std::string& where) {
  const GlbFile file = parse_glb(bytes, where);
  const auto used = file.json.find("extensionsUsed");
  require(used != file.json.end() && used->is_array() && std::find(used->begin(), used->end(), kExtension) != used->end(),
          "{}: no Gaussians in this glTF file (it does not use {})", where, kExtension);
  Reader reader{file, where};
  if (file.json.contains("scenes"))
    reader.children(json_object(file.json, "scenes", json_index(file.json, "scene", 0, where), where), "nodes",
                    at::eye(4, at::kDouble), 0);
  DecodedRows rows{{at::empty({0, 3}), at::empty({0, 4}), at::empty({0, 3}), at::empty({0}), at::empty({0, 1, 3})}};
  if (!reader.found.empty()) rows.gaussians = join(reader.found);
  rows.warnings = std::move(reader.warnings);
  return rows;
}

}  // namespace gsv3d
