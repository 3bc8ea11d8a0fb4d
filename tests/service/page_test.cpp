// What the page in the browser needs: its own files, mattes to look at, masks that are sent back, small pictures of photos.
#include <cmath>

#include "core/base64.h"
#include "image/load_image.h"
#include "image/object_mask.h"
#include "test_service.h"

namespace gsv3d::testing {
namespace {

using ::testing::HasSubstr;

/// A red disc in the middle, of a third of the width, on grey; cut out when `transparent`.
Image disc_photo(int64_t side, bool transparent) {
  Image image = blank_image(side, side, 120, 124, 128);
  for (int64_t y = 0; y < side; ++y) {
    for (int64_t x = 0; x < side; ++x) {
      const bool inside = std::hypot(x + 0.5 - side / 2.0, y + 0.5 - side / 2.0) < side / 3.0;
      uint8_t* pixel = image.at(x, y);
      if (inside) pixel[0] = 200, pixel[1] = 40, pixel[2] = 30;
      if (transparent && !inside) pixel[3] = 0;
    }
  }
  return image;
}

/// White in the left part, black in the rest, opaque: what is white is kept.
Image left_mask(int64_t width, int64_t height, double share) {
  Image image = blank_image(width, height, 0, 0, 0);
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < static_cast<int64_t>(std::lround(share * width)); ++x) std::fill_n(image.at(x, y), 3, 255);
  }
  return image;
}

Image decoded(const Json& base64) {
  return decode_picture(base64_decoded(base64.get<std::string>()).value(), "answer");
}

/// Share of the pixels that are at least half solid.
double solid_share(const Image& image) {
  int64_t solid = 0;
  for (size_t i = 3; i < image.pixels.size(); i += 4) solid += image.pixels[i] > 127;
  return static_cast<double>(solid) / static_cast<double>(image.width * image.height);
}

class Page : public ServiceTest {
 protected:
  HttpAnswer matte(const std::string& photo, const std::string& query = "",
                   const std::map<std::string, std::string>& fields = {}) const {
    return ask(port_, "POST", "/v1/mattes" + query, {{"Content-Type", "multipart/form-data; boundary=X"}},
               form_body(photo, fields));
  }
  /// The first photo as the job will read it.
  Image stored(const HttpAnswer& answer, size_t index = 0) const {
    EXPECT_EQ(answer.status, 202) << answer.body;
    return load_image(files_->photo(Json::parse(answer.body)["id"], index));
  }
};

TEST_F(Page, IsCarriedByTheProgramWithItsTagsAndPolicy) {
  config_.token = "0123456789abcdef";  // the page itself is nobody's secret
  start();
  const HttpAnswer page = get("/");
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.headers.at("content-type"), "text/html; charset=utf-8");
  EXPECT_THAT(page.body, HasSubstr("src=\"/studio/studio.js\""));
  EXPECT_EQ(page.body.find("http://"), page.body.find("http://www.w3.org/2000/svg"));  // nothing from elsewhere
  EXPECT_EQ(page.body.find("https://"), std::string::npos);
  const std::string policy = page.headers.at("content-security-policy");
  for (const char* part :
       {"default-src 'none'", "script-src 'self' 'wasm-unsafe-eval';", "style-src 'self';", "frame-ancestors 'none'"})
    EXPECT_THAT(policy, HasSubstr(part));
  EXPECT_EQ(policy.find("unsafe-inline"), std::string::npos);
  for (const char* name : {"studio.js", "view.js", "studio.css"}) {
    const std::string target = std::string("/studio/") + name;
    const HttpAnswer file = get(target);
    EXPECT_EQ(file.status, 200) << name;
    EXPECT_EQ(file.headers.at("content-encoding"), "gzip") << name;
    EXPECT_EQ(file.body.substr(0, 2), "\x1f\x8b") << name;
    const HttpAnswer again = get(target, {{"If-None-Match", file.headers.at("etag")}});
    EXPECT_EQ(again.status, 304) << name;
    EXPECT_EQ(again.body, "") << name;
    EXPECT_EQ(ask(port_, "HEAD", target).headers.at("content-length"), std::to_string(file.body.size()));
  }
  EXPECT_NE(get("/studio/studio.js").headers.at("etag"), get("/studio/view.js").headers.at("etag"));
  expect_problem(get("/studio/studio.js.gz"), 404, "no such file");
  EXPECT_THAT(get("/studio/..%2findex.html").status, ::testing::AnyOf(400, 404));
  expect_problem(matte(small_png()), 401, "token");
}

TEST_F(Page, MattesShowWhatAJobWouldTake) {
  start();
  const HttpAnswer own = matte(encode_png(disc_photo(60, true)));
  ASSERT_EQ(own.status, 200) << own.body;
  Json json = Json::parse(own.body);
  EXPECT_EQ(json["object_from"], "alpha used");
  EXPECT_EQ(json["width"], 60);
  EXPECT_EQ(json.count("photo_png_base64"), 0U);
  const Image shown = decoded(json["matte_png_base64"]), photo = disc_photo(60, true);
  for (int64_t i = 0; i < 60 * 60; ++i) EXPECT_EQ(shown.pixels[4 * i + 3], photo.pixels[4 * i + 3]) << i;
  EXPECT_EQ(shown.at(30, 30)[0], 255);  // white

  const HttpAnswer large = matte(encode_png(disc_photo(2000, true)), "?photo=1");
  ASSERT_EQ(large.status, 200);
  json = Json::parse(large.body);
  EXPECT_EQ(json["height"], 2000);
  EXPECT_EQ(decoded(json["matte_png_base64"]).width, 1024);
  const Image picture = decoded(json["photo_png_base64"]);
  EXPECT_EQ(picture.width, 1024);
  EXPECT_EQ(solid_share(picture), 1);
}

TEST_F(Page, MattesAreCutByTheService) {
  start();
  const HttpAnswer answer = matte(encode_png(disc_photo(120, false)));
  if (answer.status == 422 && answer.body.find("WITH_MATTING") != std::string::npos) GTEST_SKIP() << "built without OpenCV";
  ASSERT_EQ(answer.status, 200) << answer.body;
  const Json json = Json::parse(answer.body);
  EXPECT_EQ(json["object_from"], "background removed");
  EXPECT_TRUE(json["warnings"].empty());
  const double pi = std::acos(-1.0);
  EXPECT_NEAR(solid_share(decoded(json["matte_png_base64"])), pi / 9, 0.01);
  expect_problem(matte(encode_png(blank_image(64, 64, 90, 90, 90))), 422, "cannot be told from the object");
}

TEST_F(Page, MattesRefuseWhatIsNoPhoto) {
  config_.photo_pixels = 3000;
  start();
  expect_problem(matte("no picture"), 422, "the photo");
  expect_problem(matte(""), 422, "the photo is empty");
  expect_problem(matte(encode_png(disc_photo(60, true))), 413, "60 x 60 pixels; 3000 are allowed");
  expect_problem(matte(small_png(), "", {{"seed", "7"}}), 422, "one part, photo");
  expect_problem(ask(port_, "POST", "/v1/mattes", {{"Content-Type", "image/png"}}, small_png()), 415, "multipart");
}

TEST_F(Page, AMaskSaysWhatIsTheObject) {
  start();
  const std::string photo = encode_png(disc_photo(60, false));
  // A mask without transparency says it by its brightness, whatever its size.
  const Image half = stored(submit(port_, photo, {{"mask", encode_png(left_mask(20, 20, 0.5))}}));
  EXPECT_EQ(half.width, 60);
  EXPECT_EQ(half.at(10, 30)[3], 255);
  EXPECT_EQ(half.at(50, 30)[3], 0);
  EXPECT_NEAR(solid_share(half), 0.5, 0.01);
  EXPECT_TRUE(is_cut_out(half));
  EXPECT_EQ(half.at(20, 30)[0], 200);  // the photo's own colour
  // One with transparency says it by that.
  const Image disc = stored(submit(port_, photo, {{"mask", encode_png(disc_photo(60, true))}}));
  EXPECT_NEAR(solid_share(disc), std::acos(-1.0) / 9, 0.01);
  // Of one that keeps everything, a margin makes a cut-out, so that the photo is not cut once more.
  const Image all = stored(submit(port_, photo, {{"mask", encode_png(blank_image(4, 4, 255, 255, 255))}}));
  EXPECT_EQ(all.width, 60 + 2 * (4 + 60 / 20));
  EXPECT_TRUE(is_cut_out(all));
  EXPECT_EQ(object_box(all).width, 60);
  expect_problem(submit(port_, photo, {{"mask", encode_png(blank_image(4, 4, 0, 0, 0))}}), 422, "");
  expect_problem(submit(port_, photo, {{"mask", "no picture"}}), 422, "the mask of the photo");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(config_.data / "inputs"), {}), 3);
}

TEST_F(Page, FurtherPhotosHaveMasksOfTheirOwn) {
  start();
  const std::string photo = encode_png(disc_photo(60, false)), mask = encode_png(left_mask(60, 60, 0.25));
  const HttpAnswer form = submit(port_, photo, {{"view:90", photo}, {"mask:90", mask}});
  EXPECT_EQ(solid_share(stored(form, 0)), 1);  // cut out by the job
  EXPECT_NEAR(solid_share(stored(form, 1)), 0.25, 0.01);
  expect_problem(submit(port_, photo, {{"mask:45", mask}}), 422, "no photo for the part \"mask:45\"");
  const Json json = {{"photo", base64_encoded(photo)},
                     {"mask", base64_encoded(mask)},
                     {"views", {{{"azimuth_degrees", 90}, {"photo", base64_encoded(photo)}, {"mask", base64_encoded(mask)}}}}};
  const HttpAnswer both = ask(port_, "POST", "/v1/generations", {{"Content-Type", "application/json"}}, json.dump());
  EXPECT_NEAR(solid_share(stored(both, 0)), 0.25, 0.01);
  EXPECT_NEAR(solid_share(stored(both, 1)), 0.25, 0.01);
}

TEST_F(Page, JobsHaveASmallPictureOfTheirPhoto) {
  gate_.open();
  start();
  const HttpAnswer answer = submit(port_, encode_png(disc_photo(640, true)));
  const std::string target = "/v1/jobs/" + Json::parse(answer.body)["id"].get<std::string>() + "/photo";
  const HttpAnswer picture = get(target);
  ASSERT_EQ(picture.status, 200);
  EXPECT_EQ(picture.headers.at("content-type"), "image/png");
  const Image image = decode_png(picture.body);
  EXPECT_EQ(image.width, 320);
  EXPECT_NEAR(solid_share(image), std::acos(-1.0) / 9, 0.01);
  EXPECT_EQ(get(target, {{"If-None-Match", picture.headers.at("etag")}}).status, 304);
  expect_problem(get("/v1/jobs/" + std::string(32, 'a') + "/photo"), 404, "no such job");
  // Jobs of versions that made none.
  std::filesystem::remove(files_->thumbnail(Json::parse(answer.body)["id"]));
  expect_problem(get(target), 404, "no picture");
}

}  // namespace
}  // namespace gsv3d::testing
