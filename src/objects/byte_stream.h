// Little-endian numbers into and out of byte strings; reading checks bounds.
#pragma once

#include <bit>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

#include "core/error.h"

namespace gsv3d {

static_assert(std::endian::native == std::endian::little, "shards and packs are written as they lie in memory: little-endian");

template <class Number>
void append_number(std::string& bytes, Number value) {
  static_assert(std::is_arithmetic_v<Number>);
  bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

class ByteReader {
 public:
  /// `where` begins every message.
  ByteReader(std::string_view bytes, std::string where) : bytes_(bytes), where_(std::move(where)) {}

  template <class Number>
  Number number() {
    Number value;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }
  std::string_view take(size_t size) {
    require(size <= bytes_.size(), "{}: damaged (ends too early)", where_);
    const std::string_view taken = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return taken;
  }
  size_t left() const { return bytes_.size(); }
  const std::string& where() const { return where_; }

 private:
  std::string_view bytes_;
  std::string where_;
};

}  // namespace gsv3d
