// Where the reference numbers are, and how tests compare with them.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "core/config.h"
#include "core/safetensors.h"
#include "core/tensor.h"

namespace gsv3d::testing {

/// GSV3D_GOLDENS, else ../shared/goldens beside the source tree, else the subset in tests/goldens.
inline std::filesystem::path goldens_folder() {
  if (const char* given = std::getenv("GSV3D_GOLDENS")) return given;
  const std::filesystem::path source = GSV3D_SOURCE_DIR;
  if (auto shared = source.parent_path() / "shared" / "goldens"; std::filesystem::exists(shared)) return shared;
  return source / "tests" / "goldens";
}

/// A golden file, or an empty path when this copy of the goldens does not have it (the test then skips, saying so).
inline std::filesystem::path golden(const std::string& name) {
  auto path = goldens_folder() / name;
  if (!std::filesystem::exists(path)) path = std::filesystem::path(GSV3D_SOURCE_DIR) / "tests" / "goldens" / name;
  return std::filesystem::exists(path) ? path : std::filesystem::path();
}

#define GSV3D_GOLDEN_OR_SKIP(variable, name)            \
  const auto variable = ::gsv3d::testing::golden(name); \
  if (variable.empty()) GTEST_SKIP() << "no golden file " << name

/// What a golden file says of itself under a key of its metadata: sizes and constants that belong to its numbers.
inline Json golden_metadata(const SafetensorsFile& file, const std::string& key) {
  return parse_json(file.metadata().at(key), key);
}

/// max |actual - expected| / max |expected| must not exceed the tolerance; prints both figures either way.
inline void expect_close(const Tensor& actual, const Tensor& expected, double relative_tolerance, const std::string& what) {
  ASSERT_EQ(actual.sizes(), expected.sizes()) << what;
  const Tensor a = actual.detach().to(at::kCPU, at::kDouble), e = expected.detach().to(at::kCPU, at::kDouble);
  ASSERT_TRUE(at::isfinite(a).all().item<bool>()) << what << " has values that are not finite";
  if (e.numel() == 0) return;
  const double max_error = (a - e).abs().max().item<double>(), scale = e.abs().max().item<double>();
  const double relative = scale > 0 ? max_error / scale : max_error;
  EXPECT_LE(relative, relative_tolerance) << what << ": max error " << max_error << ", relative to max " << relative;
}

/// max |actual - expected| must not exceed the tolerance.
inline void expect_near(const Tensor& actual, const Tensor& expected, double absolute_tolerance, const std::string& what) {
  ASSERT_EQ(actual.sizes(), expected.sizes()) << what;
  const Tensor a = actual.detach().to(at::kCPU, at::kDouble), e = expected.detach().to(at::kCPU, at::kDouble);
  ASSERT_TRUE(at::isfinite(a).all().item<bool>()) << what << " has values that are not finite";
  if (e.numel() == 0) return;
  const double max_error = (a - e).abs().max().item<double>();
  EXPECT_LE(max_error, absolute_tolerance) << what << ": max error " << max_error;
}

}  // namespace gsv3d::testing
