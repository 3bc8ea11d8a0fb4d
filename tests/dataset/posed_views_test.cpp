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
  EXPECT_THAT(error([](Json& f) { f["frames"][1]["file_path"] = "none"; }), HasSubstr("none"));
  EXPECT_THAT(error([](Json& f) { f["frames"][1]["transform_matrix"][0] = 3; }), HasSubstr("4 x 4"));
  EXPECT_THAT(error([](Json& f) { f["frames"][1]["transform_matrix"][0][0] = "a"; }), HasSubstr("no number"));
  EXPECT_THAT(error([](Json& f) { f["frames"][1]["transform_matrix"][0][0] = 7; }), HasSubstr("no rotation"));
  EXPECT_THAT(error([](Json& f) { f["k1"] = 0.1; }), HasSubstr("undistort"));
  EXPECT_THAT(error([](Json& f) { f["camera_angle_x"] = -1; }), HasSubstr("camera_angle_x"));
  save_png(folder.path() / "r_1.png", blank_image(41, 30, 0, 0, 0));
  EXPECT_THAT(error([](Json&) {}), HasSubstr("41 x 30"));
  EXPECT_THAT(error_of([&] { read_posed_views(folder.path() / "missing"); }), HasSubstr("does not exist"));
  EXPECT_THAT(error_of([&] { read_posed_views(folder.path() / "r_0.png"); }), HasSubstr("neither"));
}

}  // namespace
}  // namespace gsv3d
