#include "mesh/physical_size.h"

#include <array>
#include <charconv>
#include <utility>

#include "core/error.h"

namespace gsv3d {

double parse_length(const std::string& text, const std::string& option) {
  constexpr double kShortest = 1e-4, kLongest = 1e3;
  static constexpr std::array<std::pair<const char*, double>, 4> kUnits = {
      {{"mm", 1e-3}, {"cm", 1e-2}, {"m", 1}, {"in", 0.0254}}};
  double value = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value);
  std::string unit(parsed.ptr, end);
  unit.erase(0, unit.find_first_not_of(' '));
  for (const auto& [name, metres] : kUnits) {
    if (parsed.ec != std::errc() || unit != name) continue;
    if (value * metres >= kShortest && value * metres <= kLongest) return value * metres;
    throw UsageError(fmt::format("{} {}: lengths from 0.1 mm to 1 km can be asked for", option, text));
  }
  throw UsageError(fmt::format("{} {}: a number and its unit is needed, mm, cm, m or in, such as 12cm", option, text));
}

Mesh scaled_to(Mesh mesh, const PhysicalSize& physical, LengthUnit unit) {
  const auto [side, metres] = physical;
  const Box box = bounding_box(mesh);
  const float now = side == SizedSide::kHeight ? box.size().y : box.longest_side();
  require(!box.empty() && now > 0, "mesh: the object has no extent, so it cannot be {} m large", metres);
  const auto factor = static_cast<float>(metres * (unit == LengthUnit::kMillimetre ? 1000 : 1) / now);
  for (Vector3& p : mesh.positions) p = p * factor;
  mesh.unit = unit;
  return mesh;
}

Mesh turned_z_up(Mesh mesh) {
  for (std::vector<Vector3>* list : {&mesh.positions, &mesh.normals})
    for (Vector3& p : *list) p = {p.x, -p.z, p.y};
  mesh.up = UpAxis::kZ;
  return mesh;
}

void check_placement(const Placement& placement, MeshFormat format) {
  if (format == MeshFormat::kGlb && placement.up == UpAxis::kZ)
    throw UsageError("--up z: glTF files are always +Y up, and programs turn them themselves; write OBJ, PLY or STL");
}

Mesh placed(Mesh mesh, const Placement& placement, MeshFormat format) {
  check_placement(placement, format);
  const bool stl = format == MeshFormat::kStl;
  if (placement.size)
    mesh = scaled_to(std::move(mesh), *placement.size, stl ? LengthUnit::kMillimetre : LengthUnit::kMetre);
  else if (stl)
    mesh = scaled_to(std::move(mesh), kStlDefaultSize, LengthUnit::kMillimetre);
  if (placement.up.value_or(stl ? UpAxis::kZ : UpAxis::kY) == UpAxis::kZ) mesh = turned_z_up(std::move(mesh));
  return mesh;
}

}  // namespace gsv3d
