// Files that other programs wrote decode to what two independent decoders got from them (tests/goldens/formats/README.md).
#include "core/safetensors.h"
#include "gaussian_files/gaussian_file.h"
#include "gaussian_files/sog.h"
#include "golden_sets.h"

namespace gsv3d {
namespace {

Tensor unit(const Tensor& quats) {
  return quats.to(at::kDouble) / quats.to(at::kDouble).norm(2, 1, true);
}

/// Rotations are compared up to the quaternion's sign, in degrees.
double rotation_error_degrees(const Tensor& a, const Tensor& b) {
  const Tensor dot = (unit(a) * unit(b)).sum(1).abs().clamp_max(1);
  return 2 * dot.acos().max().item<double>() * 180 / M_PI;
}

struct Case {
  std::string file, decoded;
  std::string quaternions() const { return file.ends_with(".splat") ? "quat_wxyz_rule_128" : "quat_wxyz"; }
};

/// Every file of the set with what it decodes to: STEM.source of STEM.ply, STEM.spz3.decoded of STEM.v3.spz, otherwise
/// FILE.decoded of FILE.
std::vector<Case> cases() {
  std::vector<Case> found;
  for (const std::string& stem : testing::golden_names("formats", ".source.safetensors"))
    found.push_back({stem + ".ply", stem + ".source.safetensors"});
  for (const std::string& name : testing::golden_names("formats", ".decoded.safetensors")) {
    const size_t spz = name.rfind(".spz");
    const bool versioned = spz != std::string::npos && spz + 4 < name.size();
    found.push_back(
        {versioned ? name.substr(0, spz) + ".v" + name.substr(spz + 4) + ".spz" : name, name + ".decoded.safetensors"});
  }
  return found;
}

class FormatsGolden : public ::testing::TestWithParam<Case> {};

TEST_P(FormatsGolden, DecodesToTheGoldenValues) {
  const Case& test = GetParam();
  if (test.file.ends_with(".sog") && !can_read_sog()) GTEST_SKIP() << "built without libzip or libwebp";
  GSV3D_GOLDEN_OR_SKIP(file, "formats/" + test.file);
  GSV3D_GOLDEN_OR_SKIP(decoded_file, "formats/" + test.decoded);
  const SafetensorsFile golden(decoded_file);
  const auto g = change_frame(read_gaussians(file).gaussians, Frame::kWorld, Frame::kYDown);  // the goldens' axes
  ASSERT_EQ(g.count(), golden.tensor("xyz").size(0));
  testing::expect_near(g.means, golden.tensor("xyz"), 1e-6, "position");
  testing::expect_near(g.scales.log(), golden.tensor("log_scale"), 2e-6, "log scale");
  testing::expect_near(g.opacities, golden.tensor("opacity_logit").sigmoid(), 1e-6, "opacity");
  testing::expect_near(g.sh.select(1, 0), golden.tensor("f_dc"), 2e-6, "constant colour");
  EXPECT_LE(rotation_error_degrees(g.quats, golden.tensor(test.quaternions())), 0.01);
  if (g.sh.size(1) > 1) testing::expect_near(g.sh, golden.tensor("sh_coeff_major"), 1e-6, "harmonics");
}

INSTANTIATE_TEST_SUITE_P(Files, FormatsGolden, ::testing::ValuesIn(cases()),
                         [](const auto& info) { return testing::test_name(info.param.file); });

}  // namespace
}  // namespace gsv3d
