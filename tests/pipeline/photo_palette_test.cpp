// The photo's palette on the whole object: colours that the photo does not have go, colours at other heights stay away.
#include "pipeline/photo_palette.h"

#include <gtest/gtest.h>

#include "goldens.h"

namespace gsv3d {
namespace {

using testing::expect_near;

constexpr int64_t size = 64;
const std::array<float, 3> blue = {0.1f, 0.2f, 0.8f}, white = {0.9f, 0.9f, 0.9f},
                           green = {0.5f, 0.64f, 0.22f};  // as far from the one as from the other

Tensor color(const std::array<float, 3>& values) {
  return at::tensor(at::ArrayRef<float>(values));
}

/// A photo that is blue in its upper half and white in the lower one, solid within the frame's border of eight pixels.
PosedPhoto two_bands() {
  Tensor rgba = at::zeros({4, size, size});
  rgba.slice(0, 0, 3).slice(1, 0, size / 2).copy_(color(blue).view({3, 1, 1}).expand({3, size / 2, size}));
  rgba.slice(0, 0, 3).slice(1, size / 2).copy_(color(white).view({3, 1, 1}).expand({3, size / 2, size}));
  rgba[3].slice(0, 8, size - 8).slice(1, 8, size - 8).fill_(1);
  return {rgba, orbit_cameras(1, 0, size)};
}

/// One Gaussian of this colour at each of the heights, on the far side.
Gaussians at_heights(const std::vector<float>& heights, const std::array<float, 3>& rgb) {
  const auto count = static_cast<int64_t>(heights.size());
  const Tensor y = at::tensor(at::ArrayRef<float>(heights));
  return {at::stack({at::zeros({count}), y, at::full({count}, -0.3)}, 1), at::tensor({1.0f, 0.0f, 0.0f, 0.0f}).repeat({count, 1}),
          at::full({count, 3}, 0.02), at::full({count}, 0.9), rgb_to_sh(color(rgb).repeat({count, 1}))};
}

TEST(PhotoPalette, ASideOfAnotherColourTakesThatOfItsHeight) {
  const Gaussians wrong = at_heights({0.4f, -0.4f}, green);
  const Gaussians changed = with_photo_palette(wrong, {two_bands()});
  expect_near(sh_to_rgb(changed.sh), at::stack({color(blue), color(white)}), 1e-2, "blue above, white below");
  EXPECT_TRUE(at::equal(changed.means, wrong.means) && at::equal(changed.opacities, wrong.opacities));
}

TEST(PhotoPalette, LikenessOfColourDecidesWhereHeightsDoNot) {
  // On the border between the bands both are as near: what is bluish becomes blue, what is pale white.
  const std::vector<std::pair<std::array<float, 3>, std::array<float, 3>>> cases = {{{0.3f, 0.3f, 0.7f}, blue},
                                                                                    {{0.8f, 0.7f, 0.7f}, white}};
  for (const auto& [from, to] : cases)
    expect_near(sh_to_rgb(with_photo_palette(at_heights({0.0f}, from), {two_bands()}).sh), color(to).view({1, 3}), 1e-2,
                "colour");
}

TEST(PhotoPalette, ThePhotosOwnColoursStay) {
  const Gaussians own = at_heights({0.3f, 0.2f}, blue);
  expect_near(with_photo_palette(own, {two_bands()}).sh, own.sh, 1e-3, "colours");
}

TEST(PhotoPalette, HeightsAreThoseOfTheWorldWhateverTheCamera) {
  // From 40 degrees above and another side, at another size: the band's border is still at height 0.
  PosedPhoto photo = two_bands();
  photo.camera = look_at_cameras({120}, {40}, size);
  const Gaussians wrong = at_heights({0.4f, -0.4f}, green);
  expect_near(sh_to_rgb(with_photo_palette(wrong, {photo}).sh), at::stack({color(blue), color(white)}), 1e-2, "colours");
}

TEST(PhotoPalette, HigherHarmonicsStayAndNothingSolidChangesNothing) {
  Gaussians shiny = at_heights({0.4f}, {0.5f, 0.5f, 0.5f});
  shiny.sh = at::cat({shiny.sh, at::full({1, 3, 3}, 0.07)}, 1);
  EXPECT_TRUE(at::equal(with_photo_palette(shiny, {two_bands()}).sh.slice(1, 1), shiny.sh.slice(1, 1)));
  PosedPhoto nothing = two_bands();
  nothing.rgba[3].fill_(0.5);
  EXPECT_TRUE(at::equal(with_photo_palette(shiny, {nothing}).sh, shiny.sh));
  EXPECT_EQ(with_photo_palette(shiny.slice(0, 0), {two_bands()}).count(), 0);
}

}  // namespace
}  // namespace gsv3d
