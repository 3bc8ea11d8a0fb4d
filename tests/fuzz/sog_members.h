// A SOG's parts as the fuzzer changes them: one after the other, each behind a number for its name and its length, without the
// zip's checksums, which would turn every changed part away.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gsv3d::fuzz {

inline constexpr std::string_view sog_parts[] = {"meta.json",  "means_l.webp", "means_u.webp",       "scales.webp",
                                                 "quats.webp", "sh0.webp",     "shN_centroids.webp", "shN_labels.webp"};

/// [number of the name][length, 3 bytes, little-endian][content] for each part. A length beyond the end means the rest.
inline std::vector<std::pair<std::string, std::string>> sog_members(std::string_view bytes) {
  std::vector<std::pair<std::string, std::string>> members;
  while (bytes.size() > 4) {
    const auto byte = [&](size_t i) { return static_cast<size_t>(static_cast<unsigned char>(bytes[i])); };
    const size_t length = std::min(byte(1) | byte(2) << 8 | byte(3) << 16, bytes.size() - 4);
    members.emplace_back(sog_parts[byte(0) % std::size(sog_parts)], bytes.substr(4, length));
    bytes.remove_prefix(4 + length);
  }
  return members;
}

inline std::string sog_member(size_t name, const std::string& content) {
  std::string bytes(1, static_cast<char>(name));
  for (int shift = 0; shift < 24; shift += 8) bytes.push_back(static_cast<char>(content.size() >> shift));
  return bytes + content;
}

}  // namespace gsv3d::fuzz
