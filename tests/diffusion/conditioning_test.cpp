#include "diffusion/conditioning.h"

#include <numbers>

#include "core/error.h"
#include "sv3d_goldens.h"

namespace gsv3d {
namespace {

using testing::expect_close;

std::vector<double> numbers(const Tensor& values) {
  const Tensor wide = values.to(at::kDouble).contiguous();
  return {wide.const_data_ptr<double>(), wide.const_data_ptr<double>() + wide.numel()};
}
Tensor tensor(const std::vector<double>& values) {
  return at::tensor(values, at::kDouble);
}

TEST(ConditioningGolden, CameraVectors) {
  GSV3D_GOLDEN_OR_SKIP(file, "sv3d/cond_vectors.safetensors");
  const NamedTensors golden = read_safetensors(file);
  const std::vector<int64_t> dimensions = testing::sv3d_golden_settings("p").vector_dimensions;
  constexpr double cond_aug = 1e-5;  // SV3D's, for every orbit (goldens/sv3d/README.md)
  int64_t orbits = 0;
  for (const auto& [entry, expected] : golden) {
    if (!entry.ends_with(".vector")) continue;
    const std::string orbit = entry.substr(0, entry.rfind('.'));
    ++orbits;
    const auto at = [&](const char* name) { return golden.at(orbit + "." + name); };
    const bool is_static = golden.count(orbit + ".cond_aug") != 0;  // the parts apart: of the level orbit, told by its elevation
    const auto elevations =
        is_static ? std::vector<double>{numbers(at("elevations_deg")).front()} : numbers(at("elevations_deg"));
    const OrbitAngles angles =
        sv3d_orbit_angles(at("polars_rad").size(0), elevations, is_static ? std::vector<double>{} : numbers(at("azimuths_deg")));
    expect_close(tensor(angles.polars_radians), at("polars_rad"), 2e-6, orbit + " polars");
    expect_close(tensor(angles.azimuths_radians), at("azimuths_rad"), 2e-6, orbit + " azimuths");
    EXPECT_EQ(angles.azimuths_radians.back(), 0) << orbit;
    const Tensor vector = camera_vector(angles, cond_aug, dimensions);
    expect_close(vector, expected, 2e-6, entry);
    expect_close(camera_vector(angles, cond_aug, {dimensions[0]}), vector.slice(1, 0, dimensions[0]), 0, orbit + " of sv3d_u");
    if (!is_static) continue;
    const auto parts = vector.split_with_sizes(dimensions, 1);
    expect_close(parts[0], at("cond_aug"), 2e-6, "cond_aug");
    expect_close(parts[1], at("polars"), 2e-6, "polars");
    expect_close(parts[2], at("azimuths"), 2e-6, "azimuths");
  }
  EXPECT_GT(orbits, 0);
}

TEST(Conditioning, OrbitAnglesOfFourFrames) {
  const OrbitAngles angles = sv3d_orbit_angles(4, {30});
  constexpr double pi = std::numbers::pi;
  expect_close(tensor(angles.polars_radians), tensor({pi / 3, pi / 3, pi / 3, pi / 3}), 1e-12, "polars");
  expect_close(tensor(angles.azimuths_radians), tensor({pi / 2, pi, 3 * pi / 2, 0}), 1e-12, "azimuths");
  // Relative to the last one, and into [0, 360): -100 becomes 260 degrees.
  expect_close(tensor(sv3d_orbit_angles(2, {0, 0}, {-80, 20}).azimuths_radians), tensor({260 * pi / 180, 0}), 1e-12, "given");
}

TEST(Conditioning, WrongCountsAreErrors) {
  EXPECT_THROW(sv3d_orbit_angles(0, {0}), Error);
  EXPECT_THROW(sv3d_orbit_angles(3, {}), Error);
  EXPECT_THROW(sv3d_orbit_angles(3, {1, 2}), Error);
  EXPECT_THROW(sv3d_orbit_angles(3, {1}, {0, 90}), Error);
  EXPECT_THROW(sv3d_orbit_angles(3, {91}), Error);
  EXPECT_THROW(camera_vector(sv3d_orbit_angles(3, {0}), 0, {256, 512}), Error);
}

TEST(Conditioning, UnconditionalKeepsTheCamera) {
  const Conditioning given{at::ones({1, 1, 3}), at::ones({1, 4, 2, 2}), at::ones({5, 6}), 5};
  const Conditioning none = given.unconditional();
  EXPECT_EQ(none.crossattn.abs().sum().item<double>(), 0);
  EXPECT_EQ(none.concat.abs().sum().item<double>(), 0);
  EXPECT_TRUE(at::equal(none.vector, given.vector));
  EXPECT_EQ(none.frames, 5);
  EXPECT_EQ(given.concat.sum().item<double>(), 16);
}

}  // namespace
}  // namespace gsv3d
