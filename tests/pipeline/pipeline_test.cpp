#include "pipeline/pipeline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "core/atomic_file.h"
#include "core/cancel.h"
#include "core/error.h"
#include "core/resident_memory.h"
#include "diffusion/view_order.h"
#include "errors.h"
#include "exports/outputs.h"
#include "gaussian_files/ply.h"
#include "goldens.h"
#include "image/framing.h"
#include "mesh/atlas.h"
#include "pipeline/photo_surface.h"
#include "pipeline/view_refinement.h"
#include "rasterizer/rasterizer.h"
#include "toy_model.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;
using testing::TemporaryFolder;

/// A disc on transparent ground.
Image disc_photo(uint8_t red = 200) {
  Image image{48, 40, std::vector<uint8_t>(48 * 40 * 4, 0), true};
  for (int64_t y = 0; y < 40; ++y) {
    for (int64_t x = 0; x < 48; ++x) {
      if ((x - 22) * (x - 22) + (y - 20) * (y - 20) > 15 * 15) continue;
      uint8_t* pixel = image.at(x, y);
      pixel[0] = red, pixel[1] = static_cast<uint8_t>(4 * x), pixel[2] = static_cast<uint8_t>(5 * y), pixel[3] = 255;
    }
  }
  return image;
}

class Pipeline : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new TemporaryFolder;
    testing::initialise_toy_model(*folder_ / "toy", 5);
    model_ = new Model(load_model(*folder_ / "toy", {}));
  }
  static void TearDownTestSuite() {
    delete model_;
    delete folder_;
  }
  static std::string ply_bytes(const Result& result, const std::string& name) {
    write_ply(*folder_ / name, *result.gaussians);
    return read_file(*folder_ / name);
  }
  static TemporaryFolder* folder_;
  static Model* model_;
};
TemporaryFolder* Pipeline::folder_ = nullptr;
Model* Pipeline::model_ = nullptr;

TEST(ViewOrder, TheLastFrameIsThePhotosView) {
  const Tensor frames = at::arange(1, 8);  // SV3D's frame i shows azimuth step i + 1
  EXPECT_TRUE(at::equal(views_from_sv3d_frames(frames), at::tensor({7, 1, 2, 3, 4, 5, 6})));
  EXPECT_TRUE(at::equal(sv3d_frames_from_views(views_from_sv3d_frames(frames)), frames));
}

TEST_F(Pipeline, OneSeedGivesTheSameBytesAndAnotherSeedOthers) {
  GenerateOptions options;
  options.seed = 7;
  const std::string first = ply_bytes(generate(*model_, disc_photo(), options), "a.ply");
  const std::string again = ply_bytes(generate(*model_, disc_photo(), options), "b.ply");
  EXPECT_GT(first.size(), 1000u);
  EXPECT_TRUE(first == again);
  options.seed = 8;
  EXPECT_FALSE(ply_bytes(generate(*model_, disc_photo(), options), "c.ply") == first);
}

/// Resident megabytes of this process, without what was freed.
double resident_megabytes() {
  ::malloc_trim(0);
  return static_cast<double>(resident_bytes()) / 1e6;
}

// GSV3D_GENERATIONS=1000 is the whole length. The first tenth may fill caches.
TEST_F(Pipeline, GenerationsInOneProcessKeepMemoryFlat) {
  const char* wanted = std::getenv("GSV3D_GENERATIONS");
  const int generations = wanted ? std::atoi(wanted) : 60;
  GenerateOptions options;
  double before = 0;
  for (int i = 0; i < generations; ++i) {
    if (i == (generations + 9) / 10) before = resident_megabytes();
    options.seed = static_cast<uint64_t>(i);
    EXPECT_GT(generate(*model_, disc_photo(), options).gaussians->count(), 0);
  }
  const double more = resident_megabytes() - before;
  RecordProperty("megabytes_more", std::to_string(more));
  EXPECT_LT(more, 5) << "megabytes more after " << generations << " generations than after a tenth of them";
}

TEST_F(Pipeline, ShapesRangesAndSettings) {
  GenerateOptions options;
  options.sampling["steps"] = 2;
  options.elevation_degrees = 25;
  options.sampling["guidance"] = 0.5;
  const Result result = generate(*model_, disc_photo(), options);
  EXPECT_EQ(result.views.sizes(), (std::vector<int64_t>{3, 3, 32, 32}));
  EXPECT_EQ(result.latents.latents.sizes(), (std::vector<int64_t>{3, 4, 8, 8}));
  EXPECT_GE(result.views.min().item<float>(), 0);
  EXPECT_LE(result.views.max().item<float>(), 1);
  EXPECT_EQ(result.sampler.steps, 2);
  EXPECT_EQ(result.sampler.max_scale, 0.5);
  ASSERT_TRUE(result.gaussians);
  // 3 views × 16 × 16 pixels and the photo's own 64 × 64 at most; none below the limit.
  EXPECT_LE(result.gaussians->count(), 3 * 16 * 16 + 64 * 64);
  EXPECT_GT(result.gaussians->count(), 0);
  EXPECT_GE(result.gaussians->opacities.min().item<double>(), min_exported_opacity);
  // Radius 2 at 25° of elevation: 2 sin 25° above the ground; view 0 on the +Z side. Float32 rounding.
  const Tensor position = result.cameras.positions()[0];
  EXPECT_NEAR(position[0].item<double>(), 0, 1e-5);
  EXPECT_NEAR(position[1].item<double>(), 0.845237, 1e-5);
  EXPECT_NEAR(position[2].item<double>(), 1.812616, 1e-5);
}

TEST_F(Pipeline, ViewZeroIsThePhoto) {
  const Result result = generate(*model_, disc_photo(), {});
  const Tensor framed = to_tensor(frame_object(disc_photo(), model_->config.image_frame_ratio, 32).on_white).slice(0, 0, 3);
  EXPECT_TRUE(at::equal(result.views[0], framed));
  EXPECT_TRUE(at::equal(result.photo.rgb()[0], framed));
  // Its latent is the encoder's own; cond_aug = 1e-5 moves it by little.
  const Tensor own = scaled_latents(model_->config.vae, encode_photo(*model_, result.photo.picture));
  testing::expect_close(result.latents.latents.slice(0, 0, 1), own, 1e-3, "latent of view 0");
}

TEST_F(Pipeline, StagesOneByOneGiveTheWhole) {
  GenerateOptions options;
  const Result whole = generate(*model_, disc_photo(), options);
  const PreparedPhoto photo = prepare_photo(disc_photo(), model_->config, options);
  const GeneratedLatents latents = generate_latents(*model_, photo.picture, options);
  EXPECT_TRUE(at::equal(latents.latents, whole.latents.latents));
  const Gaussians decoded =
      prune(decode_gaussians(*model_, latents.latents, photo.picture, model_->config.elevation_degrees), min_exported_opacity);
  const Gaussians refined = refine_to_views(decoded, {{0, to_tensor(photo.cutout)}}, whole.views, whole.cameras);
  const Gaussians with_photo =
      with_photo_surface(prune(refined, min_exported_opacity), to_tensor(photo.detail), whole.cameras.slice(0, 1));
  EXPECT_TRUE(at::equal(with_photo.means, whole.gaussians->means));
  options.photo_surface = false;
  EXPECT_TRUE(at::equal(prune(refined, min_exported_opacity).means, generate(*model_, disc_photo(), options).gaussians->means));
  options.refine = false;
  EXPECT_TRUE(at::equal(decoded.means, generate(*model_, disc_photo(), options).gaussians->means));
  testing::expect_close(decode_views(*model_, latents.latents.slice(0, 1)), whole.views.slice(0, 1), 1e-6, "views");
}

TEST_F(Pipeline, ModelsWithAlphaMakeSilhouettes) {
  const TemporaryFolder folder;
  ModelConfig config = testing::toy_config();
  config.vae.in_channels = config.vae.out_ch = 4, config.vae.patch_size = 2, config.vae.ch_mult = {1, 2};
  config.vae.latent_shift = {0.1, -0.1, 0, 0.2}, config.vae.latent_scale = {1, 2, 3, 4};
  initialise_model(folder / "toy", config, 5);
  const Model model = load_model(folder / "toy", {});
  GenerateOptions options;
  options.refine = false;
  const Result result = generate(model, disc_photo(), options);
  EXPECT_EQ(result.views.sizes(), (std::vector<int64_t>{3, 3, 32, 32}));
  EXPECT_EQ(result.alphas.sizes(), (std::vector<int64_t>{3, 1, 32, 32}));
  const Tensor photo = result.photo.picture;
  EXPECT_TRUE(at::equal(result.alphas[0], photo[0].narrow(0, 3, 1)));
  EXPECT_TRUE(at::equal(result.alphas[0], to_tensor(result.photo.cutout).narrow(0, 3, 1)));
  const Tensor own = scaled_latents(config.vae, encode_photo(model, photo));
  testing::expect_close(result.latents.latents.slice(0, 0, 1), own, 1e-3, "latent of view 0");
  testing::expect_close(decode_views(model, result.latents.latents.slice(0, 1)),
                        at::cat({result.views, result.alphas}, 1).slice(0, 1), 1e-6, "views and silhouettes");
  EXPECT_THROW(encode_photo(model, result.photo.rgb()), Error) << "its silhouette is missing";
  EXPECT_FALSE(generate(*model_, disc_photo(), options).alphas.defined());
}

TEST_F(Pipeline, ViewsOnlyNeedsNoDecoder) {
  const TemporaryFolder folder;
  fs::copy(*folder_ / "toy", folder / "toy");
  fs::remove(folder / "toy" / "gaussian_decoder.safetensors");
  fs::remove(folder / "toy" / "dino.safetensors");
  const Model model = load_model(folder / "toy", {});
  GenerateOptions options;
  options.views_only = true;
  const Result result = generate(model, disc_photo(), options);
  EXPECT_FALSE(result.gaussians);
  EXPECT_EQ(result.views.size(0), 3);
}

TEST_F(Pipeline, WithoutADecoderTheViewsAreFitted) {
  const TemporaryFolder folder;
  fs::copy(*folder_ / "toy", folder / "toy");
  fs::remove(folder / "toy" / "gaussian_decoder.safetensors");
  const Model model = load_model(folder / "toy", {});
  GenerateOptions options;
  options.fit_steps = 60;
  int64_t steps = 0;
  const Result result = generate(model, disc_photo(), options, [&](const std::string& stage, int64_t done, int64_t) {
    if (stage == "fit") steps = std::max(steps, done);
  });
  EXPECT_EQ(steps, 60);
  EXPECT_EQ(result.route, Route::fit);
  ASSERT_TRUE(result.gaussians);
  const Rendering rendered = rasterize(*result.gaussians, result.cameras, at::ones({3}));
  const double error = (rendered.rgb - result.views).square().mean().item<double>();
  EXPECT_LT(error, 0.5 * (1 - result.views).square().mean().item<double>()) << "closer to the views than nothing";
  EXPECT_EQ(generate(*model_, disc_photo(), {}).route, Route::refined_decoder);
}

TEST_F(Pipeline, ProgressCountsEveryStepAndCancelStops) {
  std::vector<int64_t> seen;
  generate(*model_, disc_photo(), {}, [&](const std::string& stage, int64_t done, int64_t total) {
    if (stage == "views" && total == 3) seen.push_back(done);
  });
  EXPECT_EQ(seen, (std::vector<int64_t>{1, 2, 3}));
  request_cancel();
  EXPECT_THROW(generate(*model_, disc_photo(), {}), Cancelled);
  clear_cancel();
}

TEST_F(Pipeline, OpaquePhotoWithoutMattingIsTakenAsFramed) {
  Image opaque{32, 32, std::vector<uint8_t>(32 * 32 * 4, 255), false};
  opaque.at(3, 5)[0] = 10;
  GenerateOptions options;
  options.matting = false;
  const PreparedPhoto photo = prepare_photo(opaque, model_->config, options);
  // Same size, so the same pixels: 10 / 255.
  EXPECT_NEAR(photo.rgb()[0][0][5][3].item<double>(), 10.0 / 255, 1e-6);
}

TEST_F(Pipeline, AFewTransparentPixelsDoNotMakeACutout) {
  const std::string missing = testing::error_of([] { remove_background(disc_photo()); });
  if (missing.find("this build has no background removal") != std::string::npos) GTEST_SKIP() << missing;
  // A disc on a ground, one pixel of alpha 254: the disc is the object, not the rectangle.
  Image photo = blank_image(64, 64, 60, 90, 200);
  for (int64_t y = 0; y < 64; ++y)
    for (int64_t x = 0; x < 64; ++x)
      if (std::hypot(x - 31.5, y - 31.5) < 14) photo.at(x, y)[0] = 230, photo.at(x, y)[2] = 20;
  const PreparedPhoto opaque = prepare_photo(photo, model_->config, {});
  EXPECT_EQ(opaque.object_from, "background removed");
  EXPECT_TRUE(opaque.warnings.empty());
  photo.at(0, 0)[3] = 254, photo.has_alpha = true;
  const PreparedPhoto almost = prepare_photo(photo, model_->config, {});
  EXPECT_THAT(almost.object_from, ::testing::HasSubstr("hardly any of the photo is transparent"));
  EXPECT_LT(almost.picture[0][3].mean().item<double>(), 0.6);  // the rectangle would fill 0.8² or more
  EXPECT_NEAR(almost.picture[0][3].mean().item<double>(), opaque.picture[0][3].mean().item<double>(), 0.02);
  EXPECT_EQ(prepare_photo(disc_photo(), model_->config, {}).object_from, "alpha used");
}

TEST_F(Pipeline, OutputsAreCompleteAndReplaceAnEarlierRun) {
  const TemporaryFolder folder;
  OutputOptions small;
  small.orbit_frames = 3, small.orbit_size = 64;
  const auto run = [&](bool views_only) {
    GenerateOptions options;
    options.views_only = views_only;
    OutputFolder output(folder / "out", "disc");
    Result result = generate(*model_, disc_photo(), options);
    write_outputs(output, result, *model_, {"disc.png", "0", options.seed, 1}, small);
    EXPECT_FALSE(fs::exists(output.path() / "result.json") && !views_only) << "visible before commit";
    output.commit(output_file_names());
  };
  run(false);
  const fs::path place = folder / "out" / "disc";
  EXPECT_TRUE(fs::exists(place / "object.ply") && fs::exists(place / "views.png"));
  const Json record = read_json_file(place / "result.json");
  EXPECT_EQ(record["seed"], 23);
  EXPECT_EQ(record["settings"]["steps"], 3);
  EXPECT_EQ(record["gaussians"], read_ply(place / "object.ply").count());
  EXPECT_EQ(record["seconds"].size(), 9u);
  EXPECT_EQ(record["photo"]["object_from"], "alpha used");
  EXPECT_TRUE(record["photo"]["warnings"].empty());
  EXPECT_EQ(fs::exists(place / "object.glb"), has_mesh_libraries());
  // Everything the page needs is inside: the template around it, the Gaussians, and the mesh where there is one.
  const std::string page = read_file(place / "viewer.html");
  EXPECT_THAT(page, ::testing::StartsWith("<!doctype html>"));
  EXPECT_THAT(page, ::testing::HasSubstr("{\"title\":\"disc\",\"view\":{\"target\":[0.0,0.0,0.0],\"radius\":2.0,"));
  EXPECT_EQ(page.find("id=\"mesh\"") != std::string::npos, has_mesh_libraries());
  EXPECT_EQ(page.find("<!--object-->"), std::string::npos);
  run(true);
  for (const char* name : {"object.ply", "object.glb", "viewer.html", "orbit.mp4"})
    EXPECT_FALSE(fs::exists(place / name)) << name;
  EXPECT_TRUE(fs::exists(place / "views.png"));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder / "out"), fs::directory_iterator()), 1);
}

TEST(OutputFolderTest, NothingRemainsWithoutCommit) {
  const TemporaryFolder folder;
  {
    OutputFolder output(folder / "new", "x");
    write_file(output.staging() / "a", "1");
  }
  EXPECT_FALSE(fs::exists(folder / "new"));
  write_file(folder / "file", "1");
  EXPECT_THROW(OutputFolder(folder / "file", "x"), Error);
}

TEST(OutputFolderTest, TheLastOfTwoWritersReplacesTheFirst) {
  const TemporaryFolder folder;
  OutputFolder first(folder.path(), "x");
  write_file(first.staging() / "a", "1");
  const pid_t other = ::fork();
  if (other == 0) {
    OutputFolder second(folder.path(), "x");
    write_file(second.staging() / "a", "2");
    second.commit();
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(other, &status, 0), other);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(read_file(folder / "x" / "a"), "2");
  first.commit();
  EXPECT_EQ(read_file(folder / "x" / "a"), "1");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()), 1);
}

}  // namespace
}  // namespace gsv3d
