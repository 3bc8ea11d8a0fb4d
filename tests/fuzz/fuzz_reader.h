// What every fuzz target shares: bytes go into a reader, which must either throw gsv3d::Error or return sound Gaussians.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "core/error.h"
#include "gaussian_files/row_check.h"

namespace gsv3d::fuzz {

/// As gaussian_file.cpp does with what a decoder returns.
inline GaussianFile checked(DecodedRows rows) {
  return checked_rows(std::move(rows), "fuzz", {}, Frame::kYDown);
}

/// Ends the process, which libFuzzer reports, when a reader lets anything else than Error out or returns nonsense.
template <class Reader>
int check_reader(const uint8_t* data, size_t size, const Reader& read) {
  try {
    const Gaussians g = read(std::string_view(reinterpret_cast<const char*>(data), size)).gaussians;
    const int64_t count = g.count();
    const bool shapes = g.quats.size(0) == count && g.scales.size(0) == count && g.opacities.size(0) == count &&
                        g.sh.size(0) == count && g.sh_degree() <= 3;
    if (!shapes) std::abort();
    require_finite(g, "fuzz");
    if (count > 0 && (g.scales.min().item<float>() < 0 || g.opacities.min().item<float>() < 0)) std::abort();
  } catch (const Error&) {
  }
  return 0;
}

}  // namespace gsv3d::fuzz
