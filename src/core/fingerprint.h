// Fingerprints: short numbers that tell files, settings and weights apart. A checkpoint knows by them whose run it is.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

#include "core/safetensors.h"

namespace gsv3d {

/// 64-bit FNV-1a over 8-byte words (then the rest by bytes), continuing from `start`. Not cryptographic: it tells files apart.
uint64_t fingerprint(const void* data, size_t size, uint64_t start = 14695981039346656037ull);
uint64_t fingerprint(std::string_view text, uint64_t start = 14695981039346656037ull);
/// Of a tensor's values and sizes.
uint64_t fingerprint(const Tensor& tensor, uint64_t start = 14695981039346656037ull);
/// Of all names and tensors.
uint64_t fingerprint(const NamedTensors& tensors, uint64_t start = 14695981039346656037ull);

/// The hash of maps whose keys are numbers in a row, without gaps. Equal means equal bytes, so 0.0 and -0.0 are two keys.
struct FingerprintHash {
  template <class Numbers>
  size_t operator()(const Numbers& key) const {
    static_assert(std::is_trivially_copyable_v<Numbers>);
    return fingerprint(&key, sizeof key);
  }
};

/// 16 lower-case hexadecimal digits.
std::string fingerprint_text(uint64_t value);

}  // namespace gsv3d
