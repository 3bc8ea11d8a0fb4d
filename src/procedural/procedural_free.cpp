// Compositions of one to nine primitives that are nothing in particular: what gives shapes and colours their variety.
#include <cmath>

#include "procedural/procedural_object.h"

namespace gsv3d {
namespace {

/// A primitive of about unit size around the origin.
PolygonMesh any_primitive(Dice& dice) {
  const auto size = [&] { return dice.number(0.15F, 0.5F); };
  const auto centred = [](const PolygonMesh& mesh, float height) { return moved(mesh, {0, -height / 2, 0}); };
  const float height = dice.number(0.2F, 0.9F);
  switch (dice.whole(0, 11)) {
    case 0:
      return centred(box(2 * size(), height, 2 * size(), dice.chance(0.5F) ? dice.number(0.01F, 0.1F) : 0), height);
    case 1:
      return superquadric({size(), size(), size()});
    case 2:
      return centred(cylinder(size(), height, size(), dice.number(0, 0.05F)), height);
    case 3:
      return centred(cylinder(size(), height, 0), height);
    case 4:
      return torus(dice.number(0.25F, 0.45F), dice.number(0.05F, 0.18F));
    case 5: {
      const float radius = dice.number(0.1F, 0.25F);
      return centred(capsule(radius, height + 2 * radius), height + 2 * radius);
    }
    case 6:
      return centred(extruded(regular_outline(dice.whole(3, 8), size()), height, dice.chance(0.5F) ? 0.03F : 0), height);
    case 7:
      return centred(
          extruded(star_outline(dice.whole(4, 12), dice.number(0.35F, 0.5F), dice.number(0.18F, 0.35F)), 0.6F * height),
          0.6F * height);
    case 8: {  // lathe with a free profile
      std::vector<Point2> profile{{0, 0}};
      const int points = dice.whole(3, 7);
      for (int i = 0; i <= points; ++i)
        profile.push_back({dice.number(0.08F, 0.45F), height * static_cast<float>(i) / static_cast<float>(points)});
      profile.push_back({0, height});
      return centred(lathe(profile), height);
    }
    case 9:
      return centred(hollow_pot(size(), size(), size(), height, 0.03F), height);
    case 10:
      return centred(dice.chance(0.5F) ? box_frame(2 * size(), height, 2 * size(), dice.number(0.02F, 0.05F))
                                       : open_box(2 * size(), height, 2 * size(), 0.04F),
                     height);
    default:
      return superquadric({size(), size(), size()}, dice.number(0.2F, 2), dice.number(0.2F, 2));
  }
}

PolygonMesh any_pose(Dice& dice, PolygonMesh mesh) {
  if (dice.chance(0.4F)) return mesh;
  for (int axis = 0; axis < 3; ++axis)
    mesh = turned(mesh, axis, dice.chance(0.5F) ? 90 * static_cast<float>(dice.whole(0, 3)) : dice.number(0, 360));
  return mesh;
}

void make_mirrored(Dice& dice, ObjectDraft& draft) {
  const int parts = dice.whole(1, 5);
  draft.add(any_pose(dice, any_primitive(dice)), draft.materials.main());
  for (int i = 0; i < parts; ++i) {
    const float size = dice.number(0.3F, 0.9F);
    Vector place = draft.some_place(dice);
    const PolygonMesh part = stretched(any_pose(dice, any_primitive(dice)), {size, size, size});
    if (dice.chance(0.5F)) place[0] = 0;
    draft.add(with_mirror_image(moved(part, place)), draft.materials.any());
  }
}

void make_cluster(Dice& dice, ObjectDraft& draft) {
  draft.add(any_pose(dice, any_primitive(dice)), draft.materials.main());
  for (int i = 0, parts = dice.whole(1, 8); i < parts; ++i) {
    const float size = dice.number(0.3F, 0.9F);
    draft.add(moved(stretched(any_pose(dice, any_primitive(dice)), {size, size, size}), draft.some_place(dice)),
              draft.materials.any());
  }
}

void make_stack(Dice& dice, ObjectDraft& draft) {
  float y = 0;
  for (int i = 0, parts = dice.whole(2, 5); i < parts; ++i) {
    const PolygonMesh part = any_primitive(dice);
    float low = 1e9F, high = -1e9F;
    for (const Vector& p : part.positions) low = std::min(low, p[1]), high = std::max(high, p[1]);
    draft.add(moved(turned(part, 1, dice.chance(0.3F) ? dice.number(0, 90) : 0), {0, y - low, 0}),
              i == 0 ? draft.materials.main() : draft.materials.any());
    y += 0.97F * (high - low);
  }
}

void make_rosette(Dice& dice, ObjectDraft& draft) {
  draft.add(any_primitive(dice), draft.materials.main());
  for (int i = 0, rings = dice.whole(1, 3); i < rings; ++i) {
    const float size = dice.number(0.2F, 0.5F);
    const PolygonMesh part = moved(stretched(any_pose(dice, any_primitive(dice)), {size, size, size}),
                                   {0, dice.number(-0.4F, 0.4F), dice.number(0.25F, 0.6F)});
    draft.add(repeated_around(part, dice.whole(3, 8)), draft.materials.any());
  }
}

void make_cage(Dice& dice, ObjectDraft& draft) {
  const float width = dice.number(0.4F, 0.9F), height = dice.number(0.4F, 0.9F), radius = dice.number(0.015F, 0.04F);
  const uint32_t bars = dice.chance(0.4F) ? draft.materials.metal() : draft.materials.second();
  switch (dice.whole(0, 2)) {
    case 0:
      draft.add(box_frame(width, height, dice.number(0.4F, 0.9F), radius), bars);
      break;
    case 1:  // bird cage
      draft.add(repeated_around(moved(cylinder(radius, height, radius), {0, 0, width / 2}), dice.whole(8, 14)), bars);
      draft.add(joined({cylinder(0.55F * width, 0.04F, 0.55F * width),
                        moved(cylinder(0.55F * width, dice.number(0.04F, 0.3F), 0.05F), {0, height, 0})}),
                draft.materials.main());
      break;
    default: {  // spiral
      std::vector<Vector> path;
      const float turns = dice.number(2, 4);
      for (int i = 0; i <= 48; ++i) {
        const float t = static_cast<float>(i) / 48, angle = 6.2831853F * turns * t;
        path.push_back({0.5F * width * std::cos(angle), height * t, 0.5F * width * std::sin(angle)});
      }
      const float thickness = 1.5F * radius;
      draft.add(tube(
                    path, [=](float) { return thickness; }, 7),
                bars);
      draft.add(cylinder(0.6F * width, 0.05F, 0.6F * width, 0.01F), draft.materials.main());
    }
  }
  const float inside = 0.6F;
  draft.add(moved(stretched(any_primitive(dice), {inside * width, inside * height, inside * width}), {0, 0.5F * height, 0}),
            draft.materials.accent());
}

void make_landscape(Dice& dice, ObjectDraft& draft) {
  std::array<std::array<float, 3>, 4> hills{};
  for (auto& [x, z, rise] : hills) x = dice.number(0, 1), z = dice.number(0, 1), rise = dice.number(0.05F, 0.4F);
  const float width = dice.number(12, 40);
  const auto height = [&](float s, float t) {
    float y = 0.08F;
    for (const auto& [x, z, rise] : hills) y += rise * std::exp(-width * ((s - x) * (s - x) + (t - z) * (t - z)));
    return y;
  };
  draft.add(height_field(1, 14, height), dice.chance(0.6F) ? draft.materials.green() : draft.materials.main());
  for (int i = 0, things = dice.whole(1, 5); i < things; ++i) {
    const float s = dice.number(0.15F, 0.85F), t = dice.number(0.15F, 0.85F), size = dice.number(0.15F, 0.35F);
    draft.add(moved(stretched(any_primitive(dice), {size, size, size}), {s - 0.5F, height(s, t) + 0.3F * size, t - 0.5F}),
              draft.materials.any());
  }
}

}  // namespace

const std::vector<ProceduralKind>& free_kinds() {
  static const std::vector<ProceduralKind> kinds{{"mirrored", 12, make_mirrored}, {"cluster", 9, make_cluster},
                                                 {"stack", 7, make_stack},        {"rosette", 6, make_rosette},
                                                 {"cage", 4, make_cage},          {"landscape", 3, make_landscape}};
  return kinds;
}

}  // namespace gsv3d
