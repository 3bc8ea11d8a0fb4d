#include "objects/texture_set.h"

#include "core/error.h"
#include "image/texture_files.h"

namespace gsv3d {
namespace {

constexpr size_t kMaxTextures = 4096;

}  // namespace

int32_t TextureSet::add(Image image, const std::string& key) {
  require(images_.size() < kMaxTextures, "{}: more than {} textures", object_, kMaxTextures);
  image.has_alpha = has_transparency(image);
  images_.push_back(std::move(image));
  return known_[key] = static_cast<int32_t>(images_.size() - 1);
}

int32_t TextureSet::decode(const std::string& bytes, const std::string& label) {
  if (const auto known = known_.find(label); known != known_.end()) return known->second;
  try {
    return add(decode_texture(bytes, label), label);
  } catch (const Error& error) {
    warnings_.once(fmt::format("texture {}; the material's colour is used instead", error.what()));
  }
  return known_[label] = -1;
}

int32_t TextureSet::load(const std::vector<std::string>& references) {
  for (const std::string& reference : references) {
    const std::string key = "reference\n" + reference;
    if (const auto known = known_.find(key); known != known_.end()) return known->second;
    const auto found = find_referenced(files_, object_, reference);
    if (!found) continue;
    const int32_t index = decode(found->bytes, found->name);
    return known_[key] = index;
  }
  if (!references.empty())
    warnings_.once(fmt::format("texture {} is not there; the material's colour is used instead", references.front()));
  return -1;
}

int32_t TextureSet::load_embedded(const std::string& bytes, const std::string& label) {
  return decode(bytes, label);
}

int32_t TextureSet::masked(int32_t color, int32_t mask) {
  if (color < 0 || mask < 0 || color == mask) return color;
  const std::string key = fmt::format("masked\n{} {}", color, mask);
  if (const auto known = known_.find(key); known != known_.end()) return known->second;
  Image joined = images_[color];
  const Image& alpha = images_[mask];
  for (int64_t y = 0; y < joined.height; ++y)
    for (int64_t x = 0; x < joined.width; ++x) {
      const uint8_t* texel = alpha.at(x * alpha.width / joined.width, y * alpha.height / joined.height);
      joined.at(x, y)[3] = alpha.has_alpha ? texel[3] : static_cast<uint8_t>((texel[0] + texel[1] + texel[2]) / 3);
    }
  return add(std::move(joined), key);
}

}  // namespace gsv3d
