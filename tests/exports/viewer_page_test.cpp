// viewer.html: where the first look is from, and that what goes into the page comes out of it as it was.
#include "exports/viewer_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/atomic_file.h"
#include "core/config.h"
#include "core/error.h"
#include "gaussian_files/gaussian_file.h"
#include "toy_model.h"

namespace gsv3d {
namespace {

using ::testing::HasSubstr;
using testing::TemporaryFolder;

/// Gaussians on a sphere.
Gaussians sphere(int64_t count, double radius, double centre) {
  const Tensor directions = randn({count, 3}, make_generator(3));
  return {radius * directions / directions.norm(2, 1, true) + centre, at::tensor({1.F, 0.F, 0.F, 0.F}).repeat({count, 1}),
          at::full({count, 3}, 0.01F), at::full({count}, 0.9F), rgb_to_sh(at::full({count, 3}, 0.5F))};
}

/// The text of the element with this id.
std::string element(const std::string& page, const std::string& id) {
  const size_t start = page.find('>', page.find("id=\"" + id + "\"")) + 1;
  return page.substr(start, page.find("</script>", start) - start);
}

/// An independent decoder of base64: bit by bit.
std::string decode_base64(const std::string& text) {
  const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    if (c == '=') break;
    bits = bits << 6 | static_cast<uint32_t>(digits.find(c));
    if ((count += 6) < 8) continue;
    count -= 8;
    bytes += static_cast<char>(bits >> count & 255);
  }
  return bytes;
}

TEST(ViewerPage, LooksAtGeneratedObjectsLikeThePhotoAndAtOthersWhole) {
  const ViewerStart ours = standard_view(sphere(500, 0.4, 0));
  EXPECT_EQ(ours.radius, 2);
  EXPECT_EQ(ours.target, (std::array<double, 3>{0, 0, 0}));
  const ViewerStart other = standard_view(sphere(500, 30, 100));
  for (const double c : other.target) EXPECT_NEAR(c, 100, 1.5);
  // A ball of radius 30 is inside the cone of the view from beyond 30 / sin 16.9° = 103.2.
  EXPECT_GT(other.radius, 103.2);
  EXPECT_LT(other.radius, 120);
}

TEST(ViewerPage, HoldsTheFilesThatWentIn) {
  const TemporaryFolder folder;
  for (const size_t length : {1U, 2U, 3U, 200'000U}) {
    ViewerPage page;
    page.title = "x";
    page.gaussians = sphere(50, 0.4, 0);
    for (size_t i = 0; i < length; ++i) page.mesh += static_cast<char>(i * 37 % 256);
    write_viewer(folder / "x.html", page);
    const std::string html = read_file(folder / "x.html");
    EXPECT_TRUE(decode_base64(element(html, "mesh")) == page.mesh) << length;
    const GaussianFile read = decode_gaussians(decode_base64(element(html, "splats")), "x.ply");
    EXPECT_TRUE(at::equal(read.gaussians.means, page.gaussians.means));
  }
}

TEST(ViewerPage, ManyGaussiansComeAsSpz) {
  const TemporaryFolder folder;
  ViewerPage page;
  page.gaussians = sphere(kMostGaussiansAsPly + 1, 0.4, 0);
  page.antialiased = true;
  write_viewer(folder / "x.html", page);
  const std::string html = read_file(folder / "x.html");
  const Json json = Json::parse(element(html, "object"));
  EXPECT_EQ(json["splats"]["format"], "spz");
  EXPECT_EQ(json["splats"]["yDown"], false);
  const GaussianFile read = decode_gaussians(decode_base64(element(html, "splats")), "x.spz");
  EXPECT_EQ(read.gaussians.count(), page.gaussians.count());
  EXPECT_TRUE(read.antialiased);
}

TEST(ViewerPage, OneFarGaussianDoesNotCostTheOthersTheirPlaces) {
  const TemporaryFolder folder;
  ViewerPage page;
  page.gaussians = sphere(kMostGaussiansAsPly + 2, 0.4, 0);
  page.gaussians.means[7][1] = 1e5f;
  write_viewer(folder / "x.html", page);
  const Gaussians read = decode_gaussians(decode_base64(element(read_file(folder / "x.html"), "splats")), "x.spz").gaussians;
  ASSERT_EQ(read.count(), page.gaussians.count() - 1);
  EXPECT_LE((read.means.slice(0, 7) - page.gaussians.means.slice(0, 8)).abs().max().item<double>(), 0.5 / 2048);
}

TEST(ViewerPage, TitlesCannotBreakOutAndDamageIsNotWritten) {
  const TemporaryFolder folder;
  ViewerPage page;
  page.gaussians = sphere(10, 0.4, 0);
  for (const std::string title : {"</script><script>alert(1)</script>", "<!--<script>", "\xff\xfe quote \" \\ \n \u2028"}) {
    page.title = title;
    write_viewer(folder / "x.html", page);
    const std::string text = element(read_file(folder / "x.html"), "object");
    EXPECT_EQ(text.find('<'), std::string::npos) << text;
    for (const char c : text) EXPECT_TRUE(c >= ' ' && c < 127) << text;
    const std::string back = Json::parse(text)["title"];
    if (title[0] == '<') {
      EXPECT_EQ(back, title);
    }
  }
  page.gaussians.means[3][1] = NAN;
  EXPECT_THROW(write_viewer(folder / "y.html", page), Error);
  EXPECT_FALSE(std::filesystem::exists(folder / "y.html"));
}

}  // namespace
}  // namespace gsv3d
