// The containers of SPZ files: how the six streams of quantised attributes are compressed and laid out.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace gsv3d {

enum SpzStream { kSpzPositions, kSpzAlphas, kSpzColours, kSpzScales, kSpzRotations, kSpzHarmonics, kSpzStreams };

struct SpzPacked {
  int version = 3;
  uint32_t count = 0;
  int sh_degree = 0;        ///< 0-4
  int fractional_bits = 0;  ///< 0-23
  bool antialiased = false;
  std::array<std::string, kSpzStreams> streams;

  /// Bytes that one Gaussian takes in a stream.
  size_t bytes_of(SpzStream stream) const;
};

/// The bytes of a file of version 3 (gzip) or 4 (zstd).
std::string pack_spz(const SpzPacked& packed);

/// Decompresses a file. Throws Error when it is damaged or another version; every stream then has its full length.
SpzPacked unpack_spz(std::string_view bytes, const std::string& where);

}  // namespace gsv3d
