// The whole way from a cut-out photo to 8-bit frames against the reference sampling script's own run, every stage checked on what
// our earlier stages made (only the random numbers are taken from the file).
#include <c10/core/GradMode.h>

#include "golden_sets.h"
#include "image/framing.h"
#include "sv3d_goldens.h"

namespace gsv3d {
namespace {

constexpr double kTolerance = 1e-4;  // goldens/sv3d/README.md: ten times the reference's own float32 noise over the whole run

struct ReferenceRun {
  NamedTensors golden;
  Json info;
  testing::Sv3dGoldenModel model;

  explicit ReferenceRun(const std::string& key) : model(testing::sv3d_golden_model(key)) {
    const SafetensorsFile file(testing::golden("sv3d/e2e_" + key + ".safetensors"));
    for (const auto& [name, entry] : file.entries()) golden[name] = file.tensor(name);
    info = Json::parse(file.metadata().at("info"));
  }
  double cond_aug() const { return golden.at("cond_aug")[0].to(at::kDouble).item<double>(); }
  void compare(const Tensor& actual, const std::string& name) const {
    testing::expect_golden(actual, golden.at(name), kTolerance, name);
  }
  std::vector<double> degrees(const char* name) const {
    const Json& value = info.at(name);
    if (value.is_null()) return {};
    return value.is_array() ? value.get<std::vector<double>>() : std::vector<double>{value.get<double>()};
  }
};

/// [H, W, 4] bytes → picture.
Image picture(const Tensor& rgba) {
  return to_image(rgba.permute({2, 0, 1}).contiguous());
}

/// The framed photo [S, S, 3] as bytes.
Tensor framed(const ReferenceRun& run) {
  std::optional<double> ratio;
  if (!run.info.at("image_frame_ratio").is_null()) ratio = run.info.at("image_frame_ratio").get<double>();
  const Image on_white = frame_object(picture(run.golden.at("input_rgba")), ratio, run.info.at("size").get<int64_t>()).on_white;
  return (to_tensor(on_white).slice(0, 0, 3) * 255).round().to(at::kByte).permute({1, 2, 0}).contiguous();
}

Conditioning conditioning(const ReferenceRun& run, const Tensor& image) {
  const auto frames = run.info.at("frames").get<int64_t>();
  const ImageEmbedder embedder(run.model.image_embedder, run.model.scope("conditioner.embedders.0.open_clip.model."));
  const AutoencoderEncoder encoder(run.model.vae, run.model.scope("conditioner.embedders.1.encoder."));
  Conditioning result;
  result.frames = frames;
  result.crossattn = embedder(clip_preprocess(image, run.model.image_embedder.image_size));
  result.concat = encoder.mode(run.golden.at("cond_frames"));  // the photo with the reference's random numbers added
  auto elevations = run.degrees("elevations_deg");
  if (elevations.empty()) elevations = {0};  // sv3d_u is told no angles
  result.vector = camera_vector(sv3d_orbit_angles(frames, elevations, run.degrees("azimuths_deg")), run.cond_aug(),
                                run.model.vector_dimensions);
  return result;
}

void compare_conditioning(const ReferenceRun& run, const Conditioning& actual, const std::string& prefix) {
  run.compare(actual.crossattn, prefix + "crossattn");
  run.compare(actual.concat, prefix + "concat");
  run.compare(actual.vector, prefix + "vector");
}

Tensor sampled(const ReferenceRun& run, const Conditioning& conditioning) {
  const auto steps = run.info.at("steps").get<int64_t>();
  SamplerConfig config = run.model.sampler;
  config.steps = steps;
  run.compare(edm_sigmas(steps, config.sigma_min, config.sigma_max, config.rho), "sigmas");
  int64_t seen = 0;
  const Tensor latents =
      sample(run.model.make_unet(), config, run.golden.at("noise"), conditioning, [&](const SamplerStep& step) {
        const std::string name = fmt::format("step{:02}.", step.index);
        run.compare(step.net_out, name + "net_out");
        run.compare(step.denoised, name + "denoised");
        run.compare(step.x_next, name + "x_next");
        ++seen;
      });
  EXPECT_EQ(seen, steps);
  return latents;
}

class PipelineGolden : public ::testing::TestWithParam<std::string> {};

TEST_P(PipelineGolden, PhotoToFrames) {
  const std::string key = GetParam();
  GSV3D_GOLDEN_OR_SKIP(file, "sv3d/e2e_" + key + ".safetensors");
  if (!testing::has_sv3d_golden_model(key)) GTEST_SKIP() << "no golden weights of model " << key;
  const c10::NoGradGuard no_grad;
  const ReferenceRun run(key);

  const Tensor photo = framed(run);
  ASSERT_TRUE(at::equal(photo, run.golden.at("input_image_u8"))) << "framing must give the same bytes";
  const Tensor image = photo.permute({2, 0, 1}).unsqueeze(0).to(at::kFloat) / 255 * 2 - 1;
  testing::expect_near(image, run.golden.at("image"), 1e-6, "image");

  const Conditioning given = conditioning(run, image);
  compare_conditioning(run, given, "c.");
  compare_conditioning(run, given.unconditional(), "uc.");
  const Tensor latents = sampled(run, given);
  run.compare(latents, "z");

  const AutoencoderDecoder decoder(run.model.vae, run.model.scope("first_stage_model."));
  const Tensor decoded = decoder(unscaled_latents(run.model.vae, latents));
  run.compare(decoded, "decoded");
  Tensor frames = (((decoded + 1) / 2).clamp(0, 1) * 255).to(at::kByte).permute({0, 2, 3, 1});
  frames = at::cat({frames.slice(0, 0, -1), photo.unsqueeze(0)});  // the last view is the photo itself
  testing::expect_near(frames, run.golden.at("frames_u8"), 1, "frames_u8");
}

/// Keys of tiny_config.json that the set has a run of; those of the full set, so that a smaller one says what it skips.
std::vector<std::string> models() {
  std::vector<std::string> keys = testing::golden_names("sv3d", ".safetensors", "e2e_");
  return keys.empty() ? std::vector<std::string>{"p", "u"} : keys;
}

INSTANTIATE_TEST_SUITE_P(Models, PipelineGolden, ::testing::ValuesIn(models()),
                         [](const auto& info) { return testing::test_name(info.param); });

}  // namespace
}  // namespace gsv3d
