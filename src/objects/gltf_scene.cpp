#include "objects/gltf_scene.h"

#include "core/error.h"
#include "objects/gltf_accessors.h"

namespace gsv3d {

Matrix4 Matrix4::operator*(const Matrix4& other) const {
  Matrix4 result;
  for (int column = 0; column < 4; ++column)
    for (int row = 0; row < 4; ++row) {
      double sum = 0;
      for (int k = 0; k < 4; ++k) sum += values[k * 4 + row] * other.values[column * 4 + k];
      result.values[column * 4 + row] = sum;
    }
  return result;
}

std::array<float, 3> Matrix4::point(const float* v) const {
  std::array<float, 3> result;
  for (int row = 0; row < 3; ++row)
    result[row] = static_cast<float>(values[row] * v[0] + values[4 + row] * v[1] + values[8 + row] * v[2] + values[12 + row]);
  return result;
}

std::array<float, 9> Matrix4::linear_part() const {
  std::array<float, 9> result;
  for (int row = 0; row < 3; ++row)
    for (int column = 0; column < 3; ++column) result[row * 3 + column] = static_cast<float>(values[column * 4 + row]);
  return result;
}

Matrix4 Matrix4::placed(const double* translation, const double* rotation, const double* scale) {
  const double x = rotation[0], y = rotation[1], z = rotation[2], w = rotation[3];
  Matrix4 m;
  m.values = {scale[0] * (1 - 2 * (y * y + z * z)),
              scale[0] * 2 * (x * y + z * w),
              scale[0] * 2 * (x * z - y * w),
              0,
              scale[1] * 2 * (x * y - z * w),
              scale[1] * (1 - 2 * (x * x + z * z)),
              scale[1] * 2 * (y * z + x * w),
              0,
              scale[2] * 2 * (x * z + y * w),
              scale[2] * 2 * (y * z - x * w),
              scale[2] * (1 - 2 * (x * x + y * y)),
              0,
              translation[0],
              translation[1],
              translation[2],
              1};
  return m;
}

GltfScene::GltfScene(GltfDocument& document) : document_(document) {
  const Json& nodes = member(document.json(), "nodes");
  parents_.assign(nodes.size(), -1);
  for (size_t i = 0; i < nodes.size(); ++i)
    for (const Json& child : member(nodes[i], "children")) {
      const int64_t number = as_whole_number(child, "children");
      document.item("nodes", number);
      parents_[static_cast<size_t>(number)] = static_cast<int64_t>(i);
    }
  for (size_t i = 0; i < nodes.size(); ++i) {
    size_t steps = 0;
    for (int64_t at = static_cast<int64_t>(i); at >= 0; at = parents_[at])
      require(++steps <= 1000, "{}: node {} is its own ancestor, or nested more than 1000 deep", document.name(), i);
  }
}

std::vector<int64_t> GltfScene::mesh_nodes() const {
  std::vector<int64_t> pending;
  const Json& scenes = member(document_.json(), "scenes");
  if (scenes.empty()) {
    for (size_t i = 0; i < parents_.size(); ++i)
      if (parents_[i] < 0) pending.push_back(static_cast<int64_t>(i));
  } else {
    for (const Json& node : member(document_.item("scenes", whole_number(document_.json(), "scene", 0)), "nodes"))
      pending.push_back(as_whole_number(node, "nodes"));
  }
  std::vector<bool> seen(parents_.size(), false);
  std::vector<int64_t> shown;
  while (!pending.empty()) {
    const int64_t node = pending.back();
    pending.pop_back();
    const Json& source = document_.item("nodes", node);
    if (seen[node]) continue;
    seen[node] = true;
    if (source.contains("mesh")) shown.push_back(node);
    const Json& children = member(source, "children");
    for (size_t i = children.size(); i > 0; --i) pending.push_back(as_whole_number(children[i - 1], "children"));
  }
  return shown;
}

Matrix4 GltfScene::local(int64_t node) const {
  const Json& source = document_.item("nodes", node);
  Matrix4 matrix;
  if (source.contains("matrix")) {
    read_numbers(source, "matrix", matrix.values);
    return matrix;
  }
  double translation[3] = {0, 0, 0}, rotation[4] = {0, 0, 0, 1}, scale[3] = {1, 1, 1};
  read_numbers(source, "translation", translation);
  read_numbers(source, "rotation", rotation);
  read_numbers(source, "scale", scale);
  return Matrix4::placed(translation, rotation, scale);
}

Matrix4 GltfScene::world(int64_t node) const {
  Matrix4 matrix = local(node);
  for (int64_t at = parents_[node]; at >= 0; at = parents_[at]) matrix = local(at) * matrix;
  return matrix;
}

std::vector<Matrix4> GltfScene::placements(int64_t node) {
  const Matrix4 own = world(node);
  const Json* instances = extension(document_.item("nodes", node), "EXT_mesh_gpu_instancing");
  if (!instances) return {own};
  const Json& attributes = member(*instances, "attributes");
  const auto numbers = [&](const char* key, int components) {
    const int64_t accessor = whole_number(attributes, key, -1);
    if (accessor < 0) return std::vector<float>();
    require(accessor_components(document_, accessor) == components, "{}: {} of instances needs {} numbers each", document_.name(),
            key, components);
    return read_floats(document_, accessor);
  };
  const auto translations = numbers("TRANSLATION", 3), rotations = numbers("ROTATION", 4), scales = numbers("SCALE", 3);
  const size_t count = std::max({translations.size() / 3, rotations.size() / 4, scales.size() / 3});
  require(count <= 100'000, "{}: {} instances of one mesh", document_.name(), count);
  std::vector<Matrix4> result;
  for (size_t i = 0; i < count; ++i) {
    double translation[3] = {0, 0, 0}, rotation[4] = {0, 0, 0, 1}, scale[3] = {1, 1, 1};
    const auto take = [&](const std::vector<float>& from, double* to, size_t n) {
      for (size_t k = 0; k < n && i * n + k < from.size(); ++k) to[k] = from[i * n + k];
    };
    take(translations, translation, 3);
    take(rotations, rotation, 4);
    take(scales, scale, 3);
    result.push_back(own * Matrix4::placed(translation, rotation, scale));
  }
  return result;
}

std::vector<Matrix4> GltfScene::joints(int64_t node) {
  const int64_t number = whole_number(document_.item("nodes", node), "skin", -1);
  if (number < 0) return {};
  const Json& skin = document_.item("skins", number);
  std::vector<float> inverse;
  if (const int64_t accessor = whole_number(skin, "inverseBindMatrices", -1); accessor >= 0) {
    require(accessor_components(document_, accessor) == 16, "{}: inverse bind matrices need 16 numbers each", document_.name());
    inverse = read_floats(document_, accessor);
  }
  std::vector<Matrix4> matrices;
  for (const Json& joint : member(skin, "joints")) {
    const int64_t number_of_joint = as_whole_number(joint, "joints");
    document_.item("nodes", number_of_joint);
    Matrix4 bind;
    const size_t first = matrices.size() * 16;
    require(inverse.empty() || first + 16 <= inverse.size(), "{}: skin {} has fewer inverse bind matrices than joints",
            document_.name(), number);
    for (size_t k = 0; k < 16 && !inverse.empty(); ++k) bind.values[k] = inverse[first + k];
    matrices.push_back(world(number_of_joint) * bind);
  }
  return matrices;
}

std::vector<double> GltfScene::morph_weights(int64_t node) const {
  const Json& source = document_.item("nodes", node);
  const Json& owner = source.contains("weights") ? source : document_.item("meshes", whole_number(source, "mesh", -1));
  return member(owner, "weights").is_array() ? member(owner, "weights").get<std::vector<double>>() : std::vector<double>();
}

}  // namespace gsv3d
