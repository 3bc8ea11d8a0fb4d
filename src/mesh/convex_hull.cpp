#include "mesh/convex_hull.h"

#include "core/error.h"
#ifdef GSV3D_WITH_QHULL
#include <libqhull_r/qhull_ra.h>

#include <cmath>
#include <cstdio>
#include <memory>
#endif

namespace gsv3d {

#ifdef GSV3D_WITH_QHULL

bool has_convex_hull() {
  return true;
}

namespace {

/// Qhull's state, and a file for what it has to say: errors come back as a number.
struct Qhull {
  Qhull() : messages(std::fopen("/dev/null", "w"), &std::fclose) { qh_zero(&state, messages.get()); }
  ~Qhull() {
    qh_freeqhull(&state, !qh_ALL);
    int left_long, left_short;
    qh_memfreeshort(&state, &left_long, &left_short);
  }
  Qhull(const Qhull&) = delete;
  Qhull& operator=(const Qhull&) = delete;

  std::unique_ptr<FILE, int (*)(FILE*)> messages;
  qhT state;
};

}  // namespace

Mesh convex_hull(const Mesh& mesh) {
  std::vector<coordT> points;
  for (const Vector3& p : mesh.positions) points.insert(points.end(), {p.x, p.y, p.z});
  Qhull qhull;
  std::string command = "qhull Qt";  // facets with more corners are cut into triangles
  const int code = qh_new_qhull(&qhull.state, 3, static_cast<int>(mesh.positions.size()), points.data(), False, command.data(),
                                nullptr, qhull.messages.get());
  require(code == 0, "mesh: no convex hull, since the object is flat (Qhull's error {})", code);
  Mesh result;
  result.positions = mesh.positions;
  for (const facetT* facet = qhull.state.facet_list; facet && facet->next; facet = facet->next) {
    Mesh::Triangle triangle{};
    for (int i = 0; i < 3; ++i) {
      const auto* vertex = static_cast<const vertexT*>(facet->vertices->e[i].p);
      triangle[i] = static_cast<uint32_t>((vertex->point - points.data()) / 3);
    }
    // Sorted by Qhull's own numbers; its flag tells whether that is clockwise.
    if (!facet->toporient) std::swap(triangle[1], triangle[2]);
    result.triangles.push_back(triangle);
  }
  if (signed_volume(result) < 0)
    for (Mesh::Triangle& triangle : result.triangles) std::swap(triangle[1], triangle[2]);
  drop_unused_vertices(result);
  return result;
}

#else

bool has_convex_hull() {
  return false;
}

Mesh convex_hull(const Mesh&) {
  fail("this build makes no convex meshes for collisions: it was made without Qhull (GSV3D_WITH_QHULL)");
}

#endif

}  // namespace gsv3d
