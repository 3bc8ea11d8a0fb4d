// CRC-32C (Castagnoli, RFC 3720 appendix B.4) and TensorFlow's mask of it (tensorflow/core/lib/hash/crc32c.h).
#pragma once

#include <cstdint>
#include <string_view>

namespace gsv3d {

/// crc32c("123456789") = 0xe3069283.
uint32_t crc32c(std::string_view bytes);

/// Rotated right by 15 and shifted by a constant, so that a CRC of data that holds CRCs stays strong.
uint32_t masked_crc32c(std::string_view bytes);

}  // namespace gsv3d
