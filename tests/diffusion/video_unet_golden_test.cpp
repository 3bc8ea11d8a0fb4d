// The UNet against the reference implementation's numbers (goldens/sv3d/README.md gives the tolerances and why they are that).
#include <c10/core/GradMode.h>

#include "diffusion/video_unet.h"
#include "sv3d_goldens.h"

namespace gsv3d {
namespace {

struct UNetCase {
  const char *file, *prefix;  ///< where inputs and outputs lie
  const char* model;          ///< key of tiny_config.json
  double tolerance, activation_tolerance;
};

std::string case_name(const ::testing::TestParamInfo<UNetCase>& info) {
  return info.param.file;
}

class VideoUNetGolden : public ::testing::TestWithParam<UNetCase> {};

TEST_P(VideoUNetGolden, OutputAndActivations) {
  const UNetCase& test = GetParam();
  GSV3D_GOLDEN_OR_SKIP(file, "sv3d/" + std::string(test.file) + ".safetensors");
  if (!testing::has_sv3d_golden_model(test.model)) GTEST_SKIP() << "no golden weights of model " << test.model;
  const c10::NoGradGuard no_grad;
  const VideoUNet unet = testing::sv3d_golden_model(test.model).make_unet();
  const NamedTensors io = read_safetensors(file);
  const std::string prefix = test.prefix;
  const auto in = [&](const char* name) { return io.at(prefix + "in." + name); };
  NamedTensors activations;
  const Tensor out = unet({.x = in("x"),
                           .timesteps = in("timesteps"),
                           .context = in("context"),
                           .y = in("y"),
                           .frames = in("num_video_frames").item<int64_t>(),
                           .image_only_indicator = in("image_only_indicator")},
                          &activations);
  testing::expect_golden(out, io.at(prefix + "out"), test.tolerance, "out");
  size_t compared = 0;
  for (const auto& [name, expected] : io) {
    if (!name.starts_with(prefix + "act.")) continue;
    const std::string module = name.substr(prefix.size() + 4);
    ASSERT_TRUE(activations.count(module)) << module << " was not recorded";
    testing::expect_golden(activations.at(module), expected, test.activation_tolerance, module);
    ++compared;
  }
  EXPECT_GE(compared, 3u);
}

INSTANTIATE_TEST_SUITE_P(Files, VideoUNetGolden,
                         ::testing::Values(UNetCase{"unet_p_io", "", "p", 2e-5, 5e-5}, UNetCase{"unet_u_io", "", "u", 2e-5, 5e-5},
                                           UNetCase{"unet_mixed_io", "", "p", 2e-5, 5e-5},
                                           // 5.1e-5 by rounding alone on processors without AVX-512; a wrong epsilon of the
                                           // transformers' group norms moves it by 9e-5.
                                           UNetCase{"unet_small_io", "", "p", 6e-5, 1e-4},
                                           UNetCase{"procedural_1244_io", "unet.", "procedural", 2e-5, 5e-5}),
                         case_name);

TEST(ProceduralWeightsGolden, GeneratorMatchesTheProbe) {
  GSV3D_GOLDEN_OR_SKIP(manifest, "sv3d/procedural_1244.json");
  GSV3D_GOLDEN_OR_SKIP(file, "sv3d/procedural_1244_io.safetensors");
  const std::string probe = "weight_probe.";  // NAME[i,j]: of the parameter NAME the part at these two indices
  int64_t probes = 0;
  for (const auto& [entry, expected] : read_safetensors(file)) {
    if (!entry.starts_with(probe)) continue;
    const size_t bracket = entry.find('['), comma = entry.find(',');
    const std::string full = "model.diffusion_model." + entry.substr(probe.size(), bracket - probe.size());
    const int64_t i = std::stoll(entry.substr(bracket + 1)), j = std::stoll(entry.substr(comma + 1));
    EXPECT_TRUE(at::equal(testing::procedural_weights(manifest, full).at(full)[i][j], expected)) << entry;
    ++probes;
  }
  EXPECT_GT(probes, 0);
}

/// The full-size model without memory: every parameter of the released checkpoints, and no other.
TEST(VideoUNetNamesGolden, OfficialParameterNames) {
  for (const char* file : {"sv3d/keys_sv3d_p.json", "sv3d/keys_sv3d_u.json"}) {
    GSV3D_GOLDEN_OR_SKIP(keys, file);
    const Json listed = read_json_file(keys).at("keys");
    VideoUNetConfig config;  // what differs between the two is the width of the vector that they are told
    config.adm_in_channels = listed.at("model.diffusion_model.label_emb.0.0.weight").at("shape")[1].get<int64_t>();
    const auto store = nn::ParameterStore::meta();
    const VideoUNet unet(config, nn::Scope(store));
    const std::string prefix = "model.diffusion_model.";
    for (const auto& [name, parameter] : store->parameters()) {
      ASSERT_TRUE(listed.contains(prefix + name)) << name;
      EXPECT_EQ(parameter.sizes().vec(), listed.at(prefix + name).at("shape").get<std::vector<int64_t>>()) << name;
    }
    size_t expected = 0;
    for (const auto& [name, unused] : listed.items()) expected += name.starts_with(prefix);
    EXPECT_EQ(store->parameters().size(), expected);
  }
}

}  // namespace
}  // namespace gsv3d
