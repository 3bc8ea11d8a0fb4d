// What is written comes back within each format's own quantisation, and looks the same.
#include "core/atomic_file.h"
#include "core/error.h"
#include "damaged_files.h"
#include "errors.h"
#include "gaussian_files/gaussian_file.h"
#include "goldens.h"
#include "random_scenes.h"
#include "rasterizer/rasterizer.h"

namespace gsv3d {
namespace {

/// The largest errors that a format's numbers of bits explain.
struct Precision {
  const char* name;  ///< of the file
  int spz_version;
  double position, log_scale, colour, opacity, rotation_degrees, degree1, harmonics;
  double psnr;  ///< of renders, dB
  bool keeps_harmonics;
};

// .splat: bytes, and 7 bits and sign for each of w, x, y, z. SPZ: 12 bits behind the point, 1/16 in ln, bytes of 0.15 f_dc + 0.5,
// 9 bits and sign for rotations, buckets of 8 and 16 of 128 for harmonics. Compressed PLY: 10 or more bits of at most 1
// (position) or ln 10 (scale), bytes of at most the colours' range, 10 bits for rotations, 8/256 for harmonics.
const Precision kFormats[] = {{"a.ply", 3, 0, 1e-6, 0, 1e-6, 0.01, 1e-7, 1e-7, 90, true},
                              {"a.glb", 3, 0, 1e-7, 0, 1e-7, 0.01, 1e-7, 1e-7, 100, true},
                              {"a.splat", 3, 0, 1e-7, 0.5 / 255 + 1e-6, 0.5 / 255 + 1e-6, 1.3, 0, 0, 38, false},
                              {"a.spz", 3, 0.5 / 4096, 0.5 / 16 + 1e-5, 0.5 / 255 / 0.15 * 0.2821 + 1e-6, 0.5 / 255 + 1e-6, 0.25,
                               4.5 / 128, 8.5 / 128, 36, true},
                              {"a.spz", 4, 0.5 / 4096, 0.5 / 16 + 1e-5, 0.5 / 255 / 0.15 * 0.2821 + 1e-6, 0.5 / 255 + 1e-6, 0.25,
                               4.5 / 128, 8.5 / 128, 36, true},
                              {"a.compressed.ply", 3, 0.51 / 1023, 2.31 / 1023 / 2, 1.0 / 255 / 2, 0.5 / 255 + 1e-6, 0.2,
                               4.01 / 256, 4.01 / 256, 40, true}};

/// Colours inside 0-1 and harmonics inside ±0.9, which every format can hold.
Gaussians moderate_gaussians(int64_t count, int64_t coefficients) {
  auto g = testing::random_gaussians(count, coefficients, 11);
  g.opacities = g.opacities.clamp(0.05, 0.99);
  g.sh = g.sh.clamp(-0.9, 0.9);
  return g;
}

double psnr(const Tensor& a, const Tensor& b) {
  return -10 * std::log10(std::max(1e-12, at::mse_loss(a.to(at::kDouble), b.to(at::kDouble)).item<double>()));
}

class Formats : public ::testing::TestWithParam<Precision> {
 protected:
  void SetUp() override {
    std::string name = ::testing::UnitTest::GetInstance()->current_test_info()->name();
    std::replace(name.begin(), name.end(), '/', '_');
    folder_ = std::filesystem::path(GSV3D_BINARY_DIR) / "test_formats" / name;
    std::filesystem::remove_all(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::filesystem::path file() const { return folder_ / GetParam().name; }
  WriteOptions options() const { return {.spz_version = GetParam().spz_version}; }

  std::filesystem::path folder_;
};

void expect_near_in_degrees(const Tensor& a, const Tensor& b, double tolerance) {
  const auto unit = [](const Tensor& q) { return q.to(at::kDouble) / q.to(at::kDouble).norm(2, 1, true); };
  const double degrees = 2 * (unit(a) * unit(b)).sum(1).abs().clamp_max(1).acos().max().item<double>() * 180 / M_PI;
  EXPECT_LE(degrees, tolerance) << "rotation";
}

TEST_P(Formats, RoundTripWithinTheQuantisation) {
  const Precision& p = GetParam();
  for (const int64_t coefficients : {1, 4, 9, 16}) {
    const auto g = moderate_gaussians(700, coefficients);  // more than two chunks of 256
    write_gaussians(file(), g, options());
    auto back = read_gaussians(file()).gaussians;
    ASSERT_EQ(back.count(), g.count());
    ASSERT_EQ(back.sh.size(1), p.keeps_harmonics ? coefficients : 1);
    back = back.select(at::cdist(g.means, back.means).argmin(1));  // some formats reorder
    testing::expect_near(back.means, g.means, p.position, "position");
    testing::expect_near(back.scales.log(), g.scales.log(), p.log_scale, "log scale");
    testing::expect_near(sh_to_rgb(back.sh), sh_to_rgb(g.sh), p.colour, "colour");
    testing::expect_near(back.opacities, g.opacities, p.opacity, "opacity");
    expect_near_in_degrees(back.quats, g.quats, p.rotation_degrees);
    if (p.keeps_harmonics && coefficients > 1) {
      testing::expect_near(back.sh.slice(1, 1, 4), g.sh.slice(1, 1, 4), p.degree1, "degree 1");
      testing::expect_near(back.sh.slice(1, 4), g.sh.slice(1, 4), p.harmonics, "degrees above 1");
    }
  }
}

TEST_P(Formats, LooksTheSameFromFourCamerasInEveryFrame) {
  const Precision& p = GetParam();
  const auto cameras = testing::wide_cameras(4, 96, 80);
  for (const auto frame : {Frame::kWorld, Frame::kYDown, Frame::kZUp}) {
    auto g = moderate_gaussians(400, 16);
    if (!p.keeps_harmonics) g.sh = g.sh.slice(1, 0, 1);
    auto written = options();
    written.frame = frame;
    write_gaussians(file(), g, written);
    const auto back = read_gaussians(file(), {frame}).gaussians;
    const double similarity = psnr(rasterize(back, cameras).rgb, rasterize(g, cameras).rgb);
    RecordProperty(frame_name(frame), fmt::format("{:.1f} dB", similarity));
    EXPECT_GE(similarity, p.psnr) << frame_name(frame);
    // In the wrong frame it would not: the check can fail.
    const auto wrong = read_gaussians(file(), {frame == Frame::kZUp ? Frame::kWorld : Frame::kZUp}).gaussians;
    EXPECT_LE(psnr(rasterize(wrong, cameras).rgb, rasterize(g, cameras).rgb), 25);
  }
}

TEST_P(Formats, NoneAndOne) {
  for (const int64_t coefficients : {1, 16}) {
    write_gaussians(file(), testing::random_gaussians(0, coefficients, 1), options());
    const auto none = read_gaussians(file()).gaussians;
    EXPECT_EQ(none.count(), 0);
    EXPECT_EQ(none.means.sizes(), at::IntArrayRef({0, 3}));
    const auto g = moderate_gaussians(1, coefficients);
    write_gaussians(file(), g, options());
    testing::expect_near(read_gaussians(file()).gaussians.means, g.means, GetParam().position, "position");
  }
}

TEST_P(Formats, RejectsValuesThatAreNotFinite) {
  const float bad[] = {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()};
  for (const float value : bad) {
    for (int part = 0; part < 5; ++part) {
      auto g = moderate_gaussians(300, 1);
      Tensor tensors[] = {g.means, g.quats, g.scales, g.opacities.unsqueeze(1), g.sh.squeeze(1)};
      tensors[part].select(0, 257).fill_(value);
      testing::expect_error([&] { write_gaussians(file(), g, options()); }, "of Gaussian 257 is not a finite number");
      EXPECT_FALSE(std::filesystem::exists(file()));
    }
  }
}

TEST_P(Formats, DamagedFilesAreErrorsAndNothingElse) {
  const auto g = moderate_gaussians(40, GetParam().keeps_harmonics ? 4 : 1);
  write_gaussians(file(), g, options());
  const std::string good = read_file(file());
  const auto generator = make_generator(5);
  const auto random = [&](int64_t below) { return at::randint(below, {1}, generator).item<int64_t>(); };
  int rejected = 0;
  testing::for_random_damage(good, 400, random, [&](const std::string& bytes) {
    const std::string message = testing::error_of([&] {
      const auto read = decode_gaussians(bytes, file()).gaussians;
      require_finite(read, "damaged");
      EXPECT_LE(read.count(), 100000);
    });
    rejected += message.empty() ? 0 : 1;
  });
  EXPECT_GE(rejected, GetParam().keeps_harmonics ? 150 : 50);
}

INSTANTIATE_TEST_SUITE_P(All, Formats, ::testing::ValuesIn(kFormats), [](const auto& info) {
  std::string name = info.param.name + 2;
  std::replace(name.begin(), name.end(), '.', '_');
  return name == "spz" ? fmt::format("spz{}", info.param.spz_version) : name;
});

TEST(FormatNames, DecideWhatIsWritten) {
  EXPECT_EQ(format_of_name("a.PLY"), GaussianFormat::kPly);
  EXPECT_EQ(format_of_name("b/a.compressed.ply"), GaussianFormat::kCompressedPly);
  EXPECT_EQ(format_of_name("a.b.spz"), GaussianFormat::kSpz);
  EXPECT_THROW(format_of_name("ply"), UsageError);
  EXPECT_THROW(write_gaussians("a.sog", testing::random_gaussians(1, 1, 1)), UsageError);
}

TEST(FormatNames, ContentDecidesWhatIsRead) {
  const auto folder = std::filesystem::path(GSV3D_BINARY_DIR) / "test_formats_content";
  const auto g = moderate_gaussians(5, 1);
  write_gaussians(folder / "a.spz", g);
  std::filesystem::rename(folder / "a.spz", folder / "a.ply");
  EXPECT_EQ(read_gaussians(folder / "a.ply").gaussians.count(), 5);
  write_file(folder / "a.png", "\x89PNG....");
  EXPECT_THROW(read_gaussians(folder / "a.png"), Error);
  std::filesystem::remove_all(folder);
}

TEST(FormatNames, AntialiasedIsKept) {
  const auto folder = std::filesystem::path(GSV3D_BINARY_DIR) / "test_formats_antialiased";
  for (const char* name : {"a.ply", "a.compressed.ply", "a.spz"}) {
    for (const bool antialiased : {false, true}) {
      write_gaussians(folder / name, moderate_gaussians(2, 1), {.antialiased = antialiased});
      EXPECT_EQ(read_gaussians(folder / name).antialiased, antialiased) << name;
    }
  }
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace gsv3d
