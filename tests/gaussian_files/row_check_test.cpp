// Rows that are no Gaussians: dropped and counted by one rule in every format, refused when asked for.
#include "gaussian_files/row_check.h"

#include <gmock/gmock.h>

#include <limits>

#include "core/atomic_file.h"
#include "damaged_files.h"
#include "errors.h"
#include "gaussian_files/gaussian_file.h"
#include "goldens.h"
#include "random_scenes.h"
#include "temporary_folder.h"

namespace gsv3d {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using testing::error_of;
using testing::expect_near;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::patched;

constexpr float kInfinite = std::numeric_limits<float>::infinity(), kNan = std::numeric_limits<float>::quiet_NaN();
constexpr size_t kPlyRow = 68;  // of degree 0

struct RowCheck : ::testing::Test {
  std::string written(const std::string& name, const Gaussians& g) {
    write_gaussians(folder / name, g);
    return read_file(folder / name);
  }
  /// A PLY file of 10 Gaussians in our axes with one float of a row changed; columns: x 0, f_dc 6, opacity 9, scale 10, rot 13.
  std::string ply_with(int64_t row, size_t column, float value) {
    std::string bytes = written("a.ply", g);
    return patched(bytes, bytes.size() - (10 - row) * kPlyRow + 4 * column, value);
  }
  testing::TemporaryFolder folder;
  Gaussians g = testing::random_gaussians(10, 1, 7);
  Tensor others = at::tensor({0, 1, 2, 4, 5, 6, 7, 8, 9}, at::kLong);  // without row 3
};

TEST_F(RowCheck, InfiniteLogitsAreOpaqueOrInvisible) {
  const GaussianFile opaque = decode_gaussians(ply_with(3, 9, kInfinite), "a.ply");
  EXPECT_EQ(opaque.gaussians.opacities[3].item<float>(), 1);
  EXPECT_EQ(decode_gaussians(ply_with(3, 9, -kInfinite), "a.ply").gaussians.opacities[3].item<float>(), 0);
  EXPECT_THAT(opaque.warnings, IsEmpty());
}

TEST_F(RowCheck, ALogarithmOfMinusInfinityIsAPoint) {
  const GaussianFile read = decode_gaussians(ply_with(3, 11, -kInfinite), "a.ply");
  ASSERT_EQ(read.gaussians.count(), 10);
  EXPECT_EQ(read.gaussians.scales[3][1].item<float>(), 0);
  EXPECT_THAT(read.warnings, IsEmpty());
  write_gaussians(folder / "point.spz", read.gaussians);  // what can be read can be written
  write_gaussians(folder / "point.ply", read.gaussians);
  EXPECT_LT(read_gaussians(folder / "point.ply").gaussians.scales[3][1].item<float>(), 1e-11);
}

TEST_F(RowCheck, RowsThatAreNotFiniteAreDroppedWithACount) {
  for (const auto& [column, value] :
       std::vector<std::pair<size_t, float>>{{0, kNan}, {2, kInfinite}, {7, kNan}, {9, kNan}, {10, 200}, {13, kNan}}) {
    const std::string bytes = ply_with(3, column, value);
    const GaussianFile read = decode_gaussians(bytes, "a.ply");
    EXPECT_THAT(read.warnings,
                ElementsAre("1 of 10 rows are no Gaussians: 1 with values that are not finite (the first is number 3); "
                            "they are left out"));
    expect_near(read.gaussians.means, g.means.index_select(0, others), 0, "the other rows");
    EXPECT_THAT(error_of([&] { decode_gaussians(bytes, "a.ply", {.strict = true}); }),
                AllOf(HasSubstr("a.ply: 1 of 10 rows"), HasSubstr("number 3")));
  }
}

TEST_F(RowCheck, ZeroFilledRowsAreNoGaussians) {
  std::string ply = written("a.ply", g), splat = written("a.splat", g);
  ply.replace(ply.size() - 7 * kPlyRow, std::string::npos, std::string(7 * kPlyRow, '\0'));
  splat.replace(splat.size() - 7 * 32, std::string::npos, std::string(7 * 32, '\0'));
  for (const auto& [name, bytes] : {std::pair{"a.ply", ply}, std::pair{"a.splat", splat}}) {
    const GaussianFile read = decode_gaussians(bytes, name);
    EXPECT_EQ(read.gaussians.count(), 3) << name;
    EXPECT_THAT(read.warnings,
                ElementsAre(AllOf(HasSubstr("7 of 10 rows"), HasSubstr("7 filled with zeros, as in a file that was cut off"))))
        << name;
  }
  expect_near(decode_gaussians(ply, "a.ply").gaussians.means, g.means.slice(0, 0, 3), 0, "the whole rows");
  ply.replace(ply.size() - 10 * kPlyRow, std::string::npos, std::string(10 * kPlyRow, '\0'));
  EXPECT_THAT(error_of([&] { decode_gaussians(ply, "a.ply"); }),
              HasSubstr("a.ply: damaged, or no file of Gaussians: 10 of 10 rows"));
}

TEST_F(RowCheck, AFileOfWhichMostIsWrongIsRefused) {
  std::string bytes = written("a.ply", g);
  for (int64_t row = 0; row < 6; ++row) bytes = patched(bytes, bytes.size() - (10 - row) * kPlyRow, kNan);
  EXPECT_THAT(error_of([&] { decode_gaussians(bytes, "a.ply"); }), HasSubstr("6 of 10 rows"));
}

TEST_F(RowCheck, EveryFormatGoesThroughIt) {
  DecodedRows rows{g};
  rows.gaussians.opacities = g.opacities.clone();
  rows.gaussians.opacities[3] = 1.5f;
  rows.gaussians.scales = g.scales.clone();
  rows.gaussians.scales[4][0] = -1;
  const GaussianFile checked = checked_rows(rows, "x", {}, Frame::kWorld);
  EXPECT_EQ(checked.gaussians.count(), 8);
  EXPECT_THAT(checked.warnings,
              ElementsAre(HasSubstr("2 with negative scales or opacities outside 0 to 1 (the first is number 3)")));
  // SPZ and compressed PLY cannot say NaN in a row; glTF can.
  std::string glb = written("a.glb", g);
  const size_t json_size = *reinterpret_cast<const uint32_t*>(glb.data() + 12);
  EXPECT_THAT(decode_gaussians(patched(glb, 28 + json_size + 3 * 12, kNan), "a.glb").warnings,
              ElementsAre(HasSubstr("number 3")));
}

TEST_F(RowCheck, RotationsBecomeUnit) {
  DecodedRows rows{g};
  rows.gaussians.quats = g.quats * 3;
  rows.gaussians.quats[2].zero_();
  const Gaussians checked = checked_rows(rows, "x", {}, Frame::kWorld).gaussians;
  expect_near(checked.quats.norm(2, 1), at::ones({10}), 1e-6, "length");
  expect_near(checked.quats[2], at::tensor({1.0f, 0.0f, 0.0f, 0.0f}), 0, "no rotation");
}

}  // namespace
}  // namespace gsv3d
