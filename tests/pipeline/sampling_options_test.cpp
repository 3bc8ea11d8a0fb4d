// What users may set of the views' sampler: orbits, guidance, chunks, previews, and going on after an interruption.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/atomic_file.h"
#include "core/cancel.h"
#include "core/error.h"
#include "diffusion/latent_preview.h"
#include "errors.h"
#include "goldens.h"
#include "models/memory_plan.h"
#include "pipeline/pipeline.h"
#include "toy_model.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;
using testing::error_of;
using ::testing::HasSubstr;
using testing::TemporaryFolder;

class SamplingOptionsOf : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new TemporaryFolder;
    testing::initialise_toy_model(*folder_ / "toy", 9);
    model_ = new Model(load_model(*folder_ / "toy", {}));
    photo_ = new Tensor(at::rand({1, 3, 32, 32}, make_generator(2), at::TensorOptions().dtype(at::kFloat)));
  }
  static void TearDownTestSuite() {
    delete photo_;
    delete model_;
    delete folder_;
  }
  static Tensor latents(const GenerateOptions& options) { return generate_latents(*model_, *photo_, options).latents; }
  static TemporaryFolder* folder_;
  static Model* model_;
  static Tensor* photo_;
};
TemporaryFolder* SamplingOptionsOf::folder_ = nullptr;
Model* SamplingOptionsOf::model_ = nullptr;
Tensor* SamplingOptionsOf::photo_ = nullptr;

TEST_F(SamplingOptionsOf, LevelOrbitGivenByHandIsTheDefault) {
  GenerateOptions options;
  const Tensor expected = latents(options);
  const double elevation = model_->config.elevation_degrees;
  options.orbit = Orbit{{0, 120, 240}, {elevation, elevation, elevation}};
  EXPECT_TRUE(at::equal(latents(options), expected));
  // The third view alone looks from elsewhere.
  options.orbit->elevations_degrees[2] = 40;
  EXPECT_GT((latents(options) - expected).abs().max().item<double>(), 1e-4);
}

TEST_F(SamplingOptionsOf, OrbitMovesTheCamerasOfTheGaussians) {
  GenerateOptions options;
  options.views_only = true;
  options.orbit = Orbit{{0, 90, 200}, {5, 30, -20}};
  Image photo{32, 32, std::vector<uint8_t>(32 * 32 * 4, 255), true};
  options.matting = false;
  options.photo_surface = false;
  const Result result = generate(*model_, photo, options);
  const Tensor positions = result.cameras.positions();
  // Radius 2; azimuth 90° is +X. Float32 rounding.
  EXPECT_NEAR(positions[1][0].item<double>(), 2 * std::cos(30 * std::numbers::pi / 180), 1e-5);
  EXPECT_NEAR(positions[1][1].item<double>(), 1, 1e-5);
  EXPECT_NEAR(positions[2][1].item<double>(), 2 * std::sin(-20 * std::numbers::pi / 180), 1e-5);
  EXPECT_EQ(result.elevation_degrees, 5);
}

TEST_F(SamplingOptionsOf, OrbitNeedsAModelThatIsToldOfCameras) {
  ModelConfig config = testing::toy_config();
  config.vector_dimensions = {24};
  initialise_model(*folder_ / "u", config, 1);
  const Model model = load_model(*folder_ / "u", {});
  GenerateOptions options;
  options.orbit = Orbit{{0, 120, 240}, {1, 2, 3}};
  EXPECT_THROW(generate_latents(model, *photo_, options), UsageError);
}

TEST(ParseOrbit, SineSwingsOnceAroundThePhotosElevation) {
  const Orbit orbit = parse_orbit("sine:20", 4, 5);
  EXPECT_THAT(orbit.azimuths_degrees, ::testing::ElementsAre(0, 90, 180, 270));
  const std::vector<double> expected = {5, 25, 5, -15};
  for (size_t i = 0; i < 4; ++i) EXPECT_NEAR(orbit.elevations_degrees[i], expected[i], 1e-12);
  EXPECT_NEAR(parse_orbit("sine", 4, 0).elevations_degrees[1], 10, 1e-12);
}

TEST(ParseOrbit, WrongTextsAndFilesAreExplained) {
  EXPECT_THROW(parse_orbit("sine:x", 3, 0), UsageError);
  EXPECT_THROW(parse_orbit("sine:", 3, 0), UsageError);
  EXPECT_THAT(error_of([] { parse_orbit("sine:85", 4, 10); }), HasSubstr("outside -89"));
  const TemporaryFolder folder;
  const std::string path = folder / "orbit.json";
  const auto refusal = [&](const char* text) {
    write_file(path, text);
    return error_of([&] { parse_orbit(path, 2, 0); });
  };
  EXPECT_THAT(refusal(R"({"azimuths_degrees": [0], "elevations_degrees": [0, 1]})"), HasSubstr("1 azimuths_degrees and 2"));
  EXPECT_THAT(refusal(R"({"azimuths": [0, 1]})"), HasSubstr("azimuths"));
  EXPECT_THAT(refusal("[1"), HasSubstr("orbit.json"));
  write_file(path, R"({"azimuths_degrees": [30, 210], "elevations_degrees": [0, 1]})");
  EXPECT_THAT(parse_orbit(path, 2, 0).azimuths_degrees, ::testing::ElementsAre(0, 180));
}

TEST_F(SamplingOptionsOf, SplitGuidanceGivesTheSameNumbers) {
  GenerateOptions options;
  const Tensor joint = latents(options);
  options.guidance_batch = GuidanceBatch::kSplit;
  // Batches of other sizes are summed in another order: float32 rounding, through three steps.
  testing::expect_close(latents(options), joint, 1e-5, "split");
}

TEST_F(SamplingOptionsOf, OffloadedWeightsGiveTheSameBits) {
  LoadOptions load;
  load.offload = true;
  const Model offloaded = load_model(*folder_ / "toy", load);
  EXPECT_TRUE(at::equal(generate_latents(offloaded, *photo_, {}).latents, latents({})));
}

TEST_F(SamplingOptionsOf, ChunksDecodeToTheSameViews) {
  const Tensor z = latents({});
  testing::expect_near(decode_views(*model_, z, 1), decode_views(*model_, z), 1e-5, "chunks of one");
  testing::expect_near(decode_views(*model_, z, 2), decode_views(*model_, z), 1e-5, "chunks of two");
}

TEST_F(SamplingOptionsOf, GuidersDiffer) {
  GenerateOptions options;
  const Tensor triangle = latents(options);
  options.sampling = {{"guider", "constant"}, {"guidance", 1.5}};
  const Tensor constant = latents(options);
  EXPECT_GT((constant - triangle).abs().max().item<double>(), 1e-4);
  options.sampling["guider"] = "linear", options.sampling["min_guidance"] = 1.5;  // from 1.5 to 1.5
  EXPECT_TRUE(at::equal(latents(options), constant));
}

TEST_F(SamplingOptionsOf, InterruptedRunGoesOnToTheSameBits) {
  GenerateOptions options;
  options.sampling["steps"] = 5;
  const Tensor whole = latents(options);
  options.resume_file = *folder_ / "state.safetensors";
  const auto stop_after_two = [](int64_t done, int64_t) {
    if (done == 2) request_cancel();
    throw_if_cancelled();
  };
  EXPECT_THROW(generate_latents(*model_, *photo_, options, stop_after_two), Cancelled);
  clear_cancel();
  const GeneratedLatents resumed = generate_latents(*model_, *photo_, options);
  EXPECT_EQ(resumed.first_step, 2);
  EXPECT_TRUE(at::equal(resumed.latents, whole));
  // Everything is done: nothing is left to compute.
  EXPECT_EQ(generate_latents(*model_, *photo_, options).first_step, 5);
  // Other settings start over.
  options.seed = 4;
  EXPECT_EQ(generate_latents(*model_, *photo_, options).first_step, 0);
  write_safetensors(options.resume_file, {{"other", at::zeros({1})}});
  EXPECT_THAT(error_of([&] { latents(options); }), HasSubstr("not the state of a sampling run"));
}

/// A solver that goes on from the estimate of the step before finds it in the file.
TEST_F(SamplingOptionsOf, EverySolverGoesOnToTheSameBits) {
  std::vector<Tensor> results;
  for (const std::string& name : solver_names()) {
    SCOPED_TRACE(name);
    GenerateOptions options;
    options.sampling = {{"steps", 5}, {"sampler", name}};
    results.push_back(latents(options));
    options.resume_file = *folder_ / (name + ".safetensors");
    const auto stop_after_three = [](int64_t done, int64_t) {
      if (done == 3) throw Cancelled();
    };
    EXPECT_THROW(generate_latents(*model_, *photo_, options, stop_after_three), Cancelled);
    EXPECT_EQ(SafetensorsFile(options.resume_file).contains("previous"), name == "dpmpp2m");
    const GeneratedLatents resumed = generate_latents(*model_, *photo_, options);
    EXPECT_EQ(resumed.first_step, 3);
    EXPECT_TRUE(at::equal(resumed.latents, results.back()));
  }
  for (size_t i = 1; i < results.size(); ++i)
    EXPECT_GT((results[i] - results[i - 1]).abs().max().item<double>(), 1e-4) << solver_names()[i];
}

/// The features that are reused are not in the file: it holds the last step after which they are made anew.
TEST_F(SamplingOptionsOf, RunWithKeptFeaturesGoesOnToTheSameBits) {
  GenerateOptions options;
  options.sampling = {{"steps", 8}, {"cache_steps", 3}};
  const Tensor whole = latents(options);
  options.resume_file = *folder_ / "cached.safetensors";
  const auto stop_after_five = [](int64_t done, int64_t) {
    if (done == 5) throw Cancelled();
  };
  EXPECT_THROW(generate_latents(*model_, *photo_, options, stop_after_five), Cancelled);
  const GeneratedLatents resumed = generate_latents(*model_, *photo_, options);
  EXPECT_EQ(resumed.first_step, 3);
  EXPECT_TRUE(at::equal(resumed.latents, whole));
  EXPECT_EQ(generate_latents(*model_, *photo_, options).first_step, 8);
  options.sampling["cache_steps"] = 0, options.resume_file.clear();
  EXPECT_GT((latents(options) - whole).abs().max().item<double>(), 1e-5);
}

TEST_F(SamplingOptionsOf, PreviewsComeAfterEveryStep) {
  std::vector<Tensor> previews;
  generate_latents(*model_, *photo_, {}, {}, [&](const Tensor& views, int64_t, int64_t) { previews.push_back(views); });
  ASSERT_EQ(previews.size(), 3u);
  EXPECT_EQ(previews[0].sizes(), (std::vector<int64_t>{3, 3, 8, 8}));
  EXPECT_GE(previews[2].min().item<float>(), 0);
  EXPECT_LE(previews[2].max().item<float>(), 1);
}

TEST(LatentPreview, FindsAnAffineMapOfTheChannels) {
  const at::Generator generator = make_generator(5);
  const Tensor photo = at::rand({1, 3, 32, 32}, generator, at::TensorOptions().dtype(at::kFloat));
  const Tensor small = at::adaptive_avg_pool2d(photo, {8, 8});
  // Latents that are an affine map of the colours, and a channel that says nothing.
  const Tensor latent = at::cat({3 * small - 1, at::zeros({1, 1, 8, 8})}, 1);
  // The regularisation shrinks colours a little.
  testing::expect_near(LatentPreview(latent, photo)(latent), small, 0.02, "preview");
}

TEST(MemoryPlanOf, ChoosesWhatFitsAndSaysWhatDoesNot) {
  constexpr int64_t gigabyte = 1'000'000'000;
  MemoryPlan plan;
  plan.weights = 4 * gigabyte, plan.sampling_joint = 6 * gigabyte, plan.sampling_split = 3 * gigabyte,
  plan.decoding_view = gigabyte;
  const auto roomy = fitted_to({}, plan, 21, 20 * gigabyte);
  EXPECT_EQ(*roomy.guidance_batch, GuidanceBatch::kJoint);
  EXPECT_EQ(*roomy.decode_chunk, 8);
  const auto tight = fitted_to({}, plan, 21, 5 * gigabyte);
  EXPECT_EQ(*tight.guidance_batch, GuidanceBatch::kSplit);
  EXPECT_EQ(*tight.decode_chunk, 5);
  EXPECT_THAT(error_of([&] { fitted_to({}, plan, 21, 2 * gigabyte); }), HasSubstr("use fewer --frames"));
  MemoryChoice wish;
  wish.guidance_batch = GuidanceBatch::kJoint;
  EXPECT_THAT(error_of([&] { fitted_to(wish, plan, 21, 5 * gigabyte); }), HasSubstr("leave out --guidance-batch joint"));
  wish = {}, wish.decode_chunk = 20;
  EXPECT_THAT(error_of([&] { fitted_to(wish, plan, 21, 10 * gigabyte); }), HasSubstr("a smaller --decode-chunk"));
}

TEST(MemoryPlanOf, FullSizeWeightsAreCountedExactly) {
  // 1 525 278 442 + 632 076 800 + 83 653 843 numbers; see the inventories.
  EXPECT_EQ(plan_memory(ModelConfig(), at::kFloat).weights, 4 * (int64_t{1525278442} + 632076800 + 83653843));
}

}  // namespace
}  // namespace gsv3d
