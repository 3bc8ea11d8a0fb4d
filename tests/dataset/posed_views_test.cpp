// transforms.json of NeRF, Blender and nerfstudio, and our own shards, as pictures with cameras in our world.
#include "dataset/posed_views.h"

#include <gmock/gmock.h>

#include "core/atomic_file.h"
#include "core/config.h"
#include "dataset/shards.h"
#include "goldens.h"
#include "image/image.h"
#include "memory_files.h"

namespace gsv3d {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using testing::error_of;
using testing::expect_near;
using ::testing::HasSubstr;

/// OpenGL camera to world, from our camera: the inverse of what is tested.
Json blender_matrix(const Tensor& world_to_camera) {
  const Tensor pose = at::inverse(world_to_camera.to(at::kDouble));
  Json rows = Json::array();
  // Our (x, y, z) is Blender's (x, -z, y); camera axes y and z change sign.
  const int64_t row_of[] = {0, 2, 1};
  const double row_sign[] = {1, -1, 1}, column_sign[] = {1, -1, -1, 1};
  for (int row = 0; row < 3; ++row) {
    Json values = Json::array();
    for (int64_t column = 0; column < 4; ++column)
      values.push_back(row_sign[row] * column_sign[column] * pose[row_of[row]][column].item<double>());
    rows.push_back(values);
  }
  rows.push_back(Json::array({0, 0, 0, 1}));
  return rows;
}

struct PosedViewsFiles : ::testing::Test {
  PosedViewsFiles() {
    for (int i = 0; i < 3; ++i) {
      save_png(folder.path() / ("r_" + std::to_string(i) + ".png"),
               blank_image(40, 30, 200, static_cast<uint8_t>(40 * i), 10, 128));
      file["frames"].push_back(
          {{"file_path", "./r_" + std::to_string(i)}, {"transform_matrix", blender_matrix(orbit.world_to_camera[i])}});
    }
    file["camera_angle_x"] = 0.8;
  }
  PosedViews read(const PosedViewsOptions& options = {}) {
    write_json_file(folder.path() / "transforms.json", file);
    return read_posed_views(folder.path(), options);
  }
  testing::TemporaryFolder folder;
  Cameras orbit = orbit_cameras(3, 25, 40, {4, 40});
  Json file;
};

TEST_F(PosedViewsFiles, BlenderScenesStandUprightInOurWorld) {
  const PosedViews views = read();
  EXPECT_EQ(views.rgba.sizes(), at::IntArrayRef({3, 4, 30, 40}));
  EXPECT_EQ(views.rgba[2][1][5][5].item<int>(), 80);
  EXPECT_EQ(views.rgba[2][3][5][5].item<int>(), 128);
  expect_near(views.cameras.world_to_camera, orbit.world_to_camera, 1e-5, "cameras");
  const double focal = 20 / std::tan(0.4);
  expect_near(views.cameras.intrinsics[1],
              at::tensor({focal, 0.0, 20.0, 0.0, focal, 15.0, 0.0, 0.0, 1.0}, at::kFloat).view({3, 3}), 1e-4, "intrinsics");
}

TEST_F(PosedViewsFiles, NerfstudiosFocalLengthsScaleWithThePictures) {
  file.erase("camera_angle_x");
  file["fl_x"] = 100, file["fl_y"] = 90, file["cx"] = 44, file["cy"] = 28, file["w"] = 80, file["h"] = 60;
  file["frames"][2]["fl_x"] = 120;
  const PosedViews full = read();
  expect_near(full.cameras.intrinsics[0], at::tensor({50.0, 0.0, 22.0, 0.0, 45.0, 14.0, 0.0, 0.0, 1.0}, at::kFloat).view({3, 3}),
              1e-4, "half the size that the file speaks of");
  EXPECT_NEAR(full.cameras.intrinsics[2][0][0].item<double>(), 60, 1e-4);
  PosedViewsOptions options;
  options.max_size = 20;
  const PosedViews half = read(options);
  EXPECT_EQ(half.rgba.sizes(), at::IntArrayRef({3, 4, 15, 20}));
  expect_near(half.cameras.intrinsics[0], at::tensor({25.0, 0.0, 11.0, 0.0, 22.5, 7.0, 0.0, 0.0, 1.0}, at::kFloat).view({3, 3}),
              1e-4, "shrunk");
}

TEST_F(PosedViewsFiles, WorldsThatAreYUpStayAsTheyAre) {
  PosedViewsOptions options;
  options.z_up = false;
  const Tensor turned = read(options).cameras.positions();
  // Without the turn positions are Blender's: (x, -z, y) of ours.
  const Tensor ours = orbit.positions();
  expect_near(turned, at::stack({ours.select(1, 0), -ours.select(1, 2), ours.select(1, 1)}, 1), 1e-4, "positions");
}

TEST_F(PosedViewsFiles, ShardsGiveTheObjectThatIsAskedFor) {
  ObjectViews views;
  views.orbit_views = 2;
  views.cameras = orbit_cameras(2, 10, 16);
  views.depth = at::zeros({2, 16, 16});
  ShardWriter writer(folder.path(), "val");
  for (int i = 0; i < 2; ++i) {
    views.id = "object-" + std::to_string(i);
    views.rgba = at::full({2, 4, 16, 16}, 50 * i, at::kByte);
    writer.add(views);
  }
  writer.finish();
  PosedViewsOptions options;
  EXPECT_EQ(read_posed_views(folder.path(), options).id, "object-0");
  options.object = "object-1";
  const PosedViews found = read_posed_views(folder.path() / "val-000000.tar", options);
  EXPECT_TRUE(at::equal(found.rgba, views.rgba));
  EXPECT_TRUE(at::equal(found.cameras.world_to_camera, views.cameras.world_to_camera));
  options.max_size = 8;
  EXPECT_EQ(read_posed_views(folder.path(), options).rgba.size(2), 8);
  options.object = "nothing";
  EXPECT_THAT(error_of([&] { read_posed_views(folder.path(), options); }), HasSubstr("no object \"nothing\""));
}

TEST_F(PosedViewsFiles, DamageIsNamed) {
  const Json good = file;
  const auto error = [&](const std::function<void(Json&)>& change) {
    file = good;
    change(file);
    return error_of([&] { read(); });
  };
  EXPECT_THAT(error([](Json& f) { f.erase("frames"); }), HasSubstr("no frames"));
  EXPECT_THAT(error([](Json& f) { f.erase("camera_angle_x"); }), HasSubstr("frame 0: neither fl_x nor camera_angle_x"));
  EXPECT_THAT(error([](Json& f) { f["frames"][1].erase("file_path"); }), HasSubstr("frame 1: no file_path"));
  EXPECT_THAT(error([](Json& f) { f["frames"][1]["transform_matrix"][0] = 3; }), HasSubstr("4 x 4"));
  EXPECT_THAT(error([](Json& f) { f["frames"][1]["transform_matrix"][0][0] = "a"; }), HasSubstr("no number"));
  EXPECT_THAT(error([](Json& f) {
                f["frames"][1]["transform_matrix"] = {{1, 0.5, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}};
              }),
              HasSubstr("no rotation"));
  EXPECT_THAT(error([](Json& f) {
                f["frames"][1]["transform_matrix"][1] = Json::array({0, 0, 0, 1});
              }),
              HasSubstr("mirrors or collapses"));
  EXPECT_THAT(error([](Json& f) { f["camera_model"] = "FULL_OPENCV"; }), HasSubstr("model FULL_OPENCV cannot be used"));
  EXPECT_THAT(error([](Json& f) { f["camera_model"] = "EQUIRECTANGULAR"; }), HasSubstr("model EQUIRECTANGULAR cannot be used"));
  EXPECT_THAT(error([](Json& f) { f["equirectangular"] = true; }), HasSubstr("\"equirectangular\" cannot be used"));
  EXPECT_THAT(error([](Json& f) { f["k4"] = 0.1; }), HasSubstr("k4 is not 0"));
  EXPECT_THAT(error([](Json& f) { f["w"] = 80, f["h"] = 50; }),
              AllOf(HasSubstr("frame 0"), HasSubstr("40 x 30 pixels, but its camera was made for 80 x 50")));
  EXPECT_THAT(error([](Json& f) { f["frames"][0]["mask_path"] = "none.png"; }), HasSubstr("no mask \"none.png\""));
  EXPECT_THAT(error([](Json& f) { f["camera_angle_x"] = -1; }), HasSubstr("camera_angle_x"));
  save_png(folder.path() / "r_1.png", blank_image(41, 30, 0, 0, 0));
  EXPECT_THAT(error([](Json&) {}), HasSubstr("41 x 30"));
  EXPECT_THAT(error_of([&] { read_posed_views(folder.path() / "missing"); }), HasSubstr("does not exist"));
  EXPECT_THAT(error_of([&] { read_posed_views(folder.path() / "r_0.png"); }), HasSubstr("neither"));
}

TEST_F(PosedViewsFiles, FramesWithoutPictureOrPoseAreLeftOut) {
  const Json good = file;
  file["frames"][1]["file_path"] = "none";
  PosedViews views = read();
  EXPECT_THAT(views.warnings,
              ElementsAre(AllOf(HasSubstr("1 of 3 frames cannot be used"), HasSubstr("frame 1: no picture \"none\""))));
  ASSERT_EQ(views.rgba.size(0), 2);
  EXPECT_EQ(views.rgba[1][1][5][5].item<int>(), 80) << "the third picture";
  expect_near(views.cameras.world_to_camera[1], orbit.world_to_camera[2], 1e-5, "with its own camera");
  file = good;
  file["frames"][2].erase("transform_matrix");
  EXPECT_THAT(read().warnings, ElementsAre(HasSubstr("frame 2: no transform_matrix")));
  file["frames"][0]["transform_matrix"] = nullptr;
  EXPECT_THAT(error_of([&] { read(); }), HasSubstr("2 of 3 frames cannot be used"));
}

TEST_F(PosedViewsFiles, PicturesAreFoundByWhatPeopleWrite) {
  file["frames"][1]["file_path"] = ".\\r_1.png";
  EXPECT_EQ(read().rgba[1][1][5][5].item<int>(), 40);
  std::filesystem::rename(folder.path() / "r_1.png", folder.path() / "r_1.jpg");  // the content decides how it is read
  file["frames"][1]["file_path"] = "./r_1";
  EXPECT_EQ(read().rgba[1][1][5][5].item<int>(), 40);
  std::filesystem::rename(folder.path() / "transforms.json", folder.path() / "transforms_train.json");
  EXPECT_EQ(read_posed_views(folder.path()).rgba.size(0), 3);
}

TEST_F(PosedViewsFiles, MasksAreTheObjectsAlpha) {
  Image mask = blank_image(40, 30, 0, 0, 0);
  for (int64_t y = 0; y < 30; ++y)
    for (int64_t x = 20; x < 40; ++x) std::fill_n(mask.at(x, y), 3, 255);
  save_png(folder.path() / "mask.png", mask);
  for (uint8_t& value : mask.pixels) value = value == 255 ? 1 : 0;
  for (size_t i = 3; i < mask.pixels.size(); i += 4) mask.pixels[i] = 255;
  save_png(folder.path() / "ones.png", mask);
  file["frames"][0]["mask_path"] = "mask.png";
  file["frames"][1]["mask_path"] = ".\\ones";
  const PosedViews views = read();
  for (int64_t view = 0; view < 3; ++view) {
    EXPECT_EQ(views.rgba[view][3][5][5].item<int>(), view == 2 ? 128 : 0);
    EXPECT_EQ(views.rgba[view][3][5][30].item<int>(), 128) << "what the picture has";
  }
  save_png(folder.path() / "mask.png", blank_image(40, 20, 255, 255, 255));
  EXPECT_THAT(error_of([&] { read(); }), HasSubstr("the mask has 40 x 20 pixels"));
}

TEST_F(PosedViewsFiles, ScalesOfRotationsAreTakenOut) {
  for (Json& frame : file["frames"])
    for (int row = 0; row < 3; ++row)
      for (int column = 0; column < 3; ++column)
        frame["transform_matrix"][row][column] = 2.5 * frame["transform_matrix"][row][column].get<double>();
  expect_near(read().cameras.world_to_camera, orbit.world_to_camera, 1e-5, "cameras");
}

/// An uncompressed TIFF of RGB, written by hand, with a tag that says how it has to be turned (TIFF 6.0, section 8).
std::string tiff_bytes(const Image& image, uint16_t orientation) {
  std::string bytes("II*\0\x08\0\0\0", 8);
  const auto add = [&](uint32_t value, int size) { bytes.append(reinterpret_cast<const char*>(&value), size); };
  const auto entry = [&](uint32_t tag, uint32_t type, uint32_t count, uint32_t value) {
    add(tag, 2), add(type, 2), add(count, 4), add(value, 4);
  };
  const auto width = static_cast<uint32_t>(image.width), height = static_cast<uint32_t>(image.height);
  const uint32_t end = 8 + 2 + 10 * 12 + 4;
  add(10, 2);
  entry(256, 4, 1, width), entry(257, 4, 1, height), entry(258, 3, 3, end), entry(259, 3, 1, 1), entry(262, 3, 1, 2);
  entry(273, 4, 1, end + 6), entry(274, 3, 1, orientation), entry(277, 3, 1, 3), entry(278, 4, 1, height);
  entry(279, 4, 1, 3 * width * height);
  add(0, 4), add(8, 2), add(8, 2), add(8, 2);
  for (size_t i = 0; i < image.pixels.size(); i += 4) bytes.append(reinterpret_cast<const char*>(&image.pixels[i]), 3);
  return bytes;
}

TEST_F(PosedViewsFiles, CamerasReferToStoredPixels) {
  Image stored = blank_image(40, 30, 9, 9, 9);
  stored.at(3, 4)[0] = 200;
  for (int i = 0; i < 3; ++i) {
    write_file(folder.path() / fmt::format("t{}.tif", i), tiff_bytes(stored, 6));  // to be seen turned by a quarter
    file["frames"][i]["file_path"] = fmt::format("t{}.tif", i);
  }
  if (testing::lacks_library([&] { load_image(folder.path() / "t0.tif"); })) GTEST_SKIP() << "built without libvips";
  ASSERT_EQ(load_image(folder.path() / "t0.tif").width, 30) << "the tag is read";
  const PosedViews views = read();
  ASSERT_EQ(views.rgba.sizes(), at::IntArrayRef({3, 4, 30, 40}));
  EXPECT_EQ(views.rgba[1][0][4][3].item<int>(), 200);
  file["w"] = 30, file["h"] = 40;  // made from pictures that were turned
  const PosedViews upright = read();
  ASSERT_EQ(upright.rgba.sizes(), at::IntArrayRef({3, 4, 40, 30}));
  EXPECT_EQ(upright.rgba[1][0][3][25].item<int>(), 200);
}

}  // namespace
}  // namespace gsv3d
