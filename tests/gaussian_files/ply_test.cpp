// Round trips, tolerance towards other writers, and hostile files.
#include "gaussian_files/ply.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "core/atomic_file.h"
#include "core/error.h"
#include "damaged_files.h"
#include "errors.h"
#include "gaussian_files/convert.h"
#include "goldens.h"
#include "random_scenes.h"
#include "rasterizer/rasterizer.h"

namespace gsv3d {
namespace {

class Ply : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ =
        std::filesystem::path(GSV3D_BINARY_DIR) / "test_ply" / ::testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::filesystem::path file(const char* name = "a.ply") const { return folder_ / name; }

  void expect_rejected(const std::string& content, const char* part) {
    write_file(file("hostile.ply"), content);
    testing::expect_error([&] { read_ply(file("hostile.ply")); }, part);
  }

  std::filesystem::path folder_;
};

TEST_F(Ply, RoundTripRendersTheSame) {
  for (const int64_t coefficients : {1, 4, 9, 16}) {
    for (const auto frame : {Frame::kWorld, Frame::kYDown}) {
      const auto g = testing::random_gaussians(150, coefficients, 4);
      write_ply(file(), g, {.frame = frame});
      const auto back = read_ply(file());
      ASSERT_EQ(back.count(), 150);
      testing::expect_near(back.means, g.means, 0, "means");
      testing::expect_near(back.sh, g.sh, 0, "sh");
      testing::expect_near(back.scales, g.scales, 1e-7, "scales");
      testing::expect_near(back.opacities, g.opacities, 1e-6, "opacities");
      const auto cameras = testing::wide_cameras(2, 40, 30);
      testing::expect_near(rasterize(back, cameras).rgb, rasterize(g, cameras).rgb, 5e-3, "image");
    }
  }
}

TEST_F(Ply, LayoutIsThatOf3dgs) {
  const Gaussians g = {at::tensor({1.0f, 2.0f, 3.0f}).view({1, 3}), at::tensor({0.5f, 0.5f, 0.5f, 0.5f}).view({1, 4}),
                       at::full({1, 3}, std::exp(1.0f)), at::tensor({0.5f}), at::arange(12, at::kFloat).view({1, 4, 3})};
  write_ply(file(), g, {.frame = Frame::kWorld, .antialiased = true});
  const auto bytes = read_file(file());
  const auto header_end = bytes.find("end_header\n") + 11;
  EXPECT_NE(bytes.find("comment frame: RUB"), std::string::npos);
  EXPECT_NE(bytes.find("comment SplatRenderMode: mip\n"), std::string::npos);
  EXPECT_NE(bytes.find("element vertex 1\n"), std::string::npos);
  ASSERT_EQ(bytes.size() - header_end, 26 * sizeof(float));
  float values[26];
  std::memcpy(values, bytes.data() + header_end, sizeof(values));
  const float expected[26] = {1, 2,  3, 0, 0, 0, 0,  1,  2,  /* red */ 3, 6, 9, /* green */ 4, 7, 10, /* blue */ 5,
                              8, 11, 0, 1, 1, 1, .5, .5, .5, .5};
  for (int i = 0; i < 26; ++i) EXPECT_NEAR(values[i], expected[i], 1e-6) << "float " << i;
}

TEST_F(Ply, DefaultFrameHasYDown) {
  auto g = testing::random_gaussians(3, 1, 1);
  write_ply(file(), g);
  testing::expect_near(read_ply(file(), Frame::kWorld).means, g.means * at::tensor({1.0f, -1.0f, -1.0f}), 0, "means in the file");
}

TEST_F(Ply, AllPropertiesMakes62Floats) {
  const auto g = testing::random_gaussians(7, 4, 1);
  write_ply(file(), g, {.all_properties = true});
  const auto bytes = read_file(file());
  EXPECT_EQ(bytes.size() - bytes.find("end_header\n") - 11, 7u * 248);
  const auto back = read_ply(file());
  EXPECT_EQ(back.sh_degree(), 3);
  testing::expect_near(back.sh.slice(1, 0, 4), g.sh, 0, "sh");
  EXPECT_EQ(back.sh.slice(1, 4).abs().max().item<float>(), 0);
}

TEST_F(Ply, ConfidenceIsOneMorePropertyThatComesBack) {
  constexpr int64_t count = 70'000;  // more than are written at once
  const auto g = testing::random_gaussians(count, 1, 6);
  const Tensor confidence = at::rand({count}, make_generator(2));
  write_ply(file(), g);
  const auto plain = read_file(file());
  EXPECT_FALSE(decode_gaussians(plain, file()).confidence.defined());
  write_ply(file(), g, {.confidence = confidence});
  const auto bytes = read_file(file());
  EXPECT_EQ(bytes.size(), plain.size() + std::string("property float confidence\n").size() + 4 * count);
  const GaussianFile back = read_gaussians(file());
  testing::expect_near(back.gaussians.means, g.means, 0, "means");
  EXPECT_TRUE(at::equal(back.confidence, confidence));
  EXPECT_TRUE(back.warnings.empty());
  EXPECT_THROW(write_ply(file("bad.ply"), g, {.confidence = confidence + 1}), Error);
  EXPECT_THROW(write_ply(file("bad.ply"), g, {.confidence = confidence.slice(0, 1)}), Error);
  EXPECT_THROW(write_ply(file("bad.ply"), g, {.confidence = confidence / 0}), Error);
  EXPECT_FALSE(std::filesystem::exists(file("bad.ply")));

  ConvertOptions options;
  options.min_opacity = 0.5;
  convert_gaussians(file(), file("half.ply"), options);
  const GaussianFile half = read_gaussians(file("half.ply"));
  const Tensor kept = g.opacities >= 0.5;
  EXPECT_GT(half.gaussians.count(), count / 10);
  EXPECT_TRUE(at::equal(half.confidence, confidence.index({kept})));
  testing::expect_near(half.gaussians.means, g.means.index({kept}), 0, "means");
}

/// Bad rows go together with theirs; another program's "confidence" may be anything.
TEST_F(Ply, ConfidenceOfBadRowsAndOfOthersPrograms) {
  const auto g = testing::random_gaussians(10, 1, 6);
  const Tensor confidence = at::linspace(0, 1, 10);
  write_ply(file(), g, {.confidence = confidence});
  const auto bytes = read_file(file());
  constexpr size_t row = 72;
  const auto changed = [&](int64_t which, size_t column, float value) {
    write_file(file("b.ply"), testing::patched(bytes, bytes.size() - (10 - which) * row + 4 * column, value));
    return read_gaussians(file("b.ply"));
  };
  const GaussianFile without = changed(3, 0, std::numeric_limits<float>::infinity());
  ASSERT_EQ(without.confidence.numel(), 9);
  EXPECT_EQ(without.confidence[3].item<float>(), confidence[4].item<float>());
  for (const float value : {1.5F, -0.1F, std::numeric_limits<float>::quiet_NaN()}) {
    const GaussianFile others = changed(3, 17, value);
    EXPECT_EQ(others.gaussians.count(), 10);
    EXPECT_FALSE(others.confidence.defined());
    ASSERT_EQ(others.warnings.size(), 1U);
    EXPECT_NE(others.warnings.front().find("\"confidence\" is no number of 0 to 1"), std::string::npos);
  }
}

TEST_F(Ply, NoGaussians) {
  write_ply(file(), testing::random_gaussians(0, 1, 1));
  EXPECT_EQ(read_ply(file()).count(), 0);
}

TEST_F(Ply, OtherOrderTypesAndElements) {
  std::string bytes =
      "ply\r\nformat binary_little_endian 1.0\r\nobj_info other\r\nelement vertex 1\r\nproperty double rot_3\r\nproperty uchar "
      "label\r\n"
      "property float rot_0\r\nproperty float rot_1\r\nproperty float rot_2\r\nproperty float opacity\r\nproperty float "
      "z\r\nproperty float y\r\n"
      "property short x\r\nproperty float scale_2\r\nproperty float scale_1\r\nproperty float scale_0\r\nproperty float "
      "f_dc_0\r\n"
      "property float f_dc_1\r\nproperty float f_dc_2\r\nelement face 1\r\nproperty list uchar int "
      "vertex_indices\r\nend_header\r\n";
  const auto append = [&](auto value) { bytes.append(reinterpret_cast<const char*>(&value), sizeof(value)); };
  append(double{2});
  append(uint8_t{7});
  for (const float value : {0.0f, 0.0f, 0.0f, 0.0f, 0.25f, 0.5f}) append(value);
  append(int16_t{-3});
  for (const float value : {0.0f, 1.0f, 2.0f, 0.1f, 0.2f, 0.3f}) append(value);
  write_file(file(), bytes);
  const auto g = read_ply(file(), Frame::kWorld);
  testing::expect_near(g.means, at::tensor({-3.0f, 0.5f, 0.25f}).view({1, 3}), 0, "means");
  testing::expect_near(g.quats, at::tensor({0.0f, 0.0f, 0.0f, 1.0f}).view({1, 4}), 0, "quats");
  testing::expect_near(g.scales, at::tensor({2.0f, 1.0f, 0.0f}).view({1, 3}).exp(), 1e-6, "scales");
  EXPECT_EQ(g.opacities[0].item<float>(), 0.5f);
}

TEST_F(Ply, RejectsHostileFiles) {
  write_ply(file(), testing::random_gaussians(3, 1, 1));
  const auto good = read_file(file());
  const auto changed = [&](const std::string& from, const std::string& to) { return testing::replaced(good, from, to); };
  expect_rejected("", "not a PLY");
  expect_rejected("<html>", "not a PLY");
  expect_rejected(testing::shortened(good), "cut off");
  expect_rejected(good.substr(0, 100), "does not end");
  expect_rejected("ply\n" + std::string(1 << 17, ' ') + "\nend_header\n", "does not end");
  expect_rejected(changed("vertex 3", "vertex -3"), "number of rows");
  expect_rejected(changed("vertex 3", "vertex 3e9"), "number of rows");
  expect_rejected(changed("vertex 3", "vertex 2147483648"), "cut off");
  expect_rejected(changed("vertex 3", "vertex 99999999999999999999"), "number of rows");
  expect_rejected(changed("binary_little_endian", "ascii"), "no number");
  expect_rejected(changed("binary_little_endian", "binary"), "\"format binary 1.0\" is no format");
  expect_rejected(changed("float x", "list uchar float x"), "list");
  expect_rejected(changed("float x", "quad x"), "unknown number type");
  expect_rejected(changed("float y", "float x"), "twice");
  expect_rejected(changed("opacity", "opaqueness"), "opacity");
  expect_rejected(changed("element vertex 3", "element chunk 1\nelement vertex 3"), "compressed");
  expect_rejected(changed("property float nx\n", "property float nx\nnonsense\n"), "nonsense");
  expect_rejected(changed("float nx", "float f_rest_0"), "f_rest");
  EXPECT_THROW(read_ply(file("missing.ply")), Error);
}

TEST_F(Ply, DoesNotWriteWhatIsNotFinite) {
  auto g = testing::random_gaussians(3, 1, 1);
  g.means[1][1] = std::numeric_limits<float>::infinity();
  EXPECT_THROW(write_ply(file(), g), Error);
  EXPECT_FALSE(std::filesystem::exists(file()));
}

/// The file of one Gaussian with the given properties of type float, in the given encoding.
std::string ply_of(const std::string& format, const std::vector<std::pair<std::string, float>>& values,
                   const std::string& comment = "generator: by hand") {
  std::string bytes = "ply\nformat " + format + " 1.0\ncomment " + comment + "\nelement vertex 1\n";
  for (const auto& [name, value] : values) bytes += "property float " + name + "\n";
  bytes += "end_header\n";
  for (const auto& [name, value] : values) {
    char number[4];
    std::memcpy(number, &value, 4);
    if (format == "binary_big_endian") std::reverse(number, number + 4);
    bytes += format == "ascii" ? fmt::format("{} ", value) : std::string(number, 4);
  }
  return bytes + (format == "ascii" ? "\n" : "");
}

const std::vector<std::pair<std::string, float>> kGeometry = {
    {"x", 1.5f},     {"y", -2},       {"z", 0.25f}, {"opacity", 0.5f}, {"scale_0", -1}, {"scale_1", -2},
    {"scale_2", -3}, {"rot_0", 0.6f}, {"rot_1", 0}, {"rot_2", 0.8f},   {"rot_3", 0}};

std::vector<std::pair<std::string, float>> with_colour(std::vector<std::pair<std::string, float>> values) {
  for (const auto& [name, value] : {std::pair{"f_dc_0", 0.5f}, {"f_dc_1", -1.0f}, {"f_dc_2", 1e-3f}})
    values.emplace_back(name, value);
  return values;
}

Gaussians read_bytes(const std::string& bytes, const ReadOptions& options = {Frame::kWorld}) {
  return checked_rows(decode_ply(bytes, "a.ply"), "a.ply", options, Frame::kYDown).gaussians;
}

TEST_F(Ply, EveryEncodingReadsAlike) {
  for (const char* format : {"binary_little_endian", "binary_big_endian", "ascii"}) {
    const Gaussians g = read_bytes(ply_of(format, with_colour(kGeometry)));
    testing::expect_near(g.means, at::tensor({1.5f, -2.0f, 0.25f}).view({1, 3}), 0, format);
    testing::expect_near(g.scales.log(), at::tensor({-1.0f, -2.0f, -3.0f}).view({1, 3}), 1e-6, format);
    testing::expect_near(g.quats, at::tensor({0.6f, 0.0f, 0.8f, 0.0f}).view({1, 4}), 1e-6, format);
    testing::expect_near(g.sh, at::tensor({0.5f, -1.0f, 1e-3f}).view({1, 1, 3}), 0, format);
  }
}

TEST_F(Ply, TextOfAnyKindOfNumber) {
  const std::string header =
      "ply\nformat ascii 1.0\nelement vertex 2\nproperty double x\nproperty int y\nproperty uchar z\nproperty float opacity\n"
      "property float scale_0\nproperty float scale_1\nproperty float scale_2\nproperty float rot_0\nproperty float rot_1\n"
      "property float rot_2\nproperty float rot_3\nproperty float f_dc_0\nproperty float f_dc_1\nproperty float f_dc_2\n"
      "element face 1\nproperty list uchar int vertex_indices\nend_header\n";
  const std::string rest = " inf -inf 0 0 1 0 0 0 +1e-1 .5 -0\n";
  const Gaussians g = read_bytes(header + "1e-3 -7 200" + rest + "\t2\t3 4\n" + rest + "3 0 1 2\n");
  testing::expect_near(g.means, at::tensor({1e-3f, -7.0f, 200.0f, 2.0f, 3.0f, 4.0f}).view({2, 3}), 0, "position");
  EXPECT_EQ(g.opacities[1].item<float>(), 1);
  EXPECT_EQ(g.scales[0][0].item<float>(), 0);
  EXPECT_NEAR(g.sh[0][0][0].item<double>(), 0.1, 1e-7);
  expect_rejected(header + "1e-3 -7 200" + rest + "2 3", "the file is cut off: it ends in row 1 of 2");
  expect_rejected(header + "1e-3 -7 200" + rest + "2 three 4" + rest, "\"three\" in row 1");
  expect_rejected(header + "1e-3 -7 300" + rest + "2 3 4" + rest, "300 does not fit");
  expect_rejected(testing::replaced(header, "vertex 2", "vertex 2000000000") + "1 2 3" + rest, "cut off");
}

TEST_F(Ply, DamagedTextAndTurnedBytesAreErrorsAndNothingElse) {
  const auto generator = make_generator(5);
  const auto random = [&](int64_t below) { return at::randint(below, {1}, generator).item<int64_t>(); };
  for (const char* format : {"binary_big_endian", "ascii"}) {
    int rejected = 0;
    testing::for_random_damage(ply_of(format, with_colour(kGeometry)), 400, random, [&](const std::string& bytes) {
      rejected += !testing::error_of([&] { require_finite(read_bytes(bytes), "damaged"); }).empty();
    });
    EXPECT_GE(rejected, 200) << format;
  }
}

TEST_F(Ply, ColoursAsBytesInsteadOfHarmonics) {
  std::string bytes = ply_of("binary_little_endian", kGeometry);
  bytes.insert(bytes.find("end_header"), "property uchar red\nproperty uchar green\nproperty uchar blue\n");
  testing::expect_near(sh_to_rgb(read_bytes(bytes + "\xff" + std::string("\0\x80", 2)).sh),
                       at::tensor({1.0f, 0.0f, 128 / 255.0f}).view({1, 3}), 1e-6, "colour");
  auto floats = kGeometry;
  for (const auto& [name, value] : {std::pair{"red", 0.25f}, {"green", 0.5f}, {"blue", 1.0f}}) floats.emplace_back(name, value);
  testing::expect_near(sh_to_rgb(read_bytes(ply_of("ascii", floats)).sh), at::tensor({0.25f, 0.5f, 1.0f}).view({1, 3}), 1e-6,
                       "colour");
  expect_rejected(ply_of("ascii", kGeometry), "\"f_dc_0\" is missing");
}

TEST_F(Ply, DiscsOf2dgsAreFlat) {
  auto disc = with_colour(kGeometry);
  disc.erase(std::find_if(disc.begin(), disc.end(), [](const auto& value) { return value.first == "scale_2"; }));
  testing::expect_near(read_bytes(ply_of("binary_little_endian", disc)).scales,
                       at::tensor({std::exp(-1.0f), std::exp(-2.0f), 1e-6f}).view({1, 3}), 1e-7, "scales");
  disc.erase(std::find_if(disc.begin(), disc.end(), [](const auto& value) { return value.first == "scale_1"; }));
  expect_rejected(ply_of("binary_little_endian", disc), "\"scale_1\" is missing");
}

TEST_F(Ply, VerticalAxisOfBrushPointsUp) {
  const auto means = [&](const std::string& comment, const ReadOptions& options = {}) {
    return read_bytes(ply_of("ascii", with_colour(kGeometry), comment), options).means;
  };
  const auto is = [](float x, float y, float z) { return at::tensor({x, y, z}).view({1, 3}); };
  // The file's position is (1.5, -2, 0.25).
  testing::expect_near(means("nothing"), is(1.5, 2, -0.25), 0, "3DGS' axes");
  testing::expect_near(means("Vertical axis: y"), is(1.5, 2, -0.25), 0, "y: -y is up");
  testing::expect_near(means("Vertical axis: z"), is(1.5, -0.25, -2), 1e-6, "z: -z is up");
  testing::expect_near(means("Vertical axis: x").select(1, 1), at::tensor({1.5f}), 1e-6, "x is up");
  testing::expect_near(means("Vertical axis: 0 0 1"), is(1.5, 0.25, 2), 1e-6, "z is up");
  testing::expect_near(means("Vertical axis: 0, 1, 0"), is(1.5, -2, 0.25), 1e-6, "y is up");
  testing::expect_near(means("Vertical axis: sideways"), is(1.5, 2, -0.25), 0, "not understood");
  testing::expect_near(means("Vertical axis: z", {Frame::kWorld}), is(1.5, -2, 0.25), 0, "the user knows better");
}

}  // namespace
}  // namespace gsv3d
