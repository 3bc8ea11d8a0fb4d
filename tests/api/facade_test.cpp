// The public C++ header over the shared library: what it gives is what the program gives. Only public headers here.
#include <gmock/gmock.h>
#include <gsv3d/gsv3d.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <numeric>

namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const std::string photo_file = GSV3D_SOURCE_DIR "/examples/flower_cutout.png";

class ApiTest : public ::testing::Test {
 protected:
  void SetUp() override { fs::create_directories(folder_); }
  void TearDown() override { fs::remove_all(folder_); }
  std::string file(const std::string& name) const { return (folder_ / name).string(); }
  static std::string bytes(const std::string& path) {
    std::ifstream stream(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }

 private:
  fs::path folder_ = fs::temp_directory_path() / ("gsv3d-api-" + std::to_string(::getpid()));
};

/// One solid ball-like Gaussian of this colour at a place.
gsv3d::Gaussians ball(std::array<float, 3> place, float radius, std::array<float, 3> rgb) {
  constexpr float sh_zero = 0.28209479177387814F;
  std::array<float, 3> sh{};
  for (size_t channel = 0; channel < 3; ++channel) sh[channel] = (rgb[channel] - 0.5F) / sh_zero;
  const std::array<float, 4> turn = {1, 0, 0, 0};
  const std::array<float, 3> scales = {radius, radius, radius};
  const std::array<float, 1> opacity = {0.99F};
  return {place, turn, scales, opacity, sh};
}

TEST_F(ApiTest, TheSameFileAsTheProgram) {
  const std::string program = std::string("OMP_WAIT_POLICY=passive " GSV3D_PROGRAM " generate ") + photo_file + " -o " +
                              file("out") + " --seed 5 --steps 2 --threads 2 --no-mesh --no-viewer --quiet";
  ASSERT_EQ(std::system(program.c_str()), 0);
  gsv3d::set_threads(2);
  const gsv3d::Model model(GSV3D_SOURCE_DIR "/models/tiny");
  gsv3d::GenerateOptions options;
  options.seed = 5;
  options.sampling = R"({"steps": 2})";
  std::vector<std::string> stages;
  options.progress = [&](const std::string& stage, int64_t done, int64_t total) {
    EXPECT_LE(done, total);
    if (stages.empty() || stages.back() != stage) stages.push_back(stage);
    return true;
  };
  model.generate(gsv3d::Picture(photo_file), options).write(file("object.ply"));
  const std::string ours = bytes(file("object.ply"));
  EXPECT_GT(ours.size(), 100'000U);
  EXPECT_TRUE(ours == bytes(file("out/flower_cutout/object.ply")));
  EXPECT_GE(stages.size(), 3U);
}

TEST_F(ApiTest, SeveralPhotosGiveTheSameFileAsTheProgram) {
  const std::string cup_file = GSV3D_SOURCE_DIR "/examples/coffee_cutout.png";
  const std::string program = "OMP_WAIT_POLICY=passive " GSV3D_PROGRAM " generate " + photo_file + " --view 90:" + cup_file +
                              " --view 180,25:" + photo_file + " -o " + file("out") +
                              " --seed 5 --steps 1 --threads 2 --no-mesh --no-viewer --quiet";
  ASSERT_EQ(std::system(program.c_str()), 0);
  gsv3d::set_threads(2);
  const gsv3d::Model model(GSV3D_SOURCE_DIR "/models/tiny");
  const gsv3d::Picture photo(photo_file), cup(cup_file);
  gsv3d::GenerateOptions options;
  options.seed = 5, options.sampling = R"({"steps": 1})";
  options.views = {{&cup, 90, {}}, {&photo, 180, 25}};
  model.generate(photo, options).write(file("object.ply"));
  EXPECT_GT(bytes(file("object.ply")).size(), 100'000U);
  EXPECT_TRUE(bytes(file("object.ply")) == bytes(file("out/flower_cutout/object.ply")));
}

TEST_F(ApiTest, ConfidenceOfEachGaussianIsTheProgramsToo) {
  const std::string program =
      std::string("OMP_WAIT_POLICY=passive " GSV3D_PROGRAM " generate ") + photo_file + " -o " + file("out") +
      " --seed 5 --steps 1 --threads 2 --no-refinement --confidence-seeds 2 --no-mesh --no-viewer --quiet";
  ASSERT_EQ(std::system(program.c_str()), 0);
  gsv3d::set_threads(2);
  const gsv3d::Model model(GSV3D_SOURCE_DIR "/models/tiny");
  const gsv3d::Picture photo(photo_file);
  gsv3d::GenerateOptions options;
  options.seed = 5, options.sampling = R"({"steps": 1})", options.refine = false, options.confidence_seeds = 2;
  const gsv3d::Gaussians made = model.generate(photo, options);
  ASSERT_EQ(made.confidence().size(), static_cast<size_t>(made.count()));
  made.write(file("object.ply"));
  EXPECT_TRUE(bytes(file("object.ply")) == bytes(file("out/flower_cutout/object.ply")));
  const gsv3d::Gaussians read(file("object.ply"));
  EXPECT_TRUE(std::equal(made.confidence().begin(), made.confidence().end(), read.confidence().begin(), read.confidence().end()));
  EXPECT_TRUE(ball({0, 0, 0}, 1, {1, 1, 1}).confidence().empty());
  options.confidence_seeds = 1;
  EXPECT_THROW((void)model.generate(photo, options), gsv3d::UsageError);
}

TEST_F(ApiTest, ViewsThatMakeNoSenseAreToldByTheirDirection) {
  const gsv3d::Model model(GSV3D_SOURCE_DIR "/models/tiny");
  const gsv3d::Picture photo(photo_file);
  const auto message = [&](std::vector<gsv3d::View> views) -> std::string {
    gsv3d::GenerateOptions options;
    options.views = std::move(views);
    try {
      (void)model.generate(photo, options);
    } catch (const gsv3d::Error& error) {
      return error.what();
    }
    return "nothing";
  };
  EXPECT_EQ(message({{&photo, 90, {}}, {nullptr, 180, {}}}), "views[1].photo is NULL");
  EXPECT_THAT(message({{&photo, 0.5, {}}}), HasSubstr("the photo at 0.5 degrees: azimuth 0.5 is the first photo's own"));
  EXPECT_THAT(message({{&photo, NAN, {}}}), HasSubstr("azimuth nan"));
  EXPECT_THAT(message({{&photo, 90, 90}}), HasSubstr("elevation 90"));
  EXPECT_THAT(message({{&photo, 90, {}}, {&photo, 90, {}}}), HasSubstr("are of one direction"));
  EXPECT_THAT(message(std::vector<gsv3d::View>(20, {&photo, 90, {}})), HasSubstr("20 further photos are too many"));
}

/// A model folder of random weights that makes 32-pixel pictures of two words.
void make_text_model(const std::string& config_file, const std::string& folder) {
  std::ifstream stream(GSV3D_SOURCE_DIR "/configs/tiny/config.json");
  const std::string config{std::istreambuf_iterator<char>(stream), {}};
  std::ofstream(config_file) << R"({"text": {"image_size": 32, "prompt_template": "{}", "negative": "",
      "words": {"words": ["red", "chair"], "ignored": ["a"]},
      "tower": {"vocabulary_size": 8, "context_length": 4, "width": 32, "layers": 1, "head_width": 32, "skipped_layers": 0},
      "unet": {"in_channels": 8, "out_channels": 8, "model_channels": 32, "attention_resolutions": [1], "num_res_blocks": 1,
               "channel_mult": [1, 2], "num_head_channels": 32, "transformer_depth": 1, "context_dim": 32, "norm_groups": 8},
      "sampler": {"steps": 3, "guidance": 2}},)"
                             << config.substr(config.find('{') + 1);
  const std::string program = GSV3D_PROGRAM " model init " + config_file + " -o " + folder + " >/dev/null";
  ASSERT_EQ(std::system(program.c_str()), 0);
}

TEST_F(ApiTest, WordsBecomeTheProgramsObject) {
  make_text_model(file("config.json"), file("toy"));
  const std::string program =
      "OMP_WAIT_POLICY=passive " GSV3D_PROGRAM " text 'a red chair' --device cpu --model " + file("toy") + " -o " + file("out") +
      " --seed 5 --candidates 2 --picture-steps 2 --steps 1 --threads 1 --no-matting --no-mesh --no-viewer"
      " --quiet";
  ASSERT_EQ(std::system(program.c_str()), 0);
  gsv3d::set_threads(1);
  const gsv3d::Model model(file("toy"), "cpu");
  const gsv3d::TextModel text_model(file("toy"), "cpu");
  gsv3d::TextOptions text;
  text.seed = 5, text.candidates = 2, text.sampling = R"({"picture-steps": 2})", text.matting = false;
  std::vector<int64_t> steps;
  text.progress = [&](const std::string& stage, int64_t done, int64_t total) {
    EXPECT_EQ(stage, "picture");
    EXPECT_EQ(total, 4);
    steps.push_back(done);
    return true;
  };
  const gsv3d::Picture picture = text_model.picture("a red chair", text);
  EXPECT_THAT(steps, ::testing::ElementsAre(1, 2, 3, 4));
  EXPECT_EQ(picture.width(), 32);
  const gsv3d::Picture programs(file("out/a-red-chair/picture.png"));
  EXPECT_TRUE(std::equal(picture.rgba().begin(), picture.rgba().end(), programs.rgba().begin(), programs.rgba().end()));
  gsv3d::GenerateOptions options;
  options.seed = 5, options.sampling = R"({"steps": 1})", options.matting = false;
  gsv3d::generate_from_text(model, text_model, "a red chair", text, options).write(file("object.ply"));
  EXPECT_GT(bytes(file("object.ply")).size(), 1'000U);
  EXPECT_TRUE(bytes(file("object.ply")) == bytes(file("out/a-red-chair/object.ply")));
  text.sketch = &picture, text.strength = 0.6;
  text.progress = {};
  EXPECT_FALSE(std::equal(picture.rgba().begin(), picture.rgba().end(), text_model.picture("chair", text).rgba().begin()));
}

TEST_F(ApiTest, WordsThatMakeNoPictureAreUsageErrors) {
  make_text_model(file("config.json"), file("toy"));
  const gsv3d::TextModel text_model(file("toy"), "cpu");
  const auto message = [&](const std::string& words, const gsv3d::TextOptions& options = {}) -> std::string {
    try {
      (void)text_model.picture(words, options);
    } catch (const gsv3d::UsageError& error) {
      return error.what();
    }
    return "nothing";
  };
  EXPECT_THAT(message("a red chiar"), HasSubstr("\"chiar\" (nearest: chair"));
  EXPECT_THAT(message("  "), HasSubstr("empty"));
  gsv3d::TextOptions options;
  options.candidates = 0;
  EXPECT_THAT(message("chair", options), HasSubstr("candidates"));
  options = {};
  options.sampling = R"({"picture-stepz": 2})";
  EXPECT_THAT(message("chair", options), HasSubstr("picture-stepz"));
  options = {};
  options.progress = [](const std::string&, int64_t, int64_t) { return false; };
  EXPECT_THROW((void)text_model.picture("chair", options), gsv3d::Cancelled);
  EXPECT_THROW(gsv3d::TextModel("/nowhere"), gsv3d::Error);
}

TEST_F(ApiTest, AProgressFunctionCancelsOrThrows) {
  const gsv3d::Model model(GSV3D_SOURCE_DIR "/models/tiny");
  const gsv3d::Picture photo(photo_file);
  gsv3d::GenerateOptions options;
  int calls_after = 0;
  bool cancelled = false;
  options.progress = [&](const std::string& stage, int64_t, int64_t) {
    if (cancelled) ++calls_after;
    cancelled = cancelled || stage == "views";
    return !cancelled;
  };
  EXPECT_THROW((void)model.generate(photo, options), gsv3d::Cancelled);
  EXPECT_TRUE(cancelled);
  EXPECT_EQ(calls_after, 0);
  options.progress = [](const std::string&, int64_t, int64_t) -> bool { throw std::domain_error("my own"); };
  EXPECT_THROW((void)model.generate(photo, options), std::domain_error);
}

TEST_F(ApiTest, GaussiansGoThroughFilesAndArrays) {
  const gsv3d::Gaussians one = ball({0.1F, -0.2F, 0.3F}, 0.05F, {1, 0.5F, 0});
  for (const char* name : {"one.ply", "one.glb"}) {
    one.write(file(name));
    const gsv3d::Gaussians read(file(name));
    ASSERT_EQ(read.count(), 1);
    for (size_t axis = 0; axis < 3; ++axis) {
      EXPECT_NEAR(read.means()[axis], one.means()[axis], 1e-6) << name;
      EXPECT_NEAR(read.scales()[axis], 0.05, 1e-6) << name;
      EXPECT_NEAR(read.sh()[axis], one.sh()[axis], 1e-5) << name;
    }
    EXPECT_NEAR(read.opacities()[0], 0.99, 1e-5) << name;
  }
  const std::array<float, 2> two_opacities = {1, 1};
  EXPECT_THROW(gsv3d::Gaussians(one.means(), one.quats(), one.scales(), two_opacities, one.sh()), gsv3d::UsageError);
}

TEST_F(ApiTest, RasterizesWhereTheCameraSeesIt) {
  constexpr int64_t size = 33, middle = 16;
  // Towards +X: right of the middle from the front (azimuth 0), left of it from behind.
  const gsv3d::Gaussians red = ball({0.2F, 0, 0}, 0.03F, {1, 0, 0});
  const auto cameras = gsv3d::orbit_cameras(2, 0, size);
  const gsv3d::Rendering picture = gsv3d::rasterize(red, cameras, size, size, {0, 0, 1});
  for (int64_t view = 0; view < 2; ++view) {
    double weight = 0, column = 0, row = 0;
    for (int64_t y = 0; y < size; ++y) {
      for (int64_t x = 0; x < size; ++x) {
        const float alpha = picture.alpha[static_cast<size_t>((view * size + y) * size + x)];
        weight += alpha, column += alpha * (static_cast<double>(x) + 0.5), row += alpha * (static_cast<double>(y) + 0.5);
      }
    }
    // focal = size / 2 / tan(fov / 2) pixels; the camera is 2 away.
    const double offset = size / 2.0 / std::tan(33.8 / 2 * M_PI / 180) * 0.2 / 2;
    EXPECT_NEAR(column / weight, middle + 0.5 + (view == 0 ? offset : -offset), 0.1);
    EXPECT_NEAR(row / weight, middle + 0.5, 0.05);
  }
  EXPECT_FLOAT_EQ(picture.rgb[0], 0);                // the corner is background: red
  EXPECT_FLOAT_EQ(picture.rgb[2 * size * size], 1);  // blue
}

TEST_F(ApiTest, FitsPicturesAndMakesAMesh) {
  constexpr int64_t size = 32;
  const gsv3d::Gaussians green = ball({0, 0, 0}, 0.12F, {0, 0.8F, 0.2F});
  const auto cameras = gsv3d::orbit_cameras(6, 15, size);
  const gsv3d::Rendering target = gsv3d::rasterize(green, cameras, size, size, {1, 1, 1});
  gsv3d::FitOptions options;
  options.steps = 150, options.start_count = 200;
  int64_t last = 0;
  options.progress = [&](const std::string& stage, int64_t done, int64_t) {
    EXPECT_EQ(stage, "fit");
    last = done;
    return true;
  };
  const gsv3d::Gaussians fitted = gsv3d::fit(cameras, size, size, target.rgb, target.alpha, options);
  EXPECT_EQ(last, 150);
  const gsv3d::Rendering again = gsv3d::rasterize(fitted, cameras, size, size, {1, 1, 1});
  double squares = 0;
  for (size_t index = 0; index < target.rgb.size(); ++index) squares += std::pow(target.rgb[index] - again.rgb[index], 2);
  EXPECT_GT(-10 * std::log10(squares / static_cast<double>(target.rgb.size())), 25);

  if (!GSV3D_WITH_MESH_LIBRARIES) return;
  gsv3d::MeshOptions coarse;
  coarse.resolution = 32, coarse.texture_size = 64;
  const gsv3d::Mesh mesh(green, coarse);
  const gsv3d_mesh_arrays arrays = mesh.arrays();
  ASSERT_GT(arrays.triangle_count, 50);
  EXPECT_EQ(arrays.texture_width, 64);
  for (int64_t corner = 0; corner < 3 * arrays.triangle_count; ++corner)
    ASSERT_LT(arrays.triangles[corner], static_cast<uint64_t>(arrays.vertex_count));
  for (int64_t vertex = 0; vertex < arrays.vertex_count; ++vertex) {
    const float* at = arrays.positions + 3 * vertex;
    EXPECT_LT(std::hypot(at[0], at[1], at[2]), 0.4);
  }
  mesh.write(file("ball.glb"));
  EXPECT_THAT(bytes(file("ball.glb")), StartsWith("glTF"));
}

TEST_F(ApiTest, ErrorsAreExceptionsThatSayWhat) {
  const auto message = [](const auto& call) -> std::string {
    try {
      call();
    } catch (const gsv3d::Error& error) {
      return error.what();
    }
    return "nothing";
  };
  EXPECT_THAT(message([&] { gsv3d::Model(file("nowhere")); }), HasSubstr("nowhere"));
  EXPECT_THAT(message([&] { gsv3d::Picture picture(file("nothing.jpg")); }), HasSubstr("nothing.jpg"));
  std::ofstream(file("broken.ply")) << "ply\nformat";
  EXPECT_THAT(message([&] { gsv3d::Gaussians gaussians(file("broken.ply")); }), HasSubstr("broken.ply"));
  EXPECT_THROW(ball({0, 0, 0}, 1, {1, 1, 1}).write(file("object.xyz")), gsv3d::UsageError);
  EXPECT_FALSE(fs::exists(file("object.xyz")));
  EXPECT_THROW(gsv3d::Model(GSV3D_SOURCE_DIR "/models/tiny", "abacus"), gsv3d::UsageError);
  const gsv3d::Model model(GSV3D_SOURCE_DIR "/models/tiny");
  gsv3d::GenerateOptions options;
  options.sampling = R"({"stepz": 2})";
  EXPECT_THAT(message([&] { (void)model.generate(gsv3d::Picture(photo_file), options); }), HasSubstr("stepz"));
  options.sampling = "twenty";
  EXPECT_THROW((void)model.generate(gsv3d::Picture(photo_file), options), gsv3d::UsageError);
}

}  // namespace
