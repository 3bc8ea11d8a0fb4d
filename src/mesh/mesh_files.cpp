#include "mesh/mesh_files.h"

#include <bit>
#include <cstring>
#include <numeric>

#include "core/atomic_file.h"
#include "core/error.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;

static_assert(std::endian::native == std::endian::little, "the binary formats are little-endian");

template <class T>
void append(std::string& out, const T& value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

std::string lower_extension(const fs::path& path) {
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(), [](unsigned char c) { return std::tolower(c); });
  return extension;
}

/// The texture's nearest pixel.
std::array<uint8_t, 3> texture_color(const Image& texture, Vector2 uv) {
  const auto pick = [](float place, int64_t size) {
    return std::clamp<int64_t>(static_cast<int64_t>(place * static_cast<float>(size)), 0, size - 1);
  };
  const uint8_t* pixel = texture.at(pick(uv.x, texture.width), pick(uv.y, texture.height));
  return {pixel[0], pixel[1], pixel[2]};
}

/// Vectors without repetition, in the order in which they first came.
struct Distinct {
  std::vector<uint32_t> first;  ///< where each of them came first
  std::vector<uint32_t> place;  ///< of every vector, its place among them
};

/// A texture's seams double the vertices on them. Files that number positions by themselves name each once, or the surface would
/// be open along the seams to programs that do not compare positions (slicers).
Distinct distinct(const std::vector<Vector3>& vectors) {
  std::vector<uint32_t> order(vectors.size());
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    const Vector3 &p = vectors[a], &q = vectors[b];
    return std::tie(p.x, p.y, p.z, a) < std::tie(q.x, q.y, q.z, b);
  });
  std::vector<uint32_t> earliest(vectors.size());
  for (size_t i = 0; i < order.size(); ++i)
    earliest[order[i]] = i > 0 && vectors[order[i]] == vectors[order[i - 1]] ? earliest[order[i - 1]] : order[i];
  Distinct result;
  result.place.resize(vectors.size());
  for (uint32_t i = 0; i < vectors.size(); ++i) {
    if (earliest[i] == i) result.first.push_back(i);
    result.place[i] = earliest[i] == i ? static_cast<uint32_t>(result.first.size() - 1) : result.place[earliest[i]];
  }
  return result;
}

/// For the files' comments.
std::string axes_and_unit(const Mesh& mesh) {
  std::string text = mesh.up == UpAxis::kY ? "+Y up, front +Z" : "+Z up, front -Y";
  if (mesh.unit == LengthUnit::kMetre) text += ", metres";
  if (mesh.unit == LengthUnit::kMillimetre) text += ", millimetres";
  return text;
}

}  // namespace

void check_mesh(const Mesh& mesh, const fs::path& path) {
  require(!mesh.triangles.empty(), "{}: the mesh has no triangles", path.string());
  const auto finite = [](Vector3 v) { return std::isfinite(v.x) && std::isfinite(v.y) && std::isfinite(v.z); };
  for (size_t i = 0; i < mesh.positions.size(); ++i)
    require(finite(mesh.positions[i]), "{}: the position of vertex {} is not a finite number", path.string(), i);
  for (const Mesh::Triangle& triangle : mesh.triangles)
    for (const uint32_t vertex : triangle)
      require(vertex < mesh.positions.size(), "{}: a triangle names vertex {} of {}", path.string(), vertex,
              mesh.positions.size());
}

MeshFormat mesh_format(const fs::path& path) {
  static const std::array<std::pair<const char*, MeshFormat>, 4> kFormats = {
      {{".glb", MeshFormat::kGlb}, {".obj", MeshFormat::kObj}, {".ply", MeshFormat::kPly}, {".stl", MeshFormat::kStl}}};
  for (const auto& [extension, format] : kFormats)
    if (lower_extension(path) == extension) return format;
  throw UsageError(fmt::format("{}: meshes are written as .glb, .obj, .ply or .stl", path.string()));
}

void write_mesh(const fs::path& path, const Mesh& mesh) {
  switch (mesh_format(path)) {
    case MeshFormat::kGlb:
      return write_glb(path, mesh);
    case MeshFormat::kObj:
      return write_obj(path, mesh);
    case MeshFormat::kPly:
      return write_mesh_ply(path, mesh);
    case MeshFormat::kStl:
      return write_stl(path, mesh);
  }
}

void write_obj(const fs::path& path, const Mesh& mesh) {
  check_mesh(mesh, path);
  const std::string name = path.stem().string();
  std::string text = fmt::format("# gsv3d: {}\n", axes_and_unit(mesh));
  if (mesh.textured()) text += fmt::format("mtllib {}.mtl\n", name);
  text += "o object\n";
  const Distinct positions = distinct(mesh.positions), normals = distinct(mesh.normals);
  const auto append_vectors = [&](const char* line, const std::vector<Vector3>& vectors, const Distinct& distinct) {
    for (const uint32_t i : distinct.first) text += fmt::format(fmt::runtime(line), vectors[i].x, vectors[i].y, vectors[i].z);
  };
  append_vectors("v {:.9g} {:.9g} {:.9g}\n", mesh.positions, positions);
  for (const Vector2& uv : mesh.uvs) text += fmt::format("vt {:.6g} {:.6g}\n", uv.x, 1 - uv.y);
  append_vectors("vn {:.4f} {:.4f} {:.4f}\n", mesh.normals, normals);
  if (mesh.textured()) text += "usemtl surface\n";
  const auto corner = [&](uint32_t vertex) {
    std::string names = fmt::format(" {}", positions.place[vertex] + 1);
    if (!mesh.uvs.empty() || !mesh.normals.empty()) names += "/";
    if (!mesh.uvs.empty()) names += fmt::format("{}", vertex + 1);
    if (!mesh.normals.empty()) names += fmt::format("/{}", normals.place[vertex] + 1);
    return names;
  };
  for (const auto& [a, b, c] : mesh.triangles) text += "f" + corner(a) + corner(b) + corner(c) + "\n";
  if (mesh.textured()) {
    save_png(fs::path(path).replace_extension(".png"), mesh.texture);
    write_file(fs::path(path).replace_extension(".mtl"),
               fmt::format("newmtl surface\nKa 0 0 0\nKd 1 1 1\nKs 0 0 0\nillum 1\nmap_Kd {}.png\n", name));
  }
  write_file(path, text);
}

void write_mesh_ply(const fs::path& path, const Mesh& mesh) {
  check_mesh(mesh, path);
  const Distinct positions = distinct(mesh.positions);
  std::string bytes =
      fmt::format("ply\nformat binary_little_endian 1.0\ncomment gsv3d mesh: {}, colours sRGB\n", axes_and_unit(mesh));
  bytes += fmt::format("element vertex {}\nproperty float x\nproperty float y\nproperty float z\n", positions.first.size());
  if (!mesh.normals.empty()) bytes += "property float nx\nproperty float ny\nproperty float nz\n";
  if (mesh.textured()) bytes += "property uchar red\nproperty uchar green\nproperty uchar blue\n";
  bytes += fmt::format("element face {}\nproperty list uchar uint vertex_indices\nend_header\n", mesh.triangles.size());
  for (const uint32_t i : positions.first) {
    append(bytes, mesh.positions[i]);
    if (!mesh.normals.empty()) append(bytes, mesh.normals[i]);
    if (mesh.textured()) append(bytes, texture_color(mesh.texture, mesh.uvs[i]));
  }
  for (const auto& [a, b, c] : mesh.triangles) {
    bytes += '\3';
    for (const uint32_t vertex : {a, b, c}) append(bytes, positions.place[vertex]);
  }
  write_file(path, bytes);
}

void write_stl(const fs::path& path, const Mesh& mesh) {
  check_mesh(mesh, path);
  std::string bytes = "gsv3d mesh, " + axes_and_unit(mesh);
  bytes.resize(80, ' ');
  append(bytes, static_cast<uint32_t>(mesh.triangles.size()));
  for (const Mesh::Triangle& triangle : mesh.triangles) {
    std::array<Vector3, 3> p;
    for (int i = 0; i < 3; ++i) p[i] = mesh.positions[triangle[i]];
    append(bytes, normalized(cross(p[1] - p[0], p[2] - p[0]), {}));
    append(bytes, p);
    append(bytes, uint16_t{0});
  }
  write_file(path, bytes);
}

}  // namespace gsv3d
