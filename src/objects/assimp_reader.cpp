#include "objects/assimp_reader.h"

#include "core/error.h"

#ifdef GSV3D_HAS_ASSIMP
#include <assimp/GltfMaterial.h>
#include <assimp/material.h>
#include <assimp/postprocess.h>
#include <assimp/scene.h>

#include <assimp/IOStream.hpp>
#include <assimp/IOSystem.hpp>
#include <assimp/Importer.hpp>
#include <cstring>
#include <unordered_map>

#include "core/log.h"
#include "image/load_image.h"
#include "image/texture_pyramid.h"
#include "objects/mesh_builder.h"
#endif

namespace gsv3d {

const std::vector<std::string>& assimp_extensions() {
  static const std::vector<std::string> extensions = {".3ds", ".dae", ".fbx", ".glb", ".gltf", ".off", ".ply", ".stl"};
  return extensions;
}

#ifdef GSV3D_HAS_ASSIMP
namespace {

constexpr size_t kMaxTextures = 4096;

/// A file in memory, read-only.
class MemoryStream : public Assimp::IOStream {
 public:
  explicit MemoryStream(std::string content) : content_(std::move(content)) {}
  size_t Read(void* buffer, size_t size, size_t count) override {
    const size_t items = size == 0 ? 0 : std::min(count, (content_.size() - at_) / size);
    std::memcpy(buffer, content_.data() + at_, items * size);
    at_ += items * size;
    return items;
  }
  size_t Write(const void*, size_t, size_t) override { return 0; }
  aiReturn Seek(size_t offset, aiOrigin origin) override {
    const size_t base = origin == aiOrigin_SET ? 0 : origin == aiOrigin_CUR ? at_ : content_.size();
    if (base + offset > content_.size()) return aiReturn_FAILURE;  // wraps for negative offsets, as assimp passes them
    at_ = base + offset;
    return aiReturn_SUCCESS;
  }
  size_t Tell() const override { return at_; }
  size_t FileSize() const override { return content_.size(); }
  void Flush() override {}

 private:
  std::string content_;
  size_t at_ = 0;
};

class SourceFiles : public Assimp::IOSystem {
 public:
  explicit SourceFiles(const FileSource& files) : files_(files) {}
  bool Exists(const char* name) const override { return read(name).has_value(); }
  char getOsSeparator() const override { return '/'; }
  Assimp::IOStream* Open(const char* name, const char*) override {
    auto content = read(name);
    return content ? new MemoryStream(std::move(*content)) : nullptr;
  }
  void Close(Assimp::IOStream* stream) override { delete stream; }

 private:
  std::optional<std::string> read(const char* name) const {
    const std::string path = resolve_name("", name);
    return path.empty() ? std::nullopt : files_.read(path);
  }
  const FileSource& files_;
};

class SceneReader {
 public:
  SceneReader(const aiScene& scene, const FileSource& files, const std::string& name)
      : scene_(scene), files_(files), name_(name) {}

  Object read() {
    is_gltf_ = name_.ends_with(".glb") || name_.ends_with(".gltf") || name_.ends_with(".GLB") || name_.ends_with(".GLTF");
    for (unsigned i = 0; i < scene_.mNumMaterials; ++i) add_material(*scene_.mMaterials[i]);
    if (materials_.empty()) materials_.emplace_back();
    add_node(*scene_.mRootNode, aiMatrix4x4());
    Object object = builder_.build();
    object.materials = std::move(materials_);
    object.textures = std::move(textures_);
    check_object(object, name_);
    return object;
  }

 private:
  void add_node(const aiNode& node, const aiMatrix4x4& parent) {
    const aiMatrix4x4 placed = parent * node.mTransformation;
    for (unsigned i = 0; i < node.mNumMeshes; ++i) add_mesh(*scene_.mMeshes[node.mMeshes[i]], placed);
    for (unsigned i = 0; i < node.mNumChildren; ++i) add_node(*node.mChildren[i], placed);
  }

  void add_mesh(const aiMesh& mesh, const aiMatrix4x4& placed) {
    const auto base = static_cast<int32_t>(builder_.positions.size());
    const unsigned channel = mesh.mMaterialIndex < uv_channels_.size() ? uv_channels_[mesh.mMaterialIndex] : 0;
    const bool has_uvs = channel < AI_MAX_NUMBER_OF_TEXTURECOORDS && mesh.HasTextureCoords(channel);
    aiMatrix3x3 normal_matrix(placed);
    normal_matrix.Inverse().Transpose();
    for (unsigned i = 0; i < mesh.mNumVertices; ++i) {
      const aiVector3D position = placed * mesh.mVertices[i];
      builder_.positions.push_back({position.x, position.y, position.z});
      const aiVector3D normal = mesh.HasNormals() ? normal_matrix * mesh.mNormals[i] : aiVector3D();
      builder_.normals.push_back({normal.x, normal.y, normal.z});
      const aiVector3D uv = has_uvs ? mesh.mTextureCoords[channel][i] : aiVector3D();
      builder_.uvs.push_back({uv.x, uv.y});
    }
    std::vector<Corner> corners;
    for (unsigned f = 0; f < mesh.mNumFaces; ++f) {
      corners.clear();
      for (unsigned k = 0; k < mesh.mFaces[f].mNumIndices; ++k) {
        require(mesh.mFaces[f].mIndices[k] < mesh.mNumVertices, "{}: a face names a vertex that does not exist", name_);
        const int32_t index = base + static_cast<int32_t>(mesh.mFaces[f].mIndices[k]);
        corners.push_back({index, index, index});
      }
      builder_.add_polygon(corners, std::min<uint32_t>(mesh.mMaterialIndex, static_cast<uint32_t>(materials_.size() - 1)));
    }
  }

  void add_material(const aiMaterial& source) {
    Material material;
    aiColor4D color(0.8F, 0.8F, 0.8F, 1);
    const bool has_base_color = source.Get(AI_MATKEY_BASE_COLOR, color) == aiReturn_SUCCESS;
    if (!has_base_color) source.Get(AI_MATKEY_COLOR_DIFFUSE, color);
    float opacity = 1;
    if (source.Get(AI_MATKEY_OPACITY, opacity) != aiReturn_SUCCESS && has_base_color) opacity = color.a;
    material.opacity = std::clamp(opacity, 0.0F, 1.0F);
    unsigned channel = 0;
    material.texture = find_texture(source, channel);
    uv_channels_.push_back(channel);
    const float* values = &color.r;
    for (int i = 0; i < 3; ++i) {
      const float value = std::clamp(values[i], 0.0F, 1.0F);
      // glTF's factor is linear light and multiplies the texture; in the older formats a texture replaces the colour.
      material.color[i] = is_gltf_ ? linear_to_srgb(value) : material.texture >= 0 ? 1 : value;
    }
    materials_.push_back(material);
  }

  int32_t find_texture(const aiMaterial& material, unsigned& channel) {
    aiString alpha_mode;
    const bool opaque =
        material.Get(AI_MATKEY_GLTF_ALPHAMODE, alpha_mode) == aiReturn_SUCCESS && std::string(alpha_mode.C_Str()) == "OPAQUE";
    for (const aiTextureType type : {aiTextureType_BASE_COLOR, aiTextureType_DIFFUSE}) {
      aiString path;
      if (material.GetTexture(type, 0, &path, nullptr, &channel) != aiReturn_SUCCESS) continue;
      if (const int32_t texture = load_texture(path.C_Str(), opaque); texture >= 0) return texture;
    }
    channel = 0;
    return -1;
  }

  int32_t load_texture(const std::string& path, bool opaque) {
    const std::string key = path + (opaque ? "\nopaque" : "");
    if (const auto known = texture_indices_.find(key); known != texture_indices_.end()) return known->second;
    int32_t& index = texture_indices_[key] = -1;
    try {
      auto image = decode(path);
      if (!image) return -1;
      if (opaque)
        for (size_t i = 3; i < image->pixels.size(); i += 4) image->pixels[i] = 255;
      image->has_alpha = has_transparency(*image);
      require(textures_.size() < kMaxTextures, "more than {} textures", kMaxTextures);
      textures_.push_back(std::move(*image));
      index = static_cast<int32_t>(textures_.size() - 1);
    } catch (const Error& error) {
      spdlog::warn("{}: {}; the material's colour is used instead", name_, error.what());
    }
    return index;
  }

  std::optional<Image> decode(const std::string& path) const {
    if (const aiTexture* embedded = scene_.GetEmbeddedTexture(path.c_str())) {
      const size_t width = embedded->mWidth, height = embedded->mHeight;
      if (height == 0) return decode_picture(std::string(reinterpret_cast<const char*>(embedded->pcData), width), path);
      require(width > 0 && width <= static_cast<size_t>(kMaxPixels) / height, "an embedded texture is too large");
      Image image{static_cast<int64_t>(width), static_cast<int64_t>(height), std::vector<uint8_t>(4 * width * height), false};
      for (size_t i = 0; i < width * height; ++i) {
        const aiTexel& texel = embedded->pcData[i];
        const uint8_t rgba[4] = {texel.r, texel.g, texel.b, texel.a};
        std::memcpy(&image.pixels[4 * i], rgba, 4);
      }
      return image;
    }
    const std::string inside = resolve_name(name_, path);
    const auto bytes = inside.empty() ? std::nullopt : files_.read(inside);
    return bytes ? std::optional(decode_picture(*bytes, inside)) : std::nullopt;
  }

  const aiScene& scene_;
  const FileSource& files_;
  const std::string name_;
  bool is_gltf_ = false;
  MeshBuilder builder_;
  std::vector<Material> materials_;
  std::vector<unsigned> uv_channels_;  ///< of the materials' textures
  std::vector<Image> textures_;
  std::unordered_map<std::string, int32_t> texture_indices_;
};

}  // namespace

Object read_with_assimp(const FileSource& files, const std::string& name) {
  require(files.read(name).has_value(), "{}: no such file", name);
  Assimp::Importer importer;
  importer.SetIOHandler(new SourceFiles(files));  // the importer owns it
  const aiScene* scene = importer.ReadFile(name, aiProcess_TransformUVCoords);
  require(scene != nullptr && scene->mRootNode != nullptr, "{}: {}", name, importer.GetErrorString());
  return SceneReader(*scene, files, name).read();
}

#else

Object read_with_assimp(const FileSource&, const std::string& name) {
  fail("{}: this build reads OBJ files only (it lacks assimp: configure with GSV3D_WITH_OBJECT_FILES=ON)", name);
}

#endif

}  // namespace gsv3d
