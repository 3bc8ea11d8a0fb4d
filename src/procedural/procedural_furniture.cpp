// Tables, chairs, cabinets, sofas, lamps, vessels, gadgets, tools: things of a household.
#include <cmath>

#include "procedural/procedural_object.h"

namespace gsv3d {
namespace {

/// One leg whose top is at (x, y, z), standing on y = 0.
PolygonMesh leg(Dice& dice, float x, float y, float z, float thickness, int style) {
  switch (style) {
    case 0:
      return moved(box(thickness, y, thickness), {x, 0, z});
    case 1:
      return moved(cylinder(0.5F * thickness, y, 0.5F * thickness), {x, 0, z});
    case 2:
      return moved(cylinder(0.3F * thickness, y, 0.65F * thickness), {x, 0, z});
    case 3:  // turned on a lathe
      return moved(lathe({{0, 0},
                          {0.35F * thickness, 0},
                          {0.55F * thickness, 0.15F * y},
                          {0.3F * thickness, 0.35F * y},
                          {0.6F * thickness, 0.7F * y},
                          {0.6F * thickness, y},
                          {0, y}},
                         14),
                   {x, 0, z});
    default: {  // splayed
      const float out = dice.number(1.05F, 1.3F);
      return rod({x * out, 0, z * out}, {x * 0.85F, y, z * 0.85F}, 0.4F * thickness);
    }
  }
}

PolygonMesh four_legs(Dice& dice, float width, float height, float depth, float thickness) {
  const int style = dice.whole(0, 4);
  Dice same = dice;
  std::vector<PolygonMesh> legs;
  for (const float z : {-0.5F, 0.5F}) {
    Dice copy = same;
    legs.push_back(with_mirror_image(leg(copy, 0.5F * width - thickness / 2, height, z * (depth - thickness), thickness, style)));
  }
  return joined(legs);
}

void make_table(Dice& dice, ObjectDraft& draft) {
  const float width = dice.number(0.6F, 1.4F), depth = dice.number(0.45F, 0.9F), height = dice.number(0.35F, 0.85F),
              thickness = dice.number(0.03F, 0.1F);
  const uint32_t top = dice.chance(0.4F) ? draft.materials.wood() : draft.materials.main(),
                 below = dice.chance(0.5F) ? top : draft.materials.second();
  const bool round = dice.chance(0.4F);
  draft.add(moved(round ? stretched(cylinder(0.5F, thickness, 0.5F, 0.02F), {width, 1, dice.chance(0.5F) ? width : depth})
                        : box(width, thickness, depth, dice.number(0, 0.04F)),
                  {0, height, 0}),
            top);
  if (round && dice.chance(0.7F)) {
    const float radius = dice.number(0.03F, 0.08F);
    draft.add(cylinder(radius, height, radius * dice.number(0.6F, 1.3F)), below);
    draft.add(dice.chance(0.5F)
                  ? cylinder(0.3F * width, 0.05F, 0.25F * width, 0.02F)
                  : repeated_around(moved(box(0.06F, 0.06F, 0.35F * width, 0.01F), {0, 0, 0.17F * width}), dice.whole(3, 5)),
              below);
  } else {
    const float span = round ? 0.7F : 0.95F;
    draft.add(four_legs(dice, span * width, height, span * (round ? std::min(width, depth) : depth), dice.number(0.05F, 0.12F)),
              below);
    if (!round && dice.chance(0.5F))
      draft.add(moved(box(0.88F * width, 0.08F, 0.88F * depth), {0, height - 0.08F, 0}), dice.chance(0.5F) ? below : top);
    if (dice.chance(0.3F)) draft.add(moved(box(0.85F * width, 0.03F, 0.85F * depth), {0, 0.25F * height, 0}), top);
  }
  if (dice.chance(0.4F))
    draft.add(moved(hollow_pot(0.05F, dice.number(0.05F, 0.12F), 0.08F, dice.number(0.08F, 0.25F), 0.01F),
                    {0.2F * width, height + thickness, 0}),
              draft.materials.accent());
}

void make_chair(Dice& dice, ObjectDraft& draft) {
  const float width = dice.number(0.4F, 0.6F), depth = dice.number(0.4F, 0.55F), seat = dice.number(0.35F, 0.55F),
              back = dice.number(0.3F, 0.7F), thickness = dice.number(0.03F, 0.12F);
  const uint32_t frame = dice.chance(0.4F) ? draft.materials.wood() : draft.materials.second();
  draft.add(moved(dice.chance(0.25F) ? stretched(cylinder(0.5F, thickness, 0.5F, 0.02F), {width, 1, depth})
                                     : box(width, thickness, depth, dice.number(0, 0.06F)),
                  {0, seat, 0}),
            draft.materials.main());
  if (dice.chance(0.2F)) {  // on a column with castors
    draft.add(cylinder(0.04F, seat, 0.03F), draft.materials.metal());
    draft.add(
        repeated_around(moved(joined({moved(box(0.05F, 0.04F, 0.28F), {0, 0.05F, 0}), moved(ball(0.045F), {0, 0.04F, 0.14F})}),
                              {0, 0, 0.14F}),
                        5),
        draft.materials.dark());
  } else {
    draft.add(four_legs(dice, 0.95F * width, seat, 0.95F * depth, dice.number(0.04F, 0.08F)), frame);
  }
  const float lean = dice.number(0, 12), top = seat + thickness;
  const auto upright = [&](const PolygonMesh& mesh) { return moved(turned(mesh, 0, -lean), {0, top, -0.46F * depth}); };
  switch (dice.whole(0, 3)) {
    case 0:
      draft.add(upright(box(width, back, 0.05F, 0.02F)), draft.materials.main());
      break;
    case 1: {  // slats
      const int count = dice.whole(2, 5);
      for (int i = 0; i < count; ++i)
        draft.add(upright(moved(box(width, 0.5F * back / static_cast<float>(count), 0.03F),
                                {0, back * (static_cast<float>(i) + 0.4F) / static_cast<float>(count), 0})),
                  frame);
      draft.add(upright(with_mirror_image(moved(box(0.05F, back, 0.05F), {0.5F * width - 0.025F, 0, 0}))), frame);
      break;
    }
    case 2: {  // spindles
      for (int i = -2; i <= 2; ++i)
        draft.add(upright(moved(cylinder(0.018F, back, 0.018F), {0.2F * width * static_cast<float>(i), 0, 0})), frame);
      draft.add(upright(moved(box(width, 0.08F, 0.05F, 0.02F), {0, back, 0})), draft.materials.main());
      break;
    }
    default:
      draft.add(
          upright(moved(turned(stretched(cylinder(0.5F, 0.05F, 0.5F, 0.02F), {width, 1, back}), 0, 90), {0, 0.5F * back, 0})),
          draft.materials.main());
  }
  if (dice.chance(0.35F))
    draft.add(with_mirror_image(joined({moved(box(0.05F, 0.04F, depth), {0.5F * width, top + 0.2F, 0}),
                                        moved(box(0.04F, 0.2F, 0.04F), {0.5F * width, top, 0.4F * depth})})),
              frame);
}

void make_cabinet(Dice& dice, ObjectDraft& draft) {
  const float width = dice.number(0.4F, 1.2F), depth = dice.number(0.25F, 0.5F), height = dice.number(0.5F, 1.4F), wall = 0.035F;
  const uint32_t body = dice.chance(0.5F) ? draft.materials.wood() : draft.materials.main(), front = draft.materials.second();
  const float foot = dice.chance(0.6F) ? dice.number(0.04F, 0.15F) : 0;
  if (foot > 0) draft.add(four_legs(dice, width, foot, depth, 0.06F), body);
  draft.add(moved(open_box(width, height, depth, wall), {0, foot, 0}), body);
  const int rows = dice.whole(1, 5), columns = dice.whole(1, width > 0.7F ? 3 : 2);
  const float cell_x = (width - 2 * wall) / static_cast<float>(columns), cell_y = (height - 2 * wall) / static_cast<float>(rows);
  const float closed = dice.number(0, 1.3F);
  const bool bar = dice.chance(0.4F);
  for (int row = 0; row < rows; ++row)
    for (int column = 0; column < columns; ++column) {
      const float x = (static_cast<float>(column) + 0.5F) * cell_x - 0.5F * width + wall,
                  y = foot + wall + static_cast<float>(row) * cell_y;
      if (row > 0) draft.add(moved(box(cell_x, 0.02F, 0.9F * depth), {x, y, 0}), body);
      if (column > 0) draft.add(moved(box(0.02F, cell_y, 0.9F * depth), {x - 0.5F * cell_x, y, 0}), body);
      if (dice.number(0, 1) < closed) {  // a door or drawer with its knob
        draft.add(moved(box(0.94F * cell_x, 0.92F * cell_y, 0.03F, 0.008F), {x, y + 0.04F * cell_y, 0.5F * depth}), front);
        draft.add(moved(bar ? box(0.4F * cell_x, 0.02F, 0.03F) : ball(0.025F), {x, y + 0.6F * cell_y, 0.5F * depth + 0.03F}),
                  draft.materials.accent());
      } else if (dice.chance(0.6F)) {  // books or a ball
        const int books = dice.whole(2, 6);
        for (int i = 0; i < books; ++i)
          draft.add(moved(box(0.1F * cell_x, dice.number(0.45F, 0.85F) * cell_y, 0.6F * depth),
                          {x - 0.4F * cell_x + 0.12F * cell_x * static_cast<float>(i), y + 0.02F, 0}),
                    draft.materials.any());
      }
    }
}

void make_sofa(Dice& dice, ObjectDraft& draft) {
  const float width = dice.number(0.6F, 1.6F), depth = dice.number(0.5F, 0.75F), seat = dice.number(0.15F, 0.3F),
              back = dice.number(0.3F, 0.6F), arm = dice.number(0.08F, 0.18F);
  const bool bed = dice.chance(0.3F);
  const uint32_t cloth = draft.materials.main(), pillow = draft.materials.second();
  const float length = bed ? 1.4F : depth;
  draft.add(moved(box(width, seat, length, 0.03F), {0, 0.07F, 0}), cloth);
  draft.add(four_legs(dice, 0.95F * width, 0.07F, 0.95F * length, 0.06F), draft.materials.wood());
  draft.add(moved(box(width, back + seat, bed ? 0.06F : 0.15F, 0.04F), {0, 0.07F, -0.5F * length}),
            bed ? draft.materials.wood() : cloth);
  const int places = bed ? dice.whole(1, 2) : dice.whole(1, 3);
  const float inner = bed ? width : width - 2 * arm, place = inner / static_cast<float>(places);
  if (!bed) draft.add(with_mirror_image(moved(box(arm, seat + 0.2F, depth, 0.04F), {0.5F * (width - arm), 0.07F, 0.03F})), cloth);
  for (int i = 0; i < places; ++i) {
    const float x = (static_cast<float>(i) + 0.5F) * place - 0.5F * inner;
    if (bed) {
      draft.add(moved(superquadric({0.42F * place, 0.06F, 0.14F}, 0.7F, 0.4F), {x, seat + 0.13F, -0.33F * length}), pillow);
    } else {
      draft.add(moved(superquadric({0.5F * place, 0.07F, 0.45F * depth}, 0.4F, 0.25F), {x, seat + 0.1F, 0.06F}), pillow);
      if (dice.chance(0.4F))
        draft.add(moved(turned(superquadric({0.15F, 0.15F, 0.05F}, 0.6F, 0.6F), 0, -15), {x, seat + 0.32F, -0.2F * depth}),
                  draft.materials.accent());
    }
  }
  if (bed)
    draft.add(moved(box(1.02F * width, 0.06F, 0.65F * length, 0.02F), {0, seat + 0.04F, 0.18F * length}),
              draft.materials.accent());
}

void make_lamp(Dice& dice, ObjectDraft& draft) {
  const float pole = dice.number(0.3F, 1.2F), radius = dice.number(0.15F, 0.3F), shade = dice.number(0.15F, 0.35F);
  draft.add(cylinder(dice.number(0.12F, 0.22F), dice.number(0.03F, 0.07F), 0.12F, 0.015F), draft.materials.second());
  if (dice.chance(0.4F)) {
    draft.add(hollow_pot(0.07F, dice.number(0.08F, 0.18F), 0.03F, pole, 0.01F), draft.materials.main());
  } else {
    draft.add(cylinder(0.02F, pole, 0.02F), draft.materials.metal());
  }
  const float top = radius * dice.number(0.3F, 1), wall = 0.01F;
  switch (dice.whole(0, 2)) {
    case 0:
      draft.add(moved(superquadric({radius, 0.8F * shade, radius}), {0, pole + 0.4F * shade, 0}), draft.materials.accent());
      break;
    default:
      draft.add(
          moved(lathe({{radius - wall, 0}, {radius, 0}, {top, shade}, {top - wall, shade}, {radius - wall, 0}}), {0, pole, 0}),
          draft.materials.accent());
      draft.add(moved(ball(0.07F), {0, pole + 0.05F, 0}), draft.materials.plain({1, 0.95F, 0.8F}));
      draft.add(moved(cylinder(0.012F, shade, 0.012F), {0, pole, 0}), draft.materials.metal());
  }
}

void make_vessel(Dice& dice, ObjectDraft& draft) {
  const float height = dice.number(0.3F, 1), foot = dice.number(0.12F, 0.3F), belly = dice.number(0.15F, 0.45F),
              rim = dice.number(0.08F, 0.4F);
  const uint32_t body = draft.materials.main(), trim = draft.materials.accent();
  draft.add(hollow_pot(foot, belly, rim, height, 0.025F), body);
  const int handles = dice.whole(0, 2);
  if (handles > 0) {
    const float reach = dice.number(0.1F, 0.2F);
    const PolygonMesh handle = moved(tube(arc(reach, 0.3F * height, -90, 90), [](float) { return 0.028F; }),
                                     {0.45F * (belly + 0.5F * (foot + rim)), 0.52F * height, 0});
    draft.add(handles == 2 ? with_mirror_image(handle) : handle, dice.chance(0.5F) ? body : trim);
  }
  if (dice.chance(0.35F)) {  // a lid with its knob
    draft.add(moved(superquadric({1.05F * rim, 0.3F * rim, 1.05F * rim}), {0, height, 0}), trim);
    draft.add(moved(ball(0.2F * rim), {0, height + 0.4F * rim, 0}), draft.materials.second());
  } else if (dice.chance(0.4F)) {  // filled
    draft.add(moved(cylinder(0.9F * rim, 0.02F, 0.9F * rim), {0, 0.85F * height, 0}),
              draft.materials.plain({0.25F, 0.14F, 0.07F}));
  }
  if (dice.chance(0.3F))
    draft.add(tube({{-0.3F * belly, 0.35F * height, 0}, {-1.2F * belly, 0.5F * height, 0}, {-1.6F * belly, 0.95F * height, 0}},
                   [](float t) { return 0.07F - 0.04F * t; }),
              body);
  if (dice.chance(0.5F)) draft.add(moved(torus(std::max(rim - 0.012F, 0.03F), 0.022F), {0, height, 0}), trim);
}

void make_bottle(Dice& dice, ObjectDraft& draft) {
  const float radius = dice.number(0.12F, 0.25F), body = dice.number(0.3F, 0.7F), neck = radius * dice.number(0.25F, 0.6F),
              length = dice.number(0.1F, 0.3F), shoulder = dice.number(0.05F, 0.2F);
  draft.add(lathe({{0, 0},
                   {0.92F * radius, 0},
                   {radius, 0.03F},
                   {radius, body},
                   {0.7F * radius + 0.3F * neck, body + 0.6F * shoulder},
                   {neck, body + shoulder},
                   {neck, body + shoulder + length},
                   {0, body + shoulder + length}}),
            draft.materials.main());
  draft.add(moved(cylinder(1.25F * neck, 0.35F * length + 0.03F, 1.25F * neck, 0.01F), {0, body + shoulder + 0.8F * length, 0}),
            draft.materials.accent());
  if (dice.chance(0.7F))
    draft.add(moved(cylinder(1.01F * radius, 0.5F * body, 1.01F * radius), {0, 0.25F * body, 0}), draft.materials.second());
}

void make_gadget(Dice& dice, ObjectDraft& draft) {
  const float width = dice.number(0.4F, 1), height = dice.number(0.3F, 0.9F), depth = dice.number(0.1F, 0.6F),
              front = 0.5F * depth;
  const float foot = dice.chance(0.4F) ? 0.08F : 0;
  draft.add(moved(box(width, height, depth, dice.number(0.01F, 0.08F)), {0, foot, 0}), draft.materials.main());
  if (foot > 0) draft.add(four_legs(dice, 0.8F * width, foot, 0.8F * depth, 0.06F), draft.materials.dark());
  const auto on_front = [&](const PolygonMesh& mesh, float x, float y) {
    return moved(mesh, {x * width, foot + y * height, front});
  };
  const auto round = [](float radius, float length) { return turned(cylinder(radius, length, 0.9F * radius, 0.01F), 0, 90); };
  const float smaller = std::min(width, height);
  switch (dice.whole(0, 2)) {
    case 0:  // a screen and knobs
      draft.add(on_front(box(0.6F * width, 0.7F * height, 0.03F, 0.01F), -0.13F, 0.15F), draft.materials.dark());
      for (int i = 0; i < dice.whole(2, 4); ++i)
        draft.add(on_front(round(0.06F * smaller + 0.01F, 0.05F), 0.35F, 0.22F + 0.2F * static_cast<float>(i)),
                  draft.materials.accent());
      break;
    case 1: {  // a lens, a window of a washing machine, a loudspeaker
      const float radius = dice.number(0.25F, 0.42F) * smaller, length = dice.number(0.03F, 0.25F);
      draft.add(on_front(round(radius, length), 0, 0.47F), draft.materials.second());
      draft.add(on_front(moved(round(0.75F * radius, 0.02F), {0, 0, length}), 0, 0.47F), draft.materials.dark());
      draft.add(on_front(box(0.12F * width, 0.08F * height, 0.03F), -0.38F, 0.88F), draft.materials.accent());
      break;
    }
    default: {  // a grid of keys
      const int rows = dice.whole(2, 4), columns = dice.whole(2, 5);
      const uint32_t key = draft.materials.accent(), other = draft.materials.second();
      for (int i = 0; i < rows * columns; ++i)
        draft.add(
            on_front(box(0.7F * width / static_cast<float>(columns), 0.45F * height / static_cast<float>(rows), 0.04F, 0.01F),
                     0.85F * ((static_cast<float>(i % columns) + 0.5F) / static_cast<float>(columns) - 0.5F),
                     0.06F + 0.55F * static_cast<float>(i / columns) / static_cast<float>(rows)),
            i == rows * columns - 1 ? other : key);
      draft.add(on_front(box(0.85F * width, 0.22F * height, 0.03F), 0, 0.7F), draft.materials.dark());
    }
  }
  if (dice.chance(0.35F))
    draft.add(moved(tube(arc(0.3F * width, 0.18F, 0, 180), [](float) { return 0.025F; }), {0, foot + height, 0}),
              draft.materials.second());
  if (dice.chance(0.2F))
    draft.add(with_mirror_image(rod({0.02F, foot + height, 0}, {0.25F, foot + height + 0.4F, 0}, 0.012F)),
              draft.materials.metal());
}

void make_tool(Dice& dice, ObjectDraft& draft) {
  const float length = dice.number(0.5F, 0.9F), radius = dice.number(0.03F, 0.06F);
  const uint32_t handle = dice.chance(0.5F) ? draft.materials.wood() : draft.materials.main();
  draft.add(lathe({{0, 0},
                   {radius, 0.02F},
                   {1.2F * radius, 0.25F * length},
                   {0.8F * radius, 0.5F * length},
                   {0.8F * radius, length},
                   {0, length}},
                  14),
            handle);
  switch (dice.whole(0, 3)) {
    case 0:  // hammer
      draft.add(moved(box(dice.number(0.25F, 0.45F), 0.14F, 0.14F, 0.02F), {0.04F, 0.93F * length, 0}), draft.materials.metal());
      break;
    case 1:  // brush or broom
      draft.add(moved(box(dice.number(0.2F, 0.5F), 0.08F, 0.1F, 0.01F), {0, length, 0}), draft.materials.second());
      draft.add(moved(box(dice.number(0.2F, 0.4F), 0.15F, 0.08F), {0, length + 0.08F, 0}), draft.materials.accent());
      break;
    case 2:  // spade or paddle
      draft.add(moved(superquadric({dice.number(0.12F, 0.2F), 0.2F, 0.025F}, 0.7F, 0.7F), {0, length + 0.15F, 0}),
                draft.materials.metal());
      break;
    default:  // axe
      draft.add(
          moved(turned(extruded({{0, -0.08F}, {0.28F, -0.18F}, {0.33F, 0}, {0.28F, 0.18F}, {0, 0.08F}}, 0.05F, 0.01F), 0, 90),
                {0, 0.85F * length, 0.025F}),
          draft.materials.metal());
  }
}

}  // namespace

const std::vector<ProceduralKind>& furniture_kinds() {
  static const std::vector<ProceduralKind> kinds{
      {"table", 6, make_table},   {"chair", 7, make_chair},   {"cabinet", 7, make_cabinet},
      {"sofa", 6, make_sofa},     {"lamp", 5, make_lamp},     {"vessel", 9, make_vessel},
      {"bottle", 4, make_bottle}, {"gadget", 7, make_gadget}, {"tool", 3, make_tool}};
  return kinds;
}

}  // namespace gsv3d
