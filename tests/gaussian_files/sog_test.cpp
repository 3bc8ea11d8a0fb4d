// SOG of both versions as archives' parts in a folder, with bytes whose meaning is worked out by hand.
#include "gaussian_files/sog.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "core/atomic_file.h"
#include "errors.h"
#include "gaussian_files/gaussian_file.h"
#include "gaussian_files/sog_source.h"
#include "goldens.h"
#include "temporary_folder.h"

#if __has_include(<webp/encode.h>)
#include <webp/encode.h>

namespace gsv3d {
namespace {

using nlohmann::json;
using testing::error_of;
using testing::expect_near;
using ::testing::HasSubstr;

/// A lossless WebP of RGBA pixels, none of them with alpha 0, under which colours would be lost.
std::string webp(int width, int height, const std::vector<uint8_t>& rgba) {
  uint8_t* bytes = nullptr;
  const size_t size = WebPEncodeLosslessRGBA(rgba.data(), width, height, 4 * width, &bytes);
  std::string result(reinterpret_cast<const char*>(bytes), size);
  WebPFree(bytes);
  return result;
}

json codebook(double first, double step) {
  json values = json::array();
  for (int i = 0; i < 256; ++i) values.push_back(first + step * i);
  return values;
}

/// Two Gaussians.
struct Sog : ::testing::Test {
  void SetUp() override {
    if (!can_read_sog()) GTEST_SKIP() << "built without libzip or libwebp";
    put("means_l.webp", webp(2, 1, {0, 255, 0, 255, 255, 0, 128, 255}));
    put("means_u.webp", webp(2, 1, {0, 255, 0, 255, 255, 0, 128, 255}));
    put("quats.webp", webp(2, 1, {128, 128, 128, 252, 128, 128, 128, 254}));
    put("scales.webp", webp(2, 1, {0, 51, 255, 255, 102, 102, 102, 255}));
    put("sh0.webp", webp(2, 1, {0, 51, 255, 51, 102, 102, 102, 255}));
  }
  void put(const std::string& name, const std::string& bytes) { write_file(folder / name, bytes); }
  json means() const {
    const double e = std::log(3.0);  // positions from -2 to 2
    return {{"mins", {-e, -e, -e}}, {"maxs", {e, e, e}}, {"files", {"means_l.webp", "means_u.webp"}}};
  }
  json version2() const {
    return {{"version", 2},
            {"count", 2},
            {"means", means()},
            {"quats", {{"files", {"quats.webp"}}}},
            {"scales", {{"codebook", codebook(-5, 0.01)}, {"files", {"scales.webp"}}}},
            {"sh0", {{"codebook", codebook(-1, 0.01)}, {"files", {"sh0.webp"}}}}};
  }
  json version1() const {
    json meta = {{"means", means()},
                 {"quats", {{"shape", {2, 4}}, {"encoding", "quaternion_packed"}, {"files", {"quats.webp"}}}},
                 {"scales", {{"mins", {-5, -4, -3}}, {"maxs", {-4, -3, -2}}, {"files", {"scales.webp"}}}},
                 {"sh0", {{"mins", {-1, 0, 1, -2}}, {"maxs", {0, 1, 2, 3}}, {"files", {"sh0.webp"}}}}};
    meta["means"]["shape"] = {2, 3};
    return meta;
  }
  Gaussians read(const json& meta) {
    put("meta.json", meta.dump());
    return read_gaussians(folder.path(), {Frame::kWorld}).gaussians;
  }
  testing::TemporaryFolder folder;
};

Tensor rows(std::initializer_list<double> values) {
  return at::tensor(at::ArrayRef<double>(values), at::kFloat).view({2, -1});
}

TEST_F(Sog, PartsInAFolder) {
  const Gaussians g = read(version2());
  expect_near(g.means, rows({-2, 2, -2, 2, -2, 0.0043}), 2e-4, "position");
  expect_near(g.scales.log(), rows({-5, -4.49, -2.45, -3.98, -3.98, -3.98}), 1e-5, "log scale");
  expect_near(g.sh.squeeze(1), rows({-1, -0.49, 1.55, 0.02, 0.02, 0.02}), 1e-6, "colour");
  expect_near(g.opacities, at::tensor({0.2f, 1.0f}), 1e-6, "opacity");
  EXPECT_GT(g.quats[0][0].item<float>(), 0.99);
  EXPECT_GT(g.quats[1][2].item<float>(), 0.99);
  EXPECT_EQ(read_gaussians(folder / "meta.json").gaussians.count(), 2);
}

TEST_F(Sog, CodebooksThatBeginWithNull) {
  json meta = version2();
  meta["scales"]["codebook"][0] = nullptr;
  meta["sh0"]["codebook"][0] = nullptr;
  const Gaussians g = read(meta);
  // The second entry minus what lies between it and the last, over 255.
  EXPECT_NEAR(g.scales[0][0].log().item<double>(), -4.99 - 2.54 / 255, 1e-5);
  EXPECT_NEAR(g.sh[0][0][0].item<double>(), -0.99 - 2.54 / 255, 1e-5);
  meta["scales"]["codebook"][7] = nullptr;
  EXPECT_THAT(error_of([&] { read(meta); }), HasSubstr("codebook"));
}

TEST_F(Sog, Version1) {
  const Gaussians g = read(version1());
  expect_near(g.means, rows({-2, 2, -2, 2, -2, 0.0043}), 2e-4, "position");
  expect_near(g.scales.log(), rows({-5, -3.8, -2, -4.6, -3.6, -2.6}), 1e-5, "log scale");
  expect_near(g.sh.squeeze(1), rows({-1, 0.2, 2, -0.6, 0.4, 1.4}), 1e-6, "colour");
  expect_near(g.opacities, at::tensor({-1.0f, 3.0f}).sigmoid(), 1e-6, "opacity");
  json other = version1();
  other["quats"]["encoding"] = "octahedral";
  EXPECT_THAT(error_of([&] { read(other); }), HasSubstr("encoding \"octahedral\""));
  other = version1();
  other["means"].erase("shape");
  EXPECT_THAT(error_of([&] { read(other); }), HasSubstr("shape"));
}

TEST_F(Sog, Version1Harmonics) {
  // A palette with 15 places for each of 64 entries, of which degree 1 uses three; its second entry has bytes 51, 102 and 153.
  std::vector<uint8_t> palette(size_t{4} * 64 * 15, 255);
  for (size_t k = 0; k < 3; ++k) std::fill_n(palette.begin() + 4 * (15 + k), 3, static_cast<uint8_t>(51 * (k + 1)));
  put("shN_centroids.webp", webp(64 * 15, 1, palette));
  put("shN_labels.webp", webp(2, 1, {1, 0, 0, 255, 63, 0, 0, 255}));
  json meta = version1();
  meta["shN"] = {{"shape", {2, 9}}, {"mins", -2}, {"maxs", 3}, {"files", {"shN_centroids.webp", "shN_labels.webp"}}};
  const Gaussians g = read(meta);
  ASSERT_EQ(g.sh.size(1), 4);
  expect_near(g.sh[0].slice(0, 1).select(1, 1), at::tensor({-1.0f, 0.0f, 1.0f}), 1e-5, "harmonics");
  expect_near(g.sh[1].slice(0, 1), at::full({3, 3}, 3.0), 1e-5, "harmonics of the last entry");
  put("shN_labels.webp", webp(2, 1, {64, 0, 0, 255, 0, 0, 0, 255}));
  EXPECT_THAT(error_of([&] { read(meta); }), HasSubstr("palette entry 64 of 64"));
}

TEST_F(Sog, FoldersThatLieAreRefused) {
  json meta = version2();
  meta["scales"]["files"][0] = "../scales.webp";
  EXPECT_THAT(error_of([&] { read(meta); }), HasSubstr("\"../scales.webp\" is no file beside it"));
  meta = version2();
  meta["count"] = 1000;
  EXPECT_THAT(error_of([&] { read(meta); }), HasSubstr("2 x 1 pixels for 1000 values"));
  meta["version"] = 3;
  EXPECT_THAT(error_of([&] { read(meta); }), HasSubstr("SOG version 3"));
  std::filesystem::remove(folder / "meta.json");
  EXPECT_THAT(error_of([&] { read_gaussians(folder.path()); }), HasSubstr("without the meta.json"));
}

TEST_F(Sog, PartsOfAnArchiveReadAlike) {
  GSV3D_GOLDEN_OR_SKIP(file, "formats/obj_sh0.sog");
  const std::string bytes = read_file(file);
  const std::string where = "a.sog";
  const auto archive = open_sog_archive(bytes, where);
  for (const char* name : {"means_l.webp", "means_u.webp", "quats.webp", "scales.webp", "sh0.webp", "meta.json"})
    put(name, archive->read(name));
  EXPECT_TRUE(at::equal(read_gaussians(folder.path()).gaussians.means, read_gaussians(file).gaussians.means));
}

}  // namespace
}  // namespace gsv3d

#endif
