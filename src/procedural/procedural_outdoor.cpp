// Vehicles, houses, towers, plants, animals, robots.
#include <cmath>

#include "procedural/procedural_object.h"

namespace gsv3d {
namespace {

/// A wheel whose axle runs along x, its middle at the origin.
PolygonMesh tyre(float radius, float width) {
  return turned(moved(cylinder(radius, width, radius, 0.02F), {0, -width / 2, 0}), 2, 90);
}

void make_vehicle(Dice& dice, ObjectDraft& draft) {
  const float length = dice.number(0.8F, 1.4F), width = dice.number(0.4F, 0.6F), body = dice.number(0.15F, 0.35F),
              wheel = dice.number(0.09F, 0.18F), floor = 0.8F * wheel;
  draft.add(moved(box(width, body, length, dice.number(0.02F, 0.1F)), {0, floor, 0}), draft.materials.main());
  const int axles = dice.whole(2, 3);
  const uint32_t rubber = draft.materials.dark(), hub = draft.materials.metal();
  for (int i = 0; i < axles; ++i) {
    const float z = 0.65F * length * (static_cast<float>(i) / static_cast<float>(axles - 1) - 0.5F);
    draft.add(with_mirror_image(moved(tyre(wheel, 0.1F), {0.5F * width, wheel, z})), rubber);
    draft.add(with_mirror_image(moved(tyre(0.5F * wheel, 0.12F), {0.5F * width, wheel, z})), hub);
  }
  const uint32_t glass = draft.materials.plain(hsv(0.55F, dice.number(0.1F, 0.5F), dice.number(0.3F, 0.85F)));
  const float top = floor + body;
  const int style = dice.whole(0, 3);
  if (style == 1) {  // lorry: cab in front, load behind
    draft.add(moved(box(0.9F * width, 0.3F, 0.28F * length, 0.04F), {0, top, 0.33F * length}), draft.materials.second());
    draft.add(moved(box(0.8F * width, 0.14F, 0.02F), {0, top + 0.12F, 0.475F * length}), glass);
    draft.add(moved(dice.chance(0.5F)
                        ? box(0.95F * width, dice.number(0.2F, 0.5F), 0.62F * length, 0.02F)
                        : moved(turned(capsule(0.45F * width, 0.62F * length), 0, 90), {0, 0.4F * width, -0.31F * length}),
                    {0, top, -0.17F * length}),
              draft.materials.accent());
  }
  if (style == 2) {  // locomotive
    draft.add(
        moved(turned(cylinder(0.4F * width, 0.6F * length, 0.4F * width, 0.02F), 0, 90), {0, top + 0.3F * width, -0.1F * length}),
        draft.materials.second());
    draft.add(moved(box(0.9F * width, 0.45F, 0.3F * length), {0, top, -0.33F * length}), draft.materials.main());
    draft.add(moved(box(1.05F * width, 0.05F, 0.36F * length), {0, top + 0.45F, -0.33F * length}), draft.materials.accent());
    draft.add(moved(cylinder(0.06F, 0.35F, 0.09F), {0, top + 0.5F * width, 0.3F * length}), draft.materials.dark());
  }
  if (style == 3 || style == 0) {  // bus, or the car's roof
    const float height = style == 0 ? dice.number(0.12F, 0.25F) : dice.number(0.2F, 0.4F), run = style == 0 ? 0.5F : 0.96F;
    draft.add(moved(box(0.92F * width, height, run * length, 0.05F), {0, top, style == 0 ? -0.05F * length : 0}), glass);
    draft.add(moved(box(0.95F * width, 0.05F, run * length, 0.02F), {0, top + height, style == 0 ? -0.05F * length : 0}),
              draft.materials.main());
  }
  draft.add(with_mirror_image(moved(ball(0.05F), {0.35F * width, floor + 0.55F * body, 0.5F * length})),
            draft.materials.plain({1, 0.95F, 0.7F}));
}

void make_house(Dice& dice, ObjectDraft& draft) {
  const float width = dice.number(0.5F, 0.9F), depth = dice.number(0.5F, 1), wall = dice.number(0.3F, 0.9F),
              roof = dice.number(0.15F, 0.5F);
  draft.add(box(width, wall, depth), draft.materials.main());
  const uint32_t tiles = draft.materials.second(), frame = draft.materials.accent(),
                 glass = draft.materials.plain({0.35F, 0.5F, 0.65F});
  const float over = 0.08F;
  if (dice.chance(0.65F)) {  // gable along z
    const PolygonMesh gable = extruded({{-0.5F * width - over, 0}, {0.5F * width + over, 0}, {0, -roof}}, depth + 2 * over);
    draft.add(moved(turned(gable, 0, 90), {0, wall, -0.5F * depth - over}), tiles);
  } else {  // hip
    draft.add(moved(stretched(turned(lathe({{0, 0}, {0.75F, 0}, {0, roof}}, 4), 1, 45), {width, 1, depth}), {0, wall, 0}), tiles);
  }
  if (dice.chance(0.6F))
    draft.add(moved(box(0.12F, roof + 0.15F, 0.12F), {0.27F * width, wall, -0.2F * depth}), draft.materials.any());
  const float door = std::min(0.3F, 0.7F * wall);
  draft.add(moved(box(0.16F, door, 0.03F), {0, 0, 0.5F * depth}), frame);
  const int floors = wall > 0.6F ? 2 : 1;
  for (int level = 0; level < floors; ++level) {
    const float y = wall * (static_cast<float>(level) + 0.45F) / static_cast<float>(floors), size = 0.14F;
    for (const float x : {-0.3F, 0.3F}) {
      draft.add(moved(box(size + 0.03F, size + 0.03F, 0.02F), {x * width, y - 0.015F, 0.5F * depth}), frame);
      draft.add(moved(box(size, size, 0.03F), {x * width, y, 0.5F * depth}), glass);
      draft.add(with_mirror_image(moved(box(0.03F, size, size), {0.5F * width, y, x * depth})), glass);
    }
  }
  if (dice.chance(0.5F)) draft.add(moved(box(width + 0.3F, 0.05F, depth + 0.3F), {0, -0.05F, 0}), draft.materials.green());
}

void make_tower(Dice& dice, ObjectDraft& draft) {
  const int floors = dice.whole(2, 6), corners = dice.chance(0.4F) ? 24 : dice.whole(3, 8);
  float radius = dice.number(0.25F, 0.45F), y = 0;
  for (int i = 0; i < floors; ++i) {
    const float height = dice.number(0.08F, 0.4F);
    draft.add(
        moved(turned(extruded(regular_outline(corners, radius), height, dice.chance(0.4F) ? 0.02F : 0), 1, corners == 4 ? 45 : 0),
              {0, y, 0}),
        i % 2 == 0 ? draft.materials.main() : draft.materials.second());
    if (dice.chance(0.3F))
      draft.add(moved(repeated_around(moved(box(0.08F, 0.12F, 0.03F), {0, 0.25F * height, 0.93F * radius}), dice.whole(3, 8)),
                      {0, y, 0}),
                draft.materials.dark());
    y += height;
    radius *= dice.chance(0.25F) ? dice.number(1, 1.3F) : dice.number(0.6F, 0.98F);
  }
  switch (dice.whole(0, 3)) {
    case 0:
      draft.add(
          moved(turned(lathe({{0, 0}, {1.2F * radius, 0}, {0, dice.number(0.2F, 0.6F)}}, corners), 1, corners == 4 ? 45 : 0),
                {0, y, 0}),
          draft.materials.accent());
      break;
    case 1:
      draft.add(moved(ball(radius), {0, y + 0.3F * radius, 0}), draft.materials.accent());
      break;
    case 2:
      draft.add(moved(repeated_around(moved(box(0.25F * radius, 0.12F, 0.15F * radius), {0, 0, 0.85F * radius}), 8), {0, y, 0}),
                draft.materials.main());
      break;
    default:
      draft.add(moved(cylinder(0.015F, 0.4F, 0.015F), {0, y, 0}), draft.materials.metal());
      draft.add(moved(box(0.2F, 0.12F, 0.01F), {0.1F, y + 0.27F, 0}), draft.materials.accent());
  }
}

void make_plant(Dice& dice, ObjectDraft& draft) {
  const bool pot = dice.chance(0.6F);
  const float base = pot ? dice.number(0.2F, 0.35F) : 0;
  if (pot) {
    const float rim = dice.number(0.15F, 0.25F);
    draft.add(hollow_pot(0.7F * rim, 0.85F * rim, rim, base, 0.02F), draft.materials.main());
    draft.add(moved(cylinder(0.88F * rim, 0.02F, 0.88F * rim), {0, 0.85F * base, 0}),
              draft.materials.plain({0.22F, 0.14F, 0.09F}));
  }
  const float stem = dice.number(0.15F, 0.5F);
  const uint32_t leaf = draft.materials.green(), bark = draft.materials.plain(hsv(0.08F, 0.5F, dice.number(0.25F, 0.5F)));
  switch (dice.whole(0, 3)) {
    case 0: {  // a tree with a crown of balls
      draft.add(moved(cylinder(0.05F, stem + 0.15F, 0.035F), {0, 0.7F * base, 0}), bark);
      for (int i = 0; i < dice.whole(2, 6); ++i)
        draft.add(moved(ball(dice.number(0.14F, 0.26F)),
                        {dice.number(-0.2F, 0.2F), base + stem + dice.number(0, 0.3F), dice.number(-0.2F, 0.2F)}),
                  leaf);
      break;
    }
    case 1: {  // fir
      draft.add(moved(cylinder(0.05F, stem, 0.05F), {0, 0.7F * base, 0}), bark);
      const int layers = dice.whole(2, 4);
      for (int i = 0; i < layers; ++i) {
        const float share = static_cast<float>(i) / static_cast<float>(layers);
        draft.add(
            moved(cylinder(0.38F * (1 - 0.7F * share), 0.36F, 0.02F), {0, base + 0.5F * stem + 0.2F * static_cast<float>(i), 0}),
            leaf);
      }
      break;
    }
    case 2: {  // long leaves around
      const int count = dice.whole(5, 9);
      const float length = dice.number(0.4F, 0.8F), droop = dice.number(0.1F, 0.6F);
      std::vector<Vector> path;
      for (int i = 0; i <= 6; ++i) {
        const float t = static_cast<float>(i) / 6;
        path.push_back({0, base * 0.8F + length * (t - droop * t * t), 0.05F + 0.6F * length * t * t});
      }
      const PolygonMesh blade = stretched(tube(
                                              path, [](float t) { return 0.012F + 0.16F * t * (1 - t); }, 6),
                                          {1, 1, 1});
      draft.add(repeated_around(blade, count), leaf);
      draft.add(turned(stretched(repeated_around(blade, count - 2), {0.7F, 1.15F, 0.7F}), 1, 25), draft.materials.green());
      break;
    }
    default: {  // cactus or flower
      draft.add(moved(capsule(0.1F, stem + 0.25F), {0, 0.75F * base, 0}), leaf);
      const float y = base + 0.5F * stem;
      draft.add(tube({{0, y, 0}, {0.22F, y, 0}, {0.24F, y + 0.2F, 0}}, [](float) { return 0.06F; }), leaf);
      if (dice.chance(0.5F))
        draft.add(tube({{0, y + 0.08F, 0}, {-0.2F, y + 0.08F, 0}, {-0.22F, y + 0.22F, 0}}, [](float) { return 0.05F; }), leaf);
      draft.add(moved(extruded(star_outline(dice.whole(5, 8), 0.13F, 0.06F), 0.05F, 0.01F), {0, 0.75F * base + stem + 0.24F, 0}),
                draft.materials.accent());
    }
  }
}

void make_animal(Dice& dice, ObjectDraft& draft) {
  const float length = dice.number(0.3F, 0.55F), girth = dice.number(0.15F, 0.3F), leg = dice.number(0.12F, 0.4F),
              head = dice.number(0.12F, 0.25F);
  const uint32_t fur = draft.materials.main(), other = draft.materials.second(), dark = draft.materials.dark();
  const float belly = leg + 0.8F * girth;
  draft.add(moved(superquadric({girth, girth, length}, dice.number(0.6F, 1), dice.number(0.6F, 1)), {0, belly, 0}), fur);
  const float foot = dice.number(0.05F, 0.09F);
  for (const float z : {-0.6F, 0.6F})
    draft.add(with_mirror_image(moved(capsule(foot, belly), {0.6F * girth, 0, z * length})), dice.chance(0.5F) ? fur : other);
  const float up = dice.number(0, 0.35F), y = belly + 0.6F * girth + up, z = length + 0.2F * head;
  if (up > 0.1F)
    draft.add(tube(
                  {{0, belly, 0.8F * length}, {0, y, z}}, [&](float) { return 0.5F * head; }, 10),
              fur);
  draft.add(moved(superquadric({head, head, 1.1F * head}), {0, y, z}), fur);
  draft.add(moved(superquadric({0.5F * head, 0.45F * head, 0.6F * head}), {0, y - 0.25F * head, z + head}), other);
  draft.add(with_mirror_image(moved(ball(0.14F * head + 0.005F), {0.45F * head, y + 0.3F * head, z + 0.85F * head})), dark);
  const PolygonMesh ear = dice.chance(0.5F) ? cylinder(0.35F * head, dice.number(0.6F, 2) * head, 0.05F * head)
                                            : moved(superquadric({0.4F * head, 0.4F * head, 0.15F * head}), {0, 0.2F * head, 0});
  draft.add(with_mirror_image(moved(turned(ear, 2, -15), {0.5F * head, y + 0.75F * head, z})), other);
  const float tail = dice.number(0.15F, 0.4F);
  draft.add(
      tube(
          {{0, belly, -0.9F * length}, {0, belly + 0.3F * tail, -length - 0.5F * tail}, {0, belly + tail, -length - 0.7F * tail}},
          [](float t) { return 0.05F - 0.02F * t; }),
      fur);
}

void make_robot(Dice& dice, ObjectDraft& draft) {
  const float width = dice.number(0.3F, 0.5F), chest = dice.number(0.3F, 0.5F), depth = dice.number(0.2F, 0.35F),
              leg = dice.number(0.2F, 0.45F), head = dice.number(0.2F, 0.35F);
  const bool round = dice.chance(0.4F);
  const uint32_t body = draft.materials.main(), limb = draft.materials.second(), eye = draft.materials.accent();
  draft.add(moved(round ? superquadric({width / 2, chest / 2, depth / 2}, 0.6F, 0.6F)
                        : moved(box(width, chest, depth, 0.03F), {0, -chest / 2, 0}),
                  {0, leg + chest / 2, 0}),
            body);
  const float y = leg + chest;
  draft.add(moved(cylinder(0.05F, 0.08F, 0.05F), {0, y - 0.02F, 0}), limb);
  draft.add(
      moved(round ? moved(ball(head / 2), {0, head / 2, 0}) : box(head, 0.8F * head, 0.8F * head, 0.03F), {0, y + 0.04F, 0}),
      dice.chance(0.5F) ? body : limb);
  draft.add(with_mirror_image(moved(ball(0.13F * head), {0.22F * head, y + 0.04F + 0.5F * head, 0.4F * head})), eye);
  draft.add(with_mirror_image(joined({moved(capsule(0.06F, leg + 0.05F), {0.28F * width, 0, 0}),
                                      moved(box(0.14F, 0.07F, 0.24F, 0.02F), {0.28F * width, 0, 0.05F})})),
            limb);
  const float swing = dice.number(-40, 60);
  draft.add(
      with_mirror_image(moved(turned(turned(moved(capsule(0.055F, chest), {0, -chest, 0}), 0, -swing), 2, dice.number(5, 40)),
                              {width / 2 + 0.04F, y - 0.04F, 0})),
      limb);
  if (dice.chance(0.5F)) draft.add(moved(cylinder(0.012F, 0.15F, 0.012F), {0, y + head, 0}), limb);
  if (dice.chance(0.5F)) draft.add(moved(ball(0.04F), {0, y + head + 0.15F, 0}), eye);
  if (dice.chance(0.5F))
    draft.add(moved(box(0.55F * width, 0.35F * chest, 0.03F, 0.01F), {0, leg + 0.45F * chest, depth / 2}), draft.materials.any());
}

void make_rocket(Dice& dice, ObjectDraft& draft) {
  const float radius = dice.number(0.12F, 0.25F), length = dice.number(0.5F, 0.9F), nose = dice.number(0.2F, 0.4F);
  draft.add(
      moved(lathe({{0, 0}, {0.8F * radius, 0}, {radius, 0.3F * length}, {0.95F * radius, length}, {0, length}}), {0, 0.12F, 0}),
      draft.materials.main());
  draft.add(moved(lathe({{0.96F * radius, 0}, {0.75F * radius, 0.4F * nose}, {0.35F * radius, 0.8F * nose}, {0, nose}}),
                  {0, 0.12F + length, 0}),
            draft.materials.accent());
  const float reach = dice.number(0.15F, 0.3F);
  const PolygonMesh fin =
      moved(turned(extruded({{0, 0}, {reach, 0.15F}, {reach, 0.3F}, {0, -0.3F}}, 0.03F), 0, -90), {0.75F * radius, 0.3F, 0.015F});
  draft.add(repeated_around(fin, dice.whole(3, 4)), draft.materials.second());
  draft.add(cylinder(0.6F * radius, 0.14F, 0.4F * radius), draft.materials.dark());
  if (dice.chance(0.7F))
    draft.add(moved(turned(torus(0.35F * radius, 0.03F), 0, 90), {0, 0.12F + 0.7F * length, 0.95F * radius}),
              draft.materials.accent());
}

}  // namespace

const std::vector<ProceduralKind>& outdoor_kinds() {
  static const std::vector<ProceduralKind> kinds{
      {"vehicle", 7, make_vehicle}, {"house", 6, make_house}, {"tower", 4, make_tower},  {"plant", 6, make_plant},
      {"animal", 7, make_animal},   {"robot", 6, make_robot}, {"rocket", 3, make_rocket}};
  return kinds;
}

}  // namespace gsv3d
