#include "procedural/procedural_object.h"

#include "core/error.h"
#include "objects/mesh_builder.h"

namespace gsv3d {
namespace {

std::vector<ProceduralKind> all_kinds() {
  std::vector<ProceduralKind> kinds;
  for (const auto* some : {&furniture_kinds(), &outdoor_kinds(), &free_kinds()})
    kinds.insert(kinds.end(), some->begin(), some->end());
  return kinds;
}

const ProceduralKind& drawn_kind(Dice& dice) {
  static const std::vector<ProceduralKind> kinds = all_kinds();
  int total = 0;
  for (const auto& kind : kinds) total += kind.weight;
  int left = dice.whole(0, total - 1);
  for (const auto& kind : kinds)
    if ((left -= kind.weight) < 0) return kind;
  return kinds.back();
}

Dice dice_of(uint64_t seed, int64_t index) {
  return Dice(text_hash(fmt::format("procedural {} {}", seed, index)));
}

}  // namespace

void ObjectDraft::add(const PolygonMesh& mesh, uint32_t material) {
  parts_.push_back(mesh);
  part_materials_.push_back(material);
}

Vector ObjectDraft::some_place(Dice& dice) const {
  return dice.one_of(dice.one_of(parts_).positions);
}

Object ObjectDraft::finish() {
  MeshBuilder builder;
  for (size_t i = 0; i < parts_.size(); ++i) {
    const PolygonMesh& part = parts_[i];
    const float repeats = materials.repeats(part_materials_[i]);
    const auto first = static_cast<int32_t>(builder.positions.size());
    builder.positions.insert(builder.positions.end(), part.positions.begin(), part.positions.end());
    for (const auto& uv : part.uvs) builder.uvs.push_back({uv[0] * repeats, uv[1] * repeats});
    for (const auto& face : part.faces) {
      std::vector<Corner> corners;
      for (uint32_t index : face) {
        const int32_t place = first + static_cast<int32_t>(index);
        corners.push_back({place, place, -1});
      }
      builder.add_polygon(corners, part_materials_[i]);
    }
  }
  Object object = builder.build();
  materials.give_to(object);
  normalize_object(object);
  return object;
}

ProceduralObject procedural_object(uint64_t seed, int64_t index) {
  Dice dice = dice_of(seed, index);
  const ProceduralKind& kind = drawn_kind(dice);
  ObjectDraft draft(dice);
  kind.make(dice, draft);
  return {kind.name, draft.finish()};
}

std::vector<ObjectEntry> procedural_objects(int64_t count, uint64_t seed, const std::string& split) {
  require(count >= 1 && count <= 10'000'000, "{} procedural objects cannot be made; 1 to 10 million can", count);
  std::vector<ObjectEntry> entries;
  entries.reserve(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) {
    Dice dice = dice_of(seed, i);
    const std::string kind = drawn_kind(dice).name, id = fmt::format("procedural-{}/{:06}-{}", seed, i, kind);
    entries.push_back({id, id, split, kind, "", "none", "made by gsv3d data synthesize",
                       [seed, i] { return procedural_object(seed, i).object; }});
  }
  return entries;
}

}  // namespace gsv3d
