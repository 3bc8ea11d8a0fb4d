// Files as damage leaves them: cut short, with other bytes, with numbers that lie.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>

namespace gsv3d::testing {

/// Without the last `count` bytes.
inline std::string shortened(const std::string& bytes, size_t count = 1) {
  return bytes.substr(0, bytes.size() - std::min(count, bytes.size()));
}

/// With the bytes of `value` at `offset`.
template <class T>
std::string patched(std::string bytes, size_t offset, T value) {
  std::memcpy(bytes.data() + offset, &value, sizeof(T));
  return bytes;
}

/// With one piece of text in place of another, which must be there.
inline std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const size_t place = text.find(from);
  EXPECT_NE(place, std::string::npos) << from;
  return place == std::string::npos ? text : text.replace(place, from.size(), to);
}

/// Calls visit(bytes, size) for every `step`-th way to cut the end off, and for the loss of the last byte alone.
template <class Visit>
void for_each_cut(const std::string& bytes, const Visit& visit, size_t step = 1) {
  for (size_t size = 0; size < bytes.size(); size += step) visit(bytes.substr(0, size), size);
  if (step > 1 && !bytes.empty()) visit(shortened(bytes), bytes.size() - 1);
}

/// Calls visit(bytes, place) with some bits of every `step`-th byte turned over.
template <class Visit>
void for_each_flipped_byte(const std::string& bytes, const Visit& visit, size_t step = 1, char bits = 0x41) {
  for (size_t place = 0; place < bytes.size(); place += step)
    visit(patched(bytes, place, static_cast<char>(bytes[place] ^ bits)), place);
}

/// Calls visit(bytes) for `count` random damages: cuts, one to four flipped bits (half of the time in the first 64 bytes, where
/// headers are), or both. `random(n)` gives a number below n.
template <class Random, class Visit>
void for_random_damage(const std::string& good, int count, const Random& random, const Visit& visit) {
  for (int i = 0; i < count; ++i) {
    std::string bytes = good;
    if (i % 2) bytes.resize(random(static_cast<int64_t>(good.size())));
    if (i % 2 == 0 || i % 4 == 1)
      for (int64_t flips = 1 + random(4); flips > 0 && !bytes.empty(); --flips)
        bytes[random(static_cast<int64_t>(std::min<size_t>(bytes.size(), i % 8 < 4 ? 64 : bytes.size())))] ^=
            static_cast<char>(1 << random(8));
    visit(bytes);
  }
}

}  // namespace gsv3d::testing
