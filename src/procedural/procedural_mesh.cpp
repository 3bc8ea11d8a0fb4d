#include "procedural/procedural_mesh.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace gsv3d {
namespace {

constexpr float kPi = std::numbers::pi_v<float>;

float radians(float degrees) {
  return degrees * kPi / 180;
}

float distance(const Vector& a, const Vector& b) {
  return length(subtract(a, b));
}

/// Two triangles per cell, because a cell at a pole has only three corners; those without an area are dropped later.
void add_cells(PolygonMesh& mesh, uint32_t first, int rows, int columns) {
  for (int row = 0; row < rows; ++row)
    for (int column = 0; column < columns; ++column) {
      const uint32_t a = first + static_cast<uint32_t>(row * (columns + 1) + column), b = a + 1,
                     c = a + static_cast<uint32_t>(columns + 1), d = c + 1;
      mesh.faces.push_back({a, b, d});
      mesh.faces.push_back({a, d, c});
    }
}

/// (rows + 1) × (columns + 1) vertices of a surface over [0, 1]²; texture coordinates are (s · across, t · along).
PolygonMesh surface(int rows, int columns, const Point2& span, const std::function<Vector(float, float)>& point) {
  PolygonMesh mesh;
  for (int row = 0; row <= rows; ++row)
    for (int column = 0; column <= columns; ++column) {
      const float s = static_cast<float>(column % columns == 0 && column > 0 ? columns : column) / static_cast<float>(columns),
                  t = static_cast<float>(row) / static_cast<float>(rows);
      mesh.positions.push_back(point(s, t));
      mesh.uvs.push_back({s * span[0], t * span[1]});
    }
  add_cells(mesh, 0, rows, columns);
  return mesh;
}

/// Closed surfaces meet themselves exactly, so that shading has no seam.
float turn_of(float s) {
  return s >= 1 ? 0 : 2 * kPi * s;
}

float whole_turns(float circumference) {
  return std::max(1.0F, std::round(circumference));
}

float power(float base, float exponent) {
  return std::copysign(std::pow(std::abs(base), exponent), base);
}

/// The outline with every corner moved inward along the mean of its edges' normals.
std::vector<Point2> inset(const std::vector<Point2>& outline, float amount) {
  const size_t n = outline.size();
  float area = 0;
  for (size_t i = 0; i < n; ++i) {
    const auto &a = outline[i], &b = outline[(i + 1) % n];
    area += a[0] * b[1] - b[0] * a[1];
  }
  const float side = area < 0 ? 1.0F : -1.0F;
  std::vector<Point2> result(n);
  for (size_t i = 0; i < n; ++i) {
    const auto &before = outline[(i + n - 1) % n], &here = outline[i], &after = outline[(i + 1) % n];
    Vector in = unit({here[0] - before[0], here[1] - before[1], 0}), out = unit({after[0] - here[0], after[1] - here[1], 0});
    const Vector normal = unit({side * (in[1] + out[1]), -side * (in[0] + out[0]), 0});
    const float cosine = std::max(0.5F, side * (normal[0] * in[1] - normal[1] * in[0]));
    result[i] = {here[0] + normal[0] * amount / cosine, here[1] + normal[1] * amount / cosine};
  }
  return result;
}

}  // namespace

PolygonMesh joined(const std::vector<PolygonMesh>& parts) {
  PolygonMesh whole;
  for (const PolygonMesh& part : parts) {
    const auto first = static_cast<uint32_t>(whole.positions.size());
    whole.positions.insert(whole.positions.end(), part.positions.begin(), part.positions.end());
    whole.uvs.insert(whole.uvs.end(), part.uvs.begin(), part.uvs.end());
    for (const auto& face : part.faces) {
      whole.faces.push_back(face);
      for (uint32_t& index : whole.faces.back()) index += first;
    }
  }
  return whole;
}

PolygonMesh moved(PolygonMesh mesh, const Vector& offset) {
  for (Vector& p : mesh.positions)
    for (int axis = 0; axis < 3; ++axis) p[axis] += offset[axis];
  return mesh;
}

PolygonMesh stretched(PolygonMesh mesh, const Vector& factors) {
  for (Vector& p : mesh.positions)
    for (int axis = 0; axis < 3; ++axis) p[axis] *= factors[axis];
  return mesh;
}

PolygonMesh turned(PolygonMesh mesh, int axis, float degrees) {
  const float cosine = std::cos(radians(degrees)), sine = std::sin(radians(degrees));
  const int i = (axis + 1) % 3, j = (axis + 2) % 3;
  for (Vector& p : mesh.positions) {
    const float a = p[i], b = p[j];
    p[i] = cosine * a - sine * b;
    p[j] = sine * a + cosine * b;
  }
  return mesh;
}

PolygonMesh with_mirror_image(const PolygonMesh& mesh) {
  return joined({mesh, stretched(mesh, {-1, 1, 1})});
}

PolygonMesh repeated_around(const PolygonMesh& mesh, int count) {
  std::vector<PolygonMesh> copies;
  for (int i = 0; i < count; ++i) copies.push_back(turned(mesh, 1, 360 * static_cast<float>(i) / static_cast<float>(count)));
  return joined(copies);
}

PolygonMesh lathe(const std::vector<Point2>& profile, int segments) {
  float widest = 0;
  for (const auto& point : profile) widest = std::max(widest, point[0]);
  const float turns = whole_turns(2 * kPi * widest);
  PolygonMesh mesh;
  float along = 0;
  for (size_t i = 0; i < profile.size(); ++i) {
    if (i > 0) along += std::hypot(profile[i][0] - profile[i - 1][0], profile[i][1] - profile[i - 1][1]);
    for (int k = 0; k <= segments; ++k) {
      const float s = static_cast<float>(k) / static_cast<float>(segments), turn = turn_of(s);
      mesh.positions.push_back({profile[i][0] * std::sin(turn), profile[i][1], profile[i][0] * std::cos(turn)});
      mesh.uvs.push_back({s * turns, along});
    }
  }
  add_cells(mesh, 0, static_cast<int>(profile.size()) - 1, segments);
  return mesh;
}

PolygonMesh cylinder(float radius, float height, float top_radius, float bevel) {
  bevel = std::min({bevel, 0.4F * radius, 0.4F * height, std::max(0.4F * top_radius, 0.0F)});
  if (bevel <= 0) return lathe({{0, 0}, {radius, 0}, {top_radius, height}, {0, height}});
  return lathe(
      {{0, 0}, {radius - bevel, 0}, {radius, bevel}, {top_radius, height - bevel}, {top_radius - bevel, height}, {0, height}});
}

PolygonMesh capsule(float radius, float height) {
  const float straight = std::max(height - 2 * radius, 0.0F);
  std::vector<Point2> profile;
  for (int i = 0; i <= 10; ++i) {
    const float angle = kPi * (static_cast<float>(i) / 10 - 0.5F);
    const float y = radius + radius * std::sin(angle) + (i > 5 ? straight : 0);
    profile.push_back({i % 10 == 0 ? 0 : radius * std::cos(angle), y});
    if (i == 5) profile.push_back({radius, radius + straight});
  }
  return lathe(profile, 18);
}

PolygonMesh hollow_pot(float foot, float belly, float rim, float height, float wall) {
  std::vector<Point2> profile{{0, 0}};
  const auto radius = [&](float t) {
    const float a = (1 - t) * (1 - t), b = 2 * t * (1 - t), c = t * t;
    return a * foot + b * (2 * belly - 0.5F * (foot + rim)) + c * rim;
  };
  for (int i = 0; i <= 7; ++i) {
    const float t = static_cast<float>(i) / 7;
    profile.push_back({std::max(radius(t), 0.3F * foot), t * height});
  }
  for (int i = 7; i >= 1; --i) {
    const float t = static_cast<float>(i) / 7;
    profile.push_back({std::max(std::max(radius(t), 0.3F * foot) - wall, 0.01F), std::max(t * height, wall)});
  }
  profile.push_back({0, std::max(height / 7, wall)});
  return lathe(profile);
}

PolygonMesh extruded(const std::vector<Point2>& outline, float height, float bevel) {
  bevel = std::clamp(bevel, 0.0F, 0.45F * height);
  struct Level {
    float y, inset;
  };
  std::vector<Level> levels{{0, 0}, {height, 0}};
  if (bevel > 0) levels = {{0, bevel}, {bevel, 0}, {height - bevel, 0}, {height, bevel}};
  PolygonMesh mesh;
  const auto corners = static_cast<int>(outline.size());
  float perimeter = 0;
  std::vector<float> along{0};
  for (int i = 0; i < corners; ++i) {
    const auto &a = outline[i], &b = outline[(i + 1) % corners];
    along.push_back(perimeter += std::hypot(b[0] - a[0], b[1] - a[1]));
  }
  for (const Level& level : levels) {
    const auto ring = level.inset > 0 ? inset(outline, level.inset) : outline;
    for (int i = 0; i <= corners; ++i) {
      mesh.positions.push_back({ring[i % corners][0], level.y, ring[i % corners][1]});
      mesh.uvs.push_back({along[i], level.y});
    }
  }
  add_cells(mesh, 0, static_cast<int>(levels.size()) - 1, corners);
  for (const Level& level : {levels.front(), levels.back()}) {
    std::vector<uint32_t> cap;
    for (const auto& point : level.inset > 0 ? inset(outline, level.inset) : outline) {
      cap.push_back(static_cast<uint32_t>(mesh.positions.size()));
      mesh.positions.push_back({point[0], level.y, point[1]});
      mesh.uvs.push_back({point[0], point[1]});
    }
    mesh.faces.push_back(cap);
  }
  return mesh;
}

std::vector<Point2> rectangle_outline(float width, float depth, float chamfer) {
  const float x = width / 2, z = depth / 2, c = std::min(chamfer, 0.45F * std::min(width, depth));
  if (c <= 0) return {{-x, -z}, {x, -z}, {x, z}, {-x, z}};
  return {{-x + c, -z}, {x - c, -z}, {x, -z + c}, {x, z - c}, {x - c, z}, {-x + c, z}, {-x, z - c}, {-x, -z + c}};
}

std::vector<Point2> regular_outline(int corners, float radius) {
  return star_outline(corners, radius, -1);
}

std::vector<Point2> star_outline(int points, float outer, float inner) {
  std::vector<Point2> outline;
  const int count = inner < 0 ? points : 2 * points;
  for (int i = 0; i < count; ++i) {
    const float angle = 2 * kPi * static_cast<float>(i) / static_cast<float>(count);
    const float radius = inner >= 0 && i % 2 == 1 ? inner : outer;
    outline.push_back({radius * std::sin(angle), radius * std::cos(angle)});
  }
  return outline;
}

PolygonMesh box(float width, float height, float depth, float bevel) {
  bevel = std::min(bevel, 0.3F * std::min({width, height, depth}));
  return extruded(rectangle_outline(width, depth, bevel), height, bevel);
}

PolygonMesh open_box(float width, float height, float depth, float wall) {
  const PolygonMesh side = moved(box(wall, height, depth), {width / 2 - wall / 2, 0, 0});
  const PolygonMesh slab = box(width - 2 * wall, wall, depth);
  return joined({with_mirror_image(side), slab, moved(slab, {0, height - wall, 0}),
                 moved(box(width - 2 * wall, height - 2 * wall, wall), {0, wall, -depth / 2 + wall / 2})});
}

PolygonMesh superquadric(const Vector& half, float vertical, float horizontal) {
  const Point2 span{whole_turns(kPi * (half[0] + half[2])), kPi * half[1]};
  return surface(12, 22, span, [&](float s, float t) {
    const float turn = turn_of(s), rise = kPi * (t - 0.5F), ring = t <= 0 || t >= 1 ? 0 : power(std::cos(rise), vertical);
    return Vector{half[0] * ring * power(std::sin(turn), horizontal), half[1] * power(std::sin(rise), vertical),
                  half[2] * ring * power(std::cos(turn), horizontal)};
  });
}

PolygonMesh ball(float radius) {
  return superquadric({radius, radius, radius});
}

PolygonMesh torus(float radius, float thickness) {
  const Point2 span{whole_turns(2 * kPi * radius), whole_turns(2 * kPi * thickness)};
  return surface(10, 24, span, [&](float s, float t) {
    const float turn = turn_of(s), around = turn_of(t), ring = radius + thickness * std::cos(around);
    return Vector{ring * std::sin(turn), thickness * std::sin(around), ring * std::cos(turn)};
  });
}

PolygonMesh tube(const std::vector<Vector>& path, const std::function<float(float)>& radius, int segments) {
  PolygonMesh mesh;
  const auto count = static_cast<int>(path.size());
  float along = 0;
  Vector side{0, 0, 0};
  std::vector<uint32_t> first, last;
  for (int i = 0; i < count; ++i) {
    const Vector direction = unit(subtract(path[std::min(i + 1, count - 1)], path[std::max(i - 1, 0)]));
    // The frame is carried along the path, so that it does not twist.
    if (i == 0) side = std::abs(direction[0]) < 0.7F ? Vector{1, 0, 0} : Vector{0, 1, 0};
    const float lean = dot(side, direction);
    side = unit({side[0] - lean * direction[0], side[1] - lean * direction[1], side[2] - lean * direction[2]});
    const Vector other = cross(direction, side);
    if (i > 0) along += distance(path[i], path[i - 1]);
    const float r = radius(static_cast<float>(i) / static_cast<float>(count - 1));
    for (int k = 0; k <= segments; ++k) {
      const float s = static_cast<float>(k) / static_cast<float>(segments), c = r * std::cos(turn_of(s)),
                  d = r * std::sin(turn_of(s));
      const auto index = static_cast<uint32_t>(mesh.positions.size());
      if (i == 0 && k < segments) first.push_back(index);
      if (i == count - 1 && k < segments) last.push_back(index);
      mesh.positions.push_back({path[i][0] + c * side[0] + d * other[0], path[i][1] + c * side[1] + d * other[1],
                                path[i][2] + c * side[2] + d * other[2]});
      mesh.uvs.push_back({s, along});
    }
  }
  add_cells(mesh, 0, count - 1, segments);
  mesh.faces.push_back(first);
  mesh.faces.push_back(last);
  return mesh;
}

PolygonMesh rod(const Vector& from, const Vector& to, float radius) {
  return tube({from, to}, [=](float) { return radius; });
}

PolygonMesh box_frame(float width, float height, float depth, float radius) {
  const float x = width / 2, z = depth / 2;
  std::vector<PolygonMesh> rods;
  for (const float a : {-1.0F, 1.0F})
    for (const float b : {0.0F, 1.0F}) {
      rods.push_back(rod({a * x, 0, (2 * b - 1) * z}, {a * x, height, (2 * b - 1) * z}, radius));
      rods.push_back(rod({-x, b * height, a * z}, {x, b * height, a * z}, radius));
      rods.push_back(rod({a * x, b * height, -z}, {a * x, b * height, z}, radius));
    }
  return joined(rods);
}

std::vector<Vector> arc(float radius_x, float radius_y, float from_degrees, float to_degrees, int steps) {
  std::vector<Vector> path;
  for (int i = 0; i <= steps; ++i) {
    const float angle = radians(from_degrees + (to_degrees - from_degrees) * static_cast<float>(i) / static_cast<float>(steps));
    path.push_back({radius_x * std::cos(angle), radius_y * std::sin(angle), 0});
  }
  return path;
}

PolygonMesh height_field(float size, int steps, const std::function<float(float, float)>& height) {
  const auto place = [&](float s, float t) { return Vector{size * (s - 0.5F), height(s, t), size * (t - 0.5F)}; };
  std::vector<PolygonMesh> parts{surface(steps, steps, {size, size}, place)};
  const auto skirt = [&](const std::function<Point2(float)>& edge) {
    parts.push_back(surface(1, steps, {size, 0.2F}, [&](float s, float t) {
      const auto [u, v] = edge(s);
      Vector p = place(u, v);
      p[1] *= t;
      return p;
    }));
  };
  for (const float side : {0.0F, 1.0F}) {
    skirt([side](float s) { return Point2{s, side}; });
    skirt([side](float s) { return Point2{side, s}; });
  }
  const float half = size / 2;
  PolygonMesh floor{{{-half, 0, -half}, {half, 0, -half}, {half, 0, half}, {-half, 0, half}},
                    {{0, 0}, {size, 0}, {size, size}, {0, size}},
                    {{0, 1, 2, 3}}};
  parts.push_back(floor);
  return joined(parts);
}

}  // namespace gsv3d
