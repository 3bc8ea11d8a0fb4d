// Little-endian numbers in the bytes of a file.
#pragma once

#include <cstring>
#include <string_view>

#include "core/error.h"

namespace gsv3d {

/// The number at bytes[offset …). The caller has checked the size.
template <class T>
T load(std::string_view bytes, size_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

template <class T>
void append(std::string& bytes, T value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof(T));
}

/// A number in 0 … 255: rounded, cut off at the ends.
inline uint8_t to_byte(float value) {
  return static_cast<uint8_t>(value <= 0 ? 0 : value >= 255 ? 255 : value + 0.5f);
}

}  // namespace gsv3d
