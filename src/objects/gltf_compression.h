// Compressed glTF: EXT_meshopt_compression (buffer views) and KHR_draco_mesh_compression (primitives), by their libraries.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/config.h"

namespace gsv3d {

/// A buffer view's bytes; `extension` is its EXT_meshopt_compression. Throws Error, which begins with `where`, when they are
/// damaged or this build has no meshoptimizer.
std::string decode_meshopt(std::string_view bytes, const Json& extension, const std::string& where);

class DracoMesh {
 public:
  /// Throws Error when the bytes are damaged or this build has no Draco.
  DracoMesh(std::string_view bytes, std::string where);
  ~DracoMesh();

  std::vector<uint32_t> indices() const;
  /// `components` numbers for every point of the attribute with this unique id. Whole numbers are divided by `unit`.
  std::vector<float> attribute(int64_t id, int components, float unit) const;

 private:
  struct Decoded;
  std::unique_ptr<Decoded> decoded_;
  const std::string where_;
};

}  // namespace gsv3d
