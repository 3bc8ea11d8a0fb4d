// Counter-based randomness: every step's seed is a function of (run seed, step, purpose), so training carries no generator state
// and resumes exactly; and fingerprints, by which a checkpoint knows whose run it is.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/safetensors.h"

namespace gsv3d {

/// A seed for one purpose ("sigma", "noise", ...) of one step. SplitMix64's finaliser over the FNV-1a hash of the purpose.
uint64_t step_seed(uint64_t seed, int64_t step, std::string_view purpose);

/// 64-bit FNV-1a over 8-byte words (then the rest by bytes), continuing from `start`. Not cryptographic: it tells files apart.
uint64_t fingerprint(const void* data, size_t size, uint64_t start = 14695981039346656037ull);
uint64_t fingerprint(std::string_view text, uint64_t start = 14695981039346656037ull);
/// Of a tensor's values and sizes.
uint64_t fingerprint(const Tensor& tensor, uint64_t start = 14695981039346656037ull);
/// Of all names and tensors.
uint64_t fingerprint(const NamedTensors& tensors, uint64_t start = 14695981039346656037ull);

/// 16 lower-case hexadecimal digits.
std::string fingerprint_text(uint64_t value);

}  // namespace gsv3d
