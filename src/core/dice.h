// Random numbers that are the same on every machine and with every standard library (SplitMix64, Steele et al. 2014), and the
// hash that makes a seed of a text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace gsv3d {

/// FNV-1a: the same on every machine, unlike std::hash.
inline uint64_t text_hash(std::string_view text) {
  uint64_t hash = 0xCBF29CE484222325ULL;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
  return hash;
}

class Dice {
 public:
  explicit Dice(uint64_t seed) : state_(seed) {}

  uint64_t bits() {
    uint64_t z = state_ += 0x9E3779B97F4A7C15ULL;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
  }
  /// In [low, high).
  float number(float low, float high) { return low + (high - low) * (static_cast<float>(bits() >> 40) / 16777216.0F); }
  /// In [low, high], both included.
  int whole(int low, int high) { return low + static_cast<int>(bits() % static_cast<uint64_t>(high - low + 1)); }
  bool chance(float probability) { return number(0, 1) < probability; }
  template <class List>
  const auto& one_of(const List& list) {
    return list[bits() % static_cast<uint64_t>(list.size())];
  }

 private:
  uint64_t state_;
};

}  // namespace gsv3d
