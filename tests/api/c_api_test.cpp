// The C API by itself: sizes of structs, NULL, messages per thread, and what the library lets be seen.
#include <gmock/gmock.h>
#include <gsv3d/gsv3d_c.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

extern "C" int header_compiles_as_c(void);

namespace {

using ::testing::HasSubstr;

TEST(CApi, TheHeaderIsC) {
  EXPECT_EQ(header_compiles_as_c(), 0);
}

TEST(CApi, VersionIsTheProjects) {
  EXPECT_STREQ(gsv3d_version(), GSV3D_VERSION);
}

TEST(CApi, NullIsAnErrorOrNothing) {
  gsv3d_gaussians* gaussians = nullptr;
  EXPECT_EQ(gsv3d_gaussians_read(nullptr, &gaussians), GSV3D_USAGE_ERROR);
  EXPECT_STREQ(gsv3d_last_error(), "path is NULL");
  EXPECT_EQ(gsv3d_gaussians_read("x.ply", nullptr), GSV3D_USAGE_ERROR);
  EXPECT_EQ(gsv3d_generate(nullptr, nullptr, nullptr, &gaussians), GSV3D_USAGE_ERROR);
  EXPECT_EQ(gsv3d_mesh_make(nullptr, nullptr, nullptr), GSV3D_USAGE_ERROR);
  EXPECT_EQ(gsv3d_text_picture(nullptr, "chair", nullptr, nullptr), GSV3D_USAGE_ERROR);
  EXPECT_EQ(gsv3d_rasterize(nullptr, nullptr, 1, 8, 8, nullptr, nullptr, nullptr, nullptr), GSV3D_USAGE_ERROR);
  EXPECT_EQ(gaussians, nullptr);
  EXPECT_EQ(gsv3d_gaussians_count(nullptr), 0);
  gsv3d_gaussians_free(nullptr), gsv3d_model_free(nullptr), gsv3d_picture_free(nullptr), gsv3d_mesh_free(nullptr);
  gsv3d_text_model_free(nullptr);
}

TEST(CApi, MessagesBelongToTheirThread) {
  gsv3d_picture* picture = nullptr;
  EXPECT_EQ(gsv3d_picture_read("/nowhere/mine.png", &picture), GSV3D_ERROR);
  std::string others = "unset", after;
  std::thread([&] {
    others = gsv3d_last_error();
    EXPECT_EQ(gsv3d_picture_read("/nowhere/other.png", &picture), GSV3D_ERROR);
    after = gsv3d_last_error();
  }).join();
  EXPECT_EQ(others, "");
  EXPECT_THAT(after, HasSubstr("other.png"));
  EXPECT_THAT(gsv3d_last_error(), HasSubstr("mine.png"));
}

/// What a program has that was built when the struct ended after max_gaussians.
TEST(CApi, ShorterStructsOfOldProgramsKeepTheRest) {
  const size_t known = offsetof(gsv3d_fit_options, background);
  gsv3d_fit_options options;
  std::memset(&options, 0x55, sizeof(options));
  gsv3d_fit_options_init(&options, known);
  EXPECT_EQ(options.size, known);
  EXPECT_EQ(options.steps, 2000);
  unsigned char untouched[sizeof(options) - known];
  std::memset(untouched, 0x55, sizeof(untouched));
  EXPECT_EQ(std::memcmp(reinterpret_cast<const char*>(&options) + known, untouched, sizeof(untouched)), 0);
  // Its progress and user are rubbish and must not be called.
  options.steps = 1, options.start_count = 20;
  gsv3d_camera cameras[3];
  ASSERT_EQ(gsv3d_orbit_cameras(3, 0, 2, 33.8, 16, cameras), GSV3D_OK);
  const std::vector<float> white(3 * 3 * 16 * 16, 1.0F);
  gsv3d_gaussians* gaussians = nullptr;
  EXPECT_EQ(gsv3d_fit(nullptr, cameras, 3, 16, 16, white.data(), nullptr, &options, &gaussians), GSV3D_OK) << gsv3d_last_error();
  EXPECT_GT(gsv3d_gaussians_count(gaussians), 0);
  gsv3d_gaussians_free(gaussians);

  options.size = 0;
  EXPECT_EQ(gsv3d_fit(nullptr, cameras, 3, 16, 16, white.data(), nullptr, &options, &gaussians), GSV3D_USAGE_ERROR);
  EXPECT_THAT(gsv3d_last_error(), HasSubstr("GSV3D_INIT"));
}

/// One that was built before there were further photos: what lies behind its struct is not looked at.
TEST(CApi, ProgramsFromBeforeSeveralPhotosKeepOne) {
  gsv3d_generate_options options;
  std::memset(&options, 0x55, sizeof(options));
  gsv3d_generate_options_init(&options, offsetof(gsv3d_generate_options, view_count));
  ASSERT_NE(options.view_count, 0);
  options.sampling = "no JSON";
  gsv3d_model* model = nullptr;
  ASSERT_EQ(gsv3d_model_load(GSV3D_SOURCE_DIR "/models/tiny", nullptr, &model), GSV3D_OK) << gsv3d_last_error();
  const uint8_t pixels[4] = {1, 2, 3, 255};
  gsv3d_picture* picture = nullptr;
  ASSERT_EQ(gsv3d_picture_create(pixels, 1, 1, &picture), GSV3D_OK);
  gsv3d_gaussians* gaussians = nullptr;
  EXPECT_EQ(gsv3d_generate(model, picture, &options, &gaussians), GSV3D_USAGE_ERROR);
  EXPECT_THAT(gsv3d_last_error(), HasSubstr("sampling is no JSON"));

  GSV3D_INIT(gsv3d_generate_options, &options);
  EXPECT_EQ(options.view_count, 0);
  options.view_count = -1;
  EXPECT_EQ(gsv3d_generate(model, picture, &options, &gaussians), GSV3D_USAGE_ERROR);
  EXPECT_STREQ(gsv3d_last_error(), "view_count = -1: it must be at least 0");
  options.view_count = 1;
  EXPECT_EQ(gsv3d_generate(model, picture, &options, &gaussians), GSV3D_USAGE_ERROR);
  EXPECT_STREQ(gsv3d_last_error(), "views is NULL");
  gsv3d_view view;
  std::memset(&view, 0, sizeof(view));
  const gsv3d_view* views[] = {&view};
  options.views = views;
  EXPECT_EQ(gsv3d_generate(model, picture, &options, &gaussians), GSV3D_USAGE_ERROR);
  EXPECT_THAT(gsv3d_last_error(), HasSubstr("GSV3D_INIT"));
  GSV3D_INIT(gsv3d_view, &view);
  EXPECT_TRUE(std::isnan(view.elevation));
  EXPECT_EQ(gsv3d_generate(model, picture, &options, &gaussians), GSV3D_USAGE_ERROR);
  EXPECT_STREQ(gsv3d_last_error(), "views[0].photo is NULL");
  EXPECT_EQ(gaussians, nullptr);
  gsv3d_picture_free(picture);
  gsv3d_model_free(model);
}

/// What a program has that was built with a later header: the part that this library does not know becomes 0.
TEST(CApi, LongerStructsOfNewProgramsAreFilled) {
  struct Newer {
    gsv3d_mesh_options known;
    long long added;
  } options;
  std::memset(&options, 0x55, sizeof(options));
  gsv3d_mesh_options_init(&options.known, sizeof(options));
  EXPECT_EQ(options.known.size, sizeof(options));
  EXPECT_EQ(options.known.resolution, 128);
  EXPECT_EQ(options.added, 0);
}

TEST(CApi, WrongNumbersAreRefused) {
  gsv3d_camera camera;
  EXPECT_EQ(gsv3d_orbit_cameras(1, 0, 0, 33.8, 16, &camera), GSV3D_USAGE_ERROR);
  EXPECT_EQ(gsv3d_orbit_cameras(-1, 0, 2, 33.8, 16, &camera), GSV3D_USAGE_ERROR);
  EXPECT_EQ(gsv3d_orbit_cameras(1, 0, 2, NAN, 16, &camera), GSV3D_USAGE_ERROR);
  EXPECT_EQ(gsv3d_set_threads(0), GSV3D_USAGE_ERROR);
  const uint8_t pixels[4] = {};
  gsv3d_picture* picture = nullptr;
  EXPECT_EQ(gsv3d_picture_create(pixels, INT64_MAX / 2, 4, &picture), GSV3D_USAGE_ERROR);
  EXPECT_EQ(gsv3d_picture_create(pixels, -1, 1, &picture), GSV3D_USAGE_ERROR);
  const float means[3] = {0, NAN, 0}, quats[4] = {1, 0, 0, 0}, ones[3] = {1, 1, 1};
  gsv3d_gaussian_arrays arrays;
  GSV3D_INIT(gsv3d_gaussian_arrays, &arrays);
  arrays.count = 1, arrays.means = means, arrays.quats = quats, arrays.scales = ones, arrays.opacities = ones, arrays.sh = ones;
  gsv3d_gaussians* gaussians = nullptr;
  EXPECT_EQ(gsv3d_gaussians_create(&arrays, &gaussians), GSV3D_ERROR);
  EXPECT_THAT(gsv3d_last_error(), HasSubstr("finite"));
  arrays.sh_count = 5;
  EXPECT_EQ(gsv3d_gaussians_create(&arrays, &gaussians), GSV3D_USAGE_ERROR);
  EXPECT_EQ(gaussians, nullptr);
}

/// Nothing of ours but the C functions, and nothing of LibTorch, can clash with a user's program.
TEST(CApi, OnlyItsOwnFunctionsAreExported) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> lines(::popen("nm -D --defined-only " GSV3D_LIBRARY, "r"), ::pclose);
  int count = 0;
  char line[4096];
  while (std::fgets(line, sizeof(line), lines.get())) {
    ++count;
    EXPECT_THAT(std::string(line), ::testing::ContainsRegex(" T gsv3d_[a-z_]+\n"));
  }
  EXPECT_GE(count, 30);
}

}  // namespace
