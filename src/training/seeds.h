// Counter-based randomness: every step's seed is a function of (run seed, step, purpose), so training carries no generator state
// and resumes exactly.
#pragma once

#include <cstdint>
#include <string_view>

namespace gsv3d {

/// A seed for one purpose ("sigma", "noise", ...) of one step. SplitMix64's finaliser over the FNV-1a hash of the purpose.
uint64_t step_seed(uint64_t seed, int64_t step, std::string_view purpose);

}  // namespace gsv3d
