// Files that other programs wrote decode to what two independent decoders got from them (tests/goldens/formats/README.md).
#include "core/safetensors.h"
#include "gaussian_files/gaussian_file.h"
#include "gaussian_files/sog.h"
#include "goldens.h"

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
  const char* file;
  const char* decoded;
  const char* quaternions;
};

class FormatsGolden : public ::testing::TestWithParam<Case> {};

TEST_P(FormatsGolden, DecodesToTheGoldenValues) {
  const Case& test = GetParam();
  if (std::string_view(test.file).ends_with(".sog") && !can_read_sog()) GTEST_SKIP() << "built without libzip or libwebp";
  GSV3D_GOLDEN_OR_SKIP(file, std::string("formats/") + test.file);
  GSV3D_GOLDEN_OR_SKIP(decoded_file, std::string("formats/") + test.decoded);
  const SafetensorsFile golden(decoded_file);
  const auto g = change_frame(read_gaussians(file).gaussians, Frame::kWorld, Frame::kYDown);  // the goldens' axes
  ASSERT_EQ(g.count(), golden.tensor("xyz").size(0));
  testing::expect_near(g.means, golden.tensor("xyz"), 1e-6, "position");
  testing::expect_near(g.scales.log(), golden.tensor("log_scale"), 2e-6, "log scale");
  testing::expect_near(g.opacities, golden.tensor("opacity_logit").sigmoid(), 1e-6, "opacity");
  testing::expect_near(g.sh.select(1, 0), golden.tensor("f_dc"), 2e-6, "constant colour");
  EXPECT_LE(rotation_error_degrees(g.quats, golden.tensor(test.quaternions)), 0.01);
  if (g.sh.size(1) > 1) testing::expect_near(g.sh, golden.tensor("sh_coeff_major"), 1e-6, "harmonics");
}

INSTANTIATE_TEST_SUITE_P(
    Files, FormatsGolden,
    ::testing::Values(Case{"obj_sh0.ply", "obj_sh0.source.safetensors", "quat_wxyz"},
                      Case{"obj_sh3.ply", "obj_sh3.source.safetensors", "quat_wxyz"},
                      Case{"obj_sh0.splat", "obj_sh0.splat.decoded.safetensors", "quat_wxyz_rule_128"},
                      Case{"obj_sh0.v3.spz", "obj_sh0.spz3.decoded.safetensors", "quat_wxyz"},
                      Case{"obj_sh3.v3.spz", "obj_sh3.spz3.decoded.safetensors", "quat_wxyz"},
                      Case{"obj_sh0.v4.spz", "obj_sh0.spz4.decoded.safetensors", "quat_wxyz"},
                      Case{"obj_sh3.v4.spz", "obj_sh3.spz4.decoded.safetensors", "quat_wxyz"},
                      Case{"obj_sh0.compressed.ply", "obj_sh0.compressed.ply.decoded.safetensors", "quat_wxyz"},
                      Case{"obj_sh3.compressed.ply", "obj_sh3.compressed.ply.decoded.safetensors", "quat_wxyz"},
                      Case{"obj_sh0.sog", "obj_sh0.sog.decoded.safetensors", "quat_wxyz"},
                      Case{"obj_sh3.sog", "obj_sh3.sog.decoded.safetensors", "quat_wxyz"}),
    [](const auto& info) {
      std::string name = info.param.file;
      std::replace(name.begin(), name.end(), '.', '_');
      return name;
    });

}  // namespace
}  // namespace gsv3d
