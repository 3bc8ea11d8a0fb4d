#include "objects/assimp_reader.h"

#include "core/error.h"

#ifdef GSV3D_HAS_ASSIMP
#include <assimp/material.h>
#include <assimp/postprocess.h>
#include <assimp/scene.h>

#include <assimp/IOStream.hpp>
#include <assimp/IOSystem.hpp>
#include <assimp/Importer.hpp>
#include <cstring>

#include "image/texture_pyramid.h"
#include "objects/mesh_builder.h"
#include "objects/texture_set.h"
#endif

namespace gsv3d {

const std::vector<std::string>& assimp_extensions() {
  static const std::vector<std::string> extensions = {".3ds", ".dae", ".fbx", ".off", ".ply", ".stl"};
  return extensions;
}

#ifdef GSV3D_HAS_ASSIMP
namespace {

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
      : scene_(scene), name_(name), warnings_(name), textures_(files, name, warnings_) {}

  Object read() {
    for (unsigned i = 0; i < scene_.mNumMaterials; ++i) add_material(*scene_.mMaterials[i]);
    if (materials_.empty()) materials_.emplace_back();
    uv_channels_.resize(materials_.size(), 0);
    for (const Material& material : materials_) builder_.uncolored_materials.push_back(material.texture >= 0);
    add_node(*scene_.mRootNode, aiMatrix4x4());
    if (!builder_.colors.empty()) builder_.colors.resize(builder_.positions.size(), {1, 1, 1, 1});
    Object object = builder_.build();
    object.materials = std::move(materials_);
    object.textures = textures_.take();
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
    const auto material = std::min<uint32_t>(mesh.mMaterialIndex, static_cast<uint32_t>(materials_.size() - 1));
    const unsigned channel = uv_channels_[material];
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
    if (mesh.HasVertexColors(0)) add_colors(mesh, material);
    std::vector<Corner> corners;
    for (unsigned f = 0; f < mesh.mNumFaces; ++f) {
      corners.clear();
      for (unsigned k = 0; k < mesh.mFaces[f].mNumIndices; ++k) {
        require(mesh.mFaces[f].mIndices[k] < mesh.mNumVertices, "{}: a face names a vertex that does not exist", name_);
        const int32_t index = base + static_cast<int32_t>(mesh.mFaces[f].mIndices[k]);
        corners.push_back({index, index, index});
      }
      builder_.add_polygon(corners, material);
    }
  }

  /// Colours of the screen (sRGB) in all of these formats. Where they are, the colour of PLY's and STL's material is one that
  /// assimp made up. Meshes without colours are white beside them.
  void add_colors(const aiMesh& mesh, uint32_t material) {
    builder_.colors.resize(builder_.positions.size(), {1, 1, 1, 1});
    const size_t base = builder_.positions.size() - mesh.mNumVertices;
    for (unsigned i = 0; i < mesh.mNumVertices; ++i) {
      const aiColor4D& color = mesh.mColors[0][i];
      const auto linear = [](float value) { return srgb_to_linear(std::clamp(value, 0.0F, 1.0F)); };
      builder_.colors[base + i] = {linear(color.r), linear(color.g), linear(color.b), std::clamp(color.a, 0.0F, 1.0F)};
    }
    const std::string ending = lower_case(name_.substr(name_.size() < 4 ? 0 : name_.size() - 4));
    if (materials_[material].texture < 0 && (ending == ".ply" || ending == ".stl")) materials_[material].color = {1, 1, 1};
  }

  void add_material(const aiMaterial& source) {
    Material material;
    aiColor4D color(0.8F, 0.8F, 0.8F, 1), emission(0, 0, 0, 1);
    const bool has_base_color = source.Get(AI_MATKEY_BASE_COLOR, color) == aiReturn_SUCCESS;
    if (!has_base_color) source.Get(AI_MATKEY_COLOR_DIFFUSE, color);
    source.Get(AI_MATKEY_COLOR_EMISSIVE, emission);
    float opacity = 1;
    if (source.Get(AI_MATKEY_OPACITY, opacity) != aiReturn_SUCCESS && has_base_color) opacity = color.a;
    material.opacity = std::clamp(opacity, 0.0F, 1.0F);
    unsigned channel = 0, emission_channel = 0;
    WrapModes emission_wrap = kRepeat;
    material.texture = find_texture(source, {aiTextureType_BASE_COLOR, aiTextureType_DIFFUSE}, channel, material.wrap);
    material.emission_texture =
        find_texture(source, {aiTextureType_EMISSION_COLOR, aiTextureType_EMISSIVE}, emission_channel, emission_wrap);
    if (material.emission_texture >= 0 && material.texture < 0) {
      channel = emission_channel;
      material.wrap = emission_wrap;
    } else if (material.emission_texture >= 0 && (channel != emission_channel || material.wrap != emission_wrap)) {
      warnings_.once("an emissive texture placed otherwise than the colour's is not honoured");
      material.emission_texture = -1;
    }
    const bool shines_by_texture = material.emission_texture >= 0 && emission.IsBlack();
    for (int i = 0; i < 3; ++i) {
      const float value = std::clamp((&color.r)[i], 0.0F, 1.0F);
      material.color[i] = material.texture >= 0 ? 1 : value;  // in these formats a texture replaces the colour
      material.emission[i] = shines_by_texture ? 1 : std::clamp((&emission.r)[i], 0.0F, 1.0F);
    }
    uv_channels_.push_back(channel);
    materials_.push_back(material);
  }

  int32_t find_texture(const aiMaterial& material, std::initializer_list<aiTextureType> types, unsigned& channel,
                       WrapModes& wrap) {
    for (const aiTextureType type : types) {
      aiString path;
      aiTextureMapMode modes[3] = {aiTextureMapMode_Wrap, aiTextureMapMode_Wrap, aiTextureMapMode_Wrap};
      if (material.GetTexture(type, 0, &path, nullptr, &channel, nullptr, nullptr, modes) != aiReturn_SUCCESS) continue;
      if (const int32_t texture = load_texture(path.C_Str()); texture >= 0) {
        for (size_t axis = 0; axis < 2; ++axis)
          wrap[axis] = modes[axis] == aiTextureMapMode_Clamp    ? Wrap::clamp
                       : modes[axis] == aiTextureMapMode_Mirror ? Wrap::mirror
                                                                : Wrap::repeat;
        return texture;
      }
    }
    channel = 0;
    return -1;
  }

  int32_t load_texture(const std::string& path) {
    const aiTexture* embedded = scene_.GetEmbeddedTexture(path.c_str());
    if (!embedded) return textures_.load({path});
    const size_t width = embedded->mWidth, height = embedded->mHeight;
    if (height == 0)
      return textures_.load_embedded(std::string(reinterpret_cast<const char*>(embedded->pcData), width), "embedded " + path);
    require(width > 0 && width <= static_cast<size_t>(kMaxPixels) / height, "{}: an embedded texture is too large", name_);
    Image image{static_cast<int64_t>(width), static_cast<int64_t>(height), std::vector<uint8_t>(4 * width * height), false};
    for (size_t i = 0; i < width * height; ++i) {
      const aiTexel& texel = embedded->pcData[i];
      const uint8_t rgba[4] = {texel.r, texel.g, texel.b, texel.a};
      std::memcpy(&image.pixels[4 * i], rgba, 4);
    }
    return textures_.add(std::move(image), "embedded " + path);
  }

  const aiScene& scene_;
  const std::string name_;
  ReaderWarnings warnings_;
  TextureSet textures_;
  MeshBuilder builder_;
  std::vector<Material> materials_;
  std::vector<unsigned> uv_channels_;  ///< of the materials' textures
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
