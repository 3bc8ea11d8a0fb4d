// Several photos of one object: which views they stand for, how they are framed, and what of them reaches the result.
#include "pipeline/further_photos.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "diffusion/autoencoder.h"
#include "errors.h"
#include "goldens.h"
#include "image/object_mask.h"
#include "pipeline/pipeline.h"
#include "rasterizer/rasterizer.h"
#include "toy_model.h"

namespace gsv3d {
namespace {

using ::testing::ElementsAre;

FurtherPhoto from(double azimuth, std::optional<double> elevation = {}, const std::string& name = "photo") {
  return {{}, azimuth, elevation, name};
}

TEST(FurtherPhotos, StandForTheNearestFreeViews) {
  // Seven views, 51.4 degrees apart.
  EXPECT_THAT(views_of_photos({from(90), from(180), from(270)}, 7), ElementsAre(2, 3, 5));  // 180: views 3 and 4 are equally near
  EXPECT_THAT(views_of_photos({from(-90)}, 7), ElementsAre(5));
  EXPECT_THAT(views_of_photos({from(450)}, 7), ElementsAre(2));
  EXPECT_THAT(views_of_photos({from(20)}, 7), ElementsAre(1)) << "view 0 is the first photo's";
  EXPECT_THAT(views_of_photos({from(120), from(103)}, 7), ElementsAre(3, 2)) << "the nearer one has the choice";
}

TEST(FurtherPhotos, AreGivenToTheSamplerOnlyNearTheirViews) {
  EXPECT_TRUE(is_near_its_view(from(90), 2, 7, 10));
  EXPECT_FALSE(is_near_its_view(from(90), 3, 7, 10));
  EXPECT_TRUE(is_near_its_view(from(90, 29), 2, 7, 10));
  EXPECT_FALSE(is_near_its_view(from(90, 31), 2, 7, 10));
}

TEST(FurtherPhotos, DirectionsOfNoSenseAreRefused) {
  const auto refused = [](const std::vector<FurtherPhoto>& photos) {
    return testing::error_of([&] { check_further_photos(photos, 3, 10); });
  };
  EXPECT_EQ(refused({from(90), from(180)}), "");
  EXPECT_EQ(refused({from(0, 60)}), "") << "from above";
  EXPECT_EQ(refused({from(90), from(180), from(270)}),
            "3 further photos are too many: the model makes 3 views, one of them the first photo's");
  EXPECT_EQ(refused({from(360, {}, "a.png")}), "a.png: azimuth 360 is the first photo's own direction");
  EXPECT_EQ(refused({from(90, {}, "a.png"), from(-270.5, 10, "b.png")}), "a.png and b.png are of one direction");
  EXPECT_NE(refused({from(90, 90)}), "");
  EXPECT_NE(refused({from(NAN)}), "");
}

/// A red rectangle of this size in the middle of 120 x 100 pixels.
Image rectangle(int64_t width, int64_t height) {
  Image image = blank_image(120, 100, 0, 0, 0, 0);
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      uint8_t* pixel = image.at(60 - width / 2 + x, 50 - height / 2 + y);
      pixel[0] = 200, pixel[3] = 255;
    }
  }
  image.has_alpha = true;
  return image;
}

TEST(FurtherPhotos, ShowTheObjectAsHighAsTheFirst) {
  ModelConfig config = testing::toy_config();
  config.image_size = 128;
  const PreparedPhoto first = prepare_photo(rectangle(30, 60), config, {});
  const int64_t height = object_box(first.cutout).height;
  constexpr double kHalo = 8;  // pixels, of enlarging pictures of 100 pixels by two and four
  EXPECT_NEAR(height, 128 * config.image_frame_ratio, kHalo);
  // Half as large in its photo, and wide: its longer side would have made it lower.
  const PreparedPhoto side = prepare_further_photo(rectangle(33, 30), first, config, {});
  EXPECT_NEAR(object_box(side.cutout).height, height, kHalo);
  EXPECT_NEAR(object_box(side.cutout).width, height * 33 / 30, kHalo);
  // Too wide for that: it fits the frame instead.
  const PreparedPhoto wide = prepare_further_photo(rectangle(90, 30), first, config, {});
  EXPECT_NEAR(object_box(wide.cutout).width, 128 * 0.98, kHalo);
}

struct FurtherPhotosInPipeline : ::testing::Test {
  FurtherPhotosInPipeline() {
    testing::initialise_toy_model(folder / "toy", 5);
    model.emplace(load_model(folder / "toy", {}));
    first = prepare_photo(rectangle(30, 60), model->config, {});
  }
  Result result(std::vector<FurtherPhoto> further) const { return generate(*model, first, {}, {}, {}, std::move(further)); }
  FurtherPhoto side(double azimuth, std::optional<double> elevation = {}) const {
    return {prepare_further_photo(rectangle(50, 60), first, model->config, {}), azimuth, elevation, "side"};
  }
  testing::TemporaryFolder folder;
  std::optional<Model> model;
  PreparedPhoto first;
};

TEST_F(FurtherPhotosInPipeline, TakeTheirViewsPlaces) {
  const Result one = result({}), two = result({side(100)});  // views at 0, 120, 240
  EXPECT_THAT(two.further_views, ElementsAre(1));
  const PreparedPhoto& photo = two.further[0].photo;
  EXPECT_TRUE(at::equal(two.views[1], photo.rgb()[0]));
  const Tensor own = scaled_latents(model->config.vae, encode_photo(*model, photo.picture));
  EXPECT_TRUE(at::equal(two.latents.latents[1], own[0]));
  EXPECT_FALSE(at::equal(two.latents.latents[2], one.latents.latents[2])) << "the network sees the given frame";
  const Cameras camera = look_at_cameras({100}, {model->config.elevation_degrees}, 32);
  testing::expect_near(two.cameras.world_to_camera[1], camera.world_to_camera[0], 1e-6, "its own camera, not the view's");
  testing::expect_near(two.cameras.world_to_camera[2], one.cameras.world_to_camera[2], 0, "the others' stay");
  EXPECT_EQ(photos_of(two).size(), 2U);
  // The rendered side is red as its photo is, where the random model's is not.
  const auto redness = [&](const Result& r) {
    const Rendering seen = rasterize(*r.gaussians, camera);
    const Tensor solid = photo.picture.select(1, 3)[0] > 0.9;
    return (seen.rgb[0] - at::tensor({200 / 255.0F, 0.0F, 0.0F}).view({3, 1, 1}))
        .abs()
        .mean(0)
        .masked_select(solid)
        .mean()
        .item<double>();
  };
  EXPECT_LT(redness(two), 0.02);
  EXPECT_GT(redness(one), 0.05);
}

TEST_F(FurtherPhotosInPipeline, FromFarAboveOnlyTheObjectTakesThem) {
  const Result one = result({}), two = result({side(120, 60)});
  EXPECT_TRUE(at::equal(two.latents.latents[2], one.latents.latents[2]));
  EXPECT_TRUE(at::equal(two.views[1], two.further[0].photo.rgb()[0]));
}

TEST_F(FurtherPhotosInPipeline, AreRefusedBeforeAnythingIsDone) {
  EXPECT_THROW(result({side(360)}), UsageError);
  GenerateOptions options;
  options.orbit = Orbit{{0, 120, 240}, {10, 10, 10}};
  EXPECT_THROW(generate(*model, first, options, {}, {}, {side(120)}), UsageError);
}

}  // namespace
}  // namespace gsv3d
