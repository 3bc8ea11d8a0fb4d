#include "golden_sets.h"
#include "image/framing.h"

namespace gsv3d {
namespace {

/// Largest difference of a pixel's channels, colour under alpha 0 left out.
int max_visible_difference(const Image& a, const Image& b) {
  if (a.width != b.width || a.height != b.height) return 256;
  int worst = 0;
  for (size_t i = 0; i < a.pixels.size(); i += 4) {
    worst = std::max(worst, std::abs(a.pixels[i + 3] - b.pixels[i + 3]));
    if (a.pixels[i + 3] == 0 && b.pixels[i + 3] == 0) continue;
    for (size_t c = 0; c < 3; ++c) worst = std::max(worst, std::abs(a.pixels[i + c] - b.pixels[i + c]));
  }
  return worst;
}

class FramingGolden : public ::testing::TestWithParam<std::string> {};

// The reference's bytes are reached exactly because resize_lanczos uses Pillow's integer arithmetic.
TEST_P(FramingGolden, MatchesTheReferenceByteForByte) {
  const std::string prefix = "pre_" + GetParam();
  GSV3D_GOLDEN_OR_SKIP(meta_path, "sv3d/preprocess_meta.safetensors");
  GSV3D_GOLDEN_OR_SKIP(input_path, "sv3d/" + prefix + "_in.png");
  GSV3D_GOLDEN_OR_SKIP(padded_path, "sv3d/" + prefix + "_padded.png");
  GSV3D_GOLDEN_OR_SKIP(output_path, "sv3d/" + prefix + "_out.png");
  const SafetensorsFile meta(meta_path);
  const Tensor expected = meta.tensor(prefix + ".box_xywh_side").to(at::kLong);
  const double ratio = meta.tensor(prefix + ".image_frame_ratio").to(at::kDouble).item<double>();
  const std::optional<double> frame_ratio = ratio > 0 ? std::optional(ratio) : std::nullopt;

  const Image input = load_image(input_path);
  const ObjectBox box = object_box(input);
  const Image padded = centre_object(input, frame_ratio);
  const Tensor actual = at::tensor({box.x, box.y, box.width, box.height, padded.width}, at::kLong);
  EXPECT_TRUE(actual.equal(expected.reshape({5}))) << actual << expected;
  EXPECT_EQ(max_visible_difference(padded, load_image(padded_path)), 0);

  const Image output = load_image(output_path);
  const FramedPhoto framed = frame_object(input, frame_ratio, output.width);
  EXPECT_EQ(max_visible_difference(framed.on_white, output), 0);
  EXPECT_FALSE(framed.on_white.has_alpha);
}

INSTANTIATE_TEST_SUITE_P(Photos, FramingGolden, ::testing::ValuesIn(testing::golden_names("sv3d", "_in.png", "pre_")),
                         [](const auto& info) { return testing::test_name(info.param); });

}  // namespace
}  // namespace gsv3d
