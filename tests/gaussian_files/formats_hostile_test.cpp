// Headers that lie: one clear error each, before anything of the claimed size is allocated.
#include <zstd.h>

#include "core/atomic_file.h"
#include "core/error.h"
#include "damaged_files.h"
#include "errors.h"
#include "gaussian_files/gaussian_file.h"
#include "gaussian_files/spz_streams.h"
#include "goldens.h"
#include "gzip.h"
#include "random_scenes.h"
#include "rasterizer/rasterizer.h"

namespace gsv3d {
namespace {

using testing::gzipped;
using testing::patched;
using testing::replaced;
using testing::shortened;

void expect_rejected(const std::string& bytes, const std::string& name, const char* part) {
  testing::expect_error([&] { decode_gaussians(bytes, name); }, part, name);
}

std::string written(const char* name, const Gaussians& g, const WriteOptions& options = {}) {
  const auto path = std::filesystem::path(GSV3D_BINARY_DIR) / "test_hostile" / name;
  write_gaussians(path, g, options);
  std::string bytes = read_file(path);
  std::filesystem::remove(path);
  return bytes;
}

std::string spz_header(uint32_t version, uint32_t count, uint8_t degree, uint8_t bits) {
  std::string bytes = "NGSP";
  bytes.append(reinterpret_cast<const char*>(&version), 4);
  bytes.append(reinterpret_cast<const char*>(&count), 4);
  for (const uint8_t byte : {degree, bits, uint8_t{0}, uint8_t{0}}) bytes.push_back(static_cast<char>(byte));
  return bytes;
}

TEST(HostileSpz, LyingHeaders) {
  expect_rejected(gzipped(spz_header(3, 4000000000u, 3, 12)), "a.spz", "4000000000 Gaussians");
  expect_rejected(gzipped(spz_header(3, 100, 0, 12)), "a.spz", "ends early");
  expect_rejected(gzipped(spz_header(3, 1, 9, 12) + std::string(1000, 'a')), "a.spz", "degree 9");
  expect_rejected(gzipped(spz_header(3, 1, 0, 99) + std::string(1000, 'a')), "a.spz", "99 fractional bits");
  expect_rejected(gzipped(spz_header(1, 1, 0, 12) + std::string(1000, 'a')), "a.spz", "version 1");
  expect_rejected(gzipped(spz_header(7, 1, 0, 12) + std::string(1000, 'a')), "a.spz", "version 7");
  expect_rejected(gzipped(spz_header(4, 1, 0, 12) + std::string(1000, 'a')), "a.spz", "version 4 in a gzip");
  expect_rejected(gzipped("hello, this is text"), "a.spz", "not an SPZ");
  expect_rejected("\x1f\x8b", "a.spz", "ends early");
  expect_rejected("NGSP", "a.spz", "cut off");
  // 20 MB of zeros in 20 KB: more than the count says is simply not decompressed.
  EXPECT_EQ(decode_gaussians(gzipped(spz_header(3, 10, 0, 12) + std::string(20 << 20, '\0')), "a.spz").gaussians.count(), 10);
}

TEST(HostileSpz, LyingTablesOfContents) {
  const std::string good = written("a.spz", testing::random_gaussians(20, 4, 1), {.spz_version = 4});
  expect_rejected(patched(good, 8, uint32_t{60000000}), "a.spz", "60000000 Gaussians");
  expect_rejected(patched(good, 8, uint32_t{21}), "a.spz", "instead of 189");
  expect_rejected(patched(good, 15, uint8_t{5}), "a.spz", "5 streams instead of 6");
  expect_rejected(patched(good, 16, uint32_t{0xffffffff}), "a.spz", "cut off");
  expect_rejected(patched(good, 32, ~uint64_t{0}), "a.spz", "cut off");
  expect_rejected(patched(good, 40, ~uint64_t{0}), "a.spz", "instead of 180");
  expect_rejected(shortened(good), "a.spz", "cut off");
}

TEST(HostileSpz, ZstdBomb) {
  // A frame that holds far more than its table says: the decoder stops at the table's size.
  const std::string zeros(8 << 20, '\0');
  std::string frame(ZSTD_compressBound(zeros.size()), '\0');
  frame.resize(ZSTD_compress(frame.data(), frame.size(), zeros.data(), zeros.size(), 3));
  std::string bytes = written("a.spz", testing::random_gaussians(20, 1, 1), {.spz_version = 4});
  const uint64_t size = frame.size();
  bytes = patched(bytes, 32, size).substr(0, 32 + 5 * 16) + frame;
  expect_rejected(bytes, "a.spz", "damaged");
}

TEST(HostileSpz, Version2IsRead) {
  SpzPacked packed;
  packed.version = 2, packed.count = 1, packed.fractional_bits = 12;
  std::string bytes = spz_header(2, 1, 0, 12);
  const uint8_t row[] = {0,
                         16,
                         0,
                         0,
                         240,
                         255,
                         0,
                         0,
                         0,
                         /* alpha */ 255,
                         /* colour */ 255,
                         128,
                         0,
                         /* scale */ 160,
                         144,
                         176,
                         /* rotation x, y, z */ 255,
                         128,
                         127};
  bytes.append(reinterpret_cast<const char*>(row), sizeof(row));
  const auto g = decode_gaussians(gzipped(bytes), "a.spz").gaussians;
  testing::expect_near(g.means, at::tensor({1.0f, -1.0f, 0.0f}).view({1, 3}), 0, "position");
  testing::expect_near(g.scales.log(), at::tensor({0.0f, -1.0f, 1.0f}).view({1, 3}), 1e-6, "log scale");
  testing::expect_near(g.quats, at::tensor({0.0f, 1.0f, 0.0f, 0.0f}).view({1, 4}), 0.005, "rotation");
  testing::expect_near(g.sh.view({3}), at::tensor({0.5f / 0.15f, 0.0f, -0.5f / 0.15f}), 0.02, "colour");
}

TEST(HostileSpz, LargeObjectsLoseFractionsNotSize) {
  auto g = testing::random_gaussians(3, 1, 1);
  g.means = g.means * 0 + at::tensor({100000.0f, -5.5f, 3.25f});
  const auto path = std::filesystem::path(GSV3D_BINARY_DIR) / "test_hostile" / "large.spz";
  write_gaussians(path, g);
  testing::expect_near(read_gaussians(path).gaussians.means, g.means, 0.01, "position");
  g.means = g.means * 1000;
  EXPECT_THROW(write_gaussians(path, g), Error);
  std::filesystem::remove(path);
}

TEST(HostileCompressedPly, LyingHeaders) {
  const std::string good = written("a.compressed.ply", testing::random_gaussians(300, 4, 1));
  const auto changed = [&](const std::string& from, const std::string& to) { return replaced(good, from, to); };
  expect_rejected(changed("chunk 2", "chunk 1"), "a.ply", "1 chunks for 300");
  expect_rejected(changed("chunk 2", "chunk -2"), "a.ply", "possible number of rows");
  expect_rejected(changed("vertex 300", "vertex 900000000"), "a.ply", "cut off");
  expect_rejected(changed("sh 300", "sh 299"), "a.ply", "299 rows");
  expect_rejected(changed("float max_y", "float other"), "a.ply", "max_y");
  expect_rejected(changed("uint packed_scale", "float packed_scale"), "a.ply", "packed_scale");
  expect_rejected(shortened(good), "a.ply", "cut off");
  const size_t first_bound = good.find("end_header\n") + 11;
  expect_rejected(patched(good, first_bound, std::numeric_limits<float>::quiet_NaN()), "a.ply",
                  "256 of 300 rows are no Gaussians: 256 with values that are not finite");
}

TEST(HostileSplat, SizesAndValues) {
  const std::string good = written("a.splat", testing::random_gaussians(3, 1, 1));
  expect_rejected(shortened(good), "a.splat", "no multiple of 32");
  const float infinite = std::numeric_limits<float>::infinity();
  expect_rejected(patched(patched(good, 32, infinite), 0, infinite), "a.splat",
                  "2 of 3 rows are no Gaussians: 2 with values that are not finite");
  expect_rejected(patched(patched(good, 76, -1.0f), 44, -1.0f), "a.splat", "2 with negative scales");
  expect_rejected(good, "a.bin", "not a file of Gaussians");
}

/// A GLB file of the given JSON and binary chunk.
std::string glb(std::string json, const std::string& binary) {
  json.append((4 - json.size() % 4) % 4, ' ');
  std::string bytes = "glTF";
  const auto number = [&](size_t value) {
    const auto word = static_cast<uint32_t>(value);
    bytes.append(reinterpret_cast<const char*>(&word), 4);
  };
  number(2), number(28 + json.size() + binary.size());
  number(json.size()), number(0x4e4f534a);
  bytes += json;
  number(binary.size()), number(0x004e4942);
  return bytes + binary;
}

TEST(HostileGltf, LyingJson) {
  const std::string good = written("a.glb", testing::random_gaussians(4, 4, 1));
  const size_t json_size = *reinterpret_cast<const uint32_t*>(good.data() + 12);
  const std::string json = good.substr(20, json_size), binary = good.substr(28 + json_size);
  ASSERT_EQ(decode_gaussians(glb(json, binary), "a.glb").gaussians.count(), 4);
  const auto changed = [&](const std::string& from, const std::string& to) { return glb(replaced(json, from, to), binary); };
  expect_rejected(shortened(good, 4), "a.glb", "cut off");
  expect_rejected(glb("{\"asset\":", binary), "a.glb", "parsed");
  expect_rejected(glb("{}", binary), "a.glb", "no Gaussians in this glTF");
  expect_rejected(glb(std::string(100000, '['), binary), "a.glb", "parsed");
  expect_rejected(changed("\"count\":4", "\"count\":5"), "a.glb", "beyond its buffer");
  expect_rejected(changed("\"count\":4", "\"count\":4000000000000"), "a.glb", "beyond its buffer");
  expect_rejected(changed("\"count\":4", "\"count\":-1"), "a.glb", "no index");
  expect_rejected(changed("\"count\":4", "\"count\":3"), "a.glb", "attributes of 3 and of 4");
  expect_rejected(changed("\"byteOffset\":0", "\"byteOffset\":999999"), "a.glb", "beyond the buffer");
  expect_rejected(changed("\"VEC3\"", "\"VEC2\""), "a.glb", "no VEC3");
  expect_rejected(changed("5126", "9999"), "a.glb", "component type 9999");
  expect_rejected(changed("\"ellipse\"", "\"square\""), "a.glb", "ellipse");
  expect_rejected(changed(":OPACITY", ":OPACITIES"), "a.glb", "OPACITY");
  expect_rejected(changed("COEF_2", "COEF_7"), "a.glb", "COEF_2");
  expect_rejected(changed("\"mesh\":0", "\"mesh\":0,\"children\":[0]"), "a.glb", "circle");
  expect_rejected(changed("\"mesh\":0", "\"mesh\":7"), "a.glb", "no \"meshes\" number 7");
  expect_rejected(changed("\"mesh\":0", "\"mesh\":0,\"scale\":[1,2,1]"), "a.glb", "differently");
  expect_rejected(changed("\"mesh\":0", "\"mesh\":0,\"scale\":[-1,1,1]"), "a.glb", "mirrors");
  expect_rejected(changed("\"buffers\":[{", "\"buffers\":[{\"uri\":\"other.bin\","), "a.glb", "other files");
}

TEST(Gltf, ColourSpaces) {
  for (const int64_t coefficients : {1, 4}) {
    auto g = testing::random_gaussians(4, coefficients, 1);
    g.sh = 0.1 * g.sh;
    const std::string good = written("a.glb", g);
    const size_t json_size = *reinterpret_cast<const uint32_t*>(good.data() + 12);
    const std::string json = good.substr(20, json_size), binary = good.substr(28 + json_size);
    EXPECT_TRUE(decode_gaussians(good, "a.glb").warnings.empty());
    const auto linear = decode_gaussians(glb(replaced(json, "srgb_rec709_display", "lin_rec709_display"), binary), "a.glb");
    ASSERT_EQ(linear.warnings.size(), 1u);
    EXPECT_NE(linear.warnings[0].find("lin_rec709_display"), std::string::npos);
    // Seen from anywhere, the colour is the sRGB encoding (IEC 61966-2-1) of the linear one: values near 0.5.
    const auto cameras = testing::wide_cameras(3, 24, 20);
    for (int64_t i = 0; i < 4; ++i) {
      auto one = g.slice(i, i + 1), converted = linear.gaussians.slice(i, i + 1);
      one.means = at::zeros({1, 3}), one.scales = at::full({1, 3}, 10.0), one.opacities = at::ones({1});
      converted.means = one.means, converted.scales = one.scales, converted.opacities = one.opacities;
      const Tensor before = rasterize(one, cameras).rgb, after = rasterize(converted, cameras).rgb;
      testing::expect_near(after, before.clamp_min(0.0031308).pow(1 / 2.4) * 1.055 - 0.055, coefficients == 1 ? 0.005 : 0.01,
                           "sRGB");
    }
    const auto other = decode_gaussians(glb(replaced(json, "srgb_rec709_display", "lin_p3"), binary), "a.glb");
    ASSERT_EQ(other.warnings.size(), 1u);
    EXPECT_NE(other.warnings[0].find("\"lin_p3\" is unknown"), std::string::npos);
    testing::expect_near(other.gaussians.sh, g.sh, 0, "taken as they are");
  }
}

TEST(Gltf, NodesMoveTheirGaussians) {
  const auto g = testing::random_gaussians(4, 4, 1);
  const std::string good = written("a.glb", g);
  const size_t json_size = *reinterpret_cast<const uint32_t*>(good.data() + 12);
  std::string json = good.substr(20, json_size);
  const std::string node = "\"mesh\":0";
  json.replace(json.find(node), node.size(),
               "\"mesh\":0,\"translation\":[1,2,3],\"scale\":[2,2,2],\"rotation\":[0,0.70710678,0,0.70710678]");
  const auto moved = decode_gaussians(glb(json, good.substr(28 + json_size)), "a.glb").gaussians;
  // A quarter turn about y: x → -z, z → x.
  const auto expected =
      2 * at::stack({g.means.select(1, 2), g.means.select(1, 1), -g.means.select(1, 0)}, 1) + at::tensor({1.0f, 2.0f, 3.0f});
  testing::expect_near(moved.means, expected, 1e-5, "position");
  testing::expect_near(moved.scales, 2 * g.scales, 1e-6, "scale");
  // The coefficients of -y, z and -x become those of -y, x → z: (c1, c2, c3) → (c1, -c3 … ) by the turn itself.
  testing::expect_near(moved.sh.select(1, 1), g.sh.select(1, 1), 1e-5, "along the axis");
  testing::expect_near(moved.sh.select(1, 3), -g.sh.select(1, 2), 1e-5, "z → x");
  testing::expect_near(moved.sh.select(1, 2), g.sh.select(1, 3), 1e-5, "x → -z");
}

}  // namespace
}  // namespace gsv3d
