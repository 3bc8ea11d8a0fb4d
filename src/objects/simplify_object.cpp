#include "objects/simplify_object.h"

#include <algorithm>

#ifdef GSV3D_HAS_MESHOPTIMIZER
#include <meshoptimizer.h>
#endif

namespace gsv3d {

#ifdef GSV3D_HAS_MESHOPTIMIZER

Object simplified(Object object, double error) {
  if (error <= 0 || object.positions.empty()) return object;
  const float *first = object.positions.data()->data(),
              scale = meshopt_simplifyScale(first, object.positions.size(), sizeof object.positions[0]);
  if (!(scale > 0)) return object;
  std::vector<std::vector<uint32_t>> by_material(object.materials.size());
  for (size_t t = 0; t < object.triangles.size(); ++t)
    for (uint32_t index : object.triangles[t]) by_material[object.triangle_materials[t]].push_back(index);
  object.triangles.clear();
  object.triangle_materials.clear();
  for (uint32_t material = 0; material < by_material.size(); ++material) {
    const auto& indices = by_material[material];
    if (indices.empty()) continue;
    std::vector<uint32_t> fewer(indices.size());
    fewer.resize(meshopt_simplify(fewer.data(), indices.data(), indices.size(), first, object.positions.size(),
                                  sizeof object.positions[0], 0, static_cast<float>(error) / scale, 0, nullptr));
    // Small things may vanish altogether; they stay as they were.
    if (fewer.empty()) fewer = indices;
    for (size_t i = 0; i + 2 < fewer.size(); i += 3) {
      object.triangles.push_back({fewer[i], fewer[i + 1], fewer[i + 2]});
      object.triangle_materials.push_back(material);
    }
  }
  return object;
}

#else

Object simplified(Object object, double) {
  return object;
}

#endif

}  // namespace gsv3d
