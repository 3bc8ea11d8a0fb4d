// Objects that nobody made: parts composed by chance into things that look made (furniture, vessels, vehicles, houses, animals,
// and free compositions). The idea of training on such objects: Xie et al. 2024 (LRM-Zero), Jiang et al. 2024 (MegaSynth).
#pragma once

#include <string>
#include <vector>

#include "objects/object_entry.h"
#include "procedural/procedural_material.h"
#include "procedural/procedural_mesh.h"

namespace gsv3d {

/// An object while it is put together: up is +Y, the front +Z, sizes about 1.
class ObjectDraft {
 public:
  explicit ObjectDraft(Dice& dice) : materials(dice) {}
  void add(const PolygonMesh& mesh, uint32_t material);
  /// Some corner of what is there already, so that what is put there holds on to it. There must be a part.
  Vector some_place(Dice& dice) const;
  /// The normalised object. Throws Error when it has no surface.
  Object finish();
  MaterialKit materials;

 private:
  std::vector<PolygonMesh> parts_;
  std::vector<uint32_t> part_materials_;
};

/// A kind of thing and how one is drawn.
struct ProceduralKind {
  const char* name;
  int weight;
  void (*make)(Dice&, ObjectDraft&);
};
const std::vector<ProceduralKind>& furniture_kinds();  ///< and what stands on it: vessels, lamps, gadgets
const std::vector<ProceduralKind>& outdoor_kinds();    ///< vehicles, houses, plants, animals, towers
const std::vector<ProceduralKind>& free_kinds();       ///< compositions of primitives that are nothing in particular

struct ProceduralObject {
  std::string kind;
  Object object;
};
/// Object `index` of the set `seed`: the same for ever, whatever else is made.
ProceduralObject procedural_object(uint64_t seed, int64_t index);

/// Objects 0 … count - 1 as a source; ids "procedural-SEED/000000-KIND", each its own group, licence "none" (made by this
/// program).
std::vector<ObjectEntry> procedural_objects(int64_t count, uint64_t seed, const std::string& split);

}  // namespace gsv3d
