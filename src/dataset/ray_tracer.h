// Nearest intersections of rays with an object's triangles, through Embree.
#pragma once

#include <array>
#include <memory>
#include <optional>

#include "objects/object.h"

namespace gsv3d {

struct Ray {
  std::array<float, 3> origin, direction;  ///< the direction need not be a unit vector; distances count in its lengths
  float near = 0, far = 1e30F;
};

struct Hit {
  float distance;
  uint32_t triangle;
  float u, v;  ///< barycentric weights of the triangle's second and third vertex
};

class RayTracer {
 public:
  /// Copies the triangles and builds the tree. Throws Error when this build has no Embree.
  explicit RayTracer(const Object& object);
  ~RayTracer();
  RayTracer(const RayTracer&) = delete;
  RayTracer& operator=(const RayTracer&) = delete;

  /// Thread-safe. Both sides of a triangle count.
  std::optional<Hit> nearest(const Ray& ray) const;
  bool is_blocked(const Ray& ray) const;

 private:
  struct Scene;
  std::unique_ptr<Scene> scene_;
};

}  // namespace gsv3d
