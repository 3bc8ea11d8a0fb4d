// A zip archive made in a test: stored members (PKWARE's APPNOTE).
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "objects/byte_stream.h"

namespace gsv3d::testing {

inline uint32_t crc32(const std::string& bytes) {
  uint32_t crc = ~0U;
  for (unsigned char c : bytes) {
    crc ^= c;
    for (int i = 0; i < 8; ++i) crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320U : 0);
  }
  return ~crc;
}

inline std::string zip_bytes(const std::vector<std::pair<std::string, std::string>>& members) {
  std::string bytes, directory;
  for (const auto& [name, content] : members) {
    const auto offset = static_cast<uint32_t>(bytes.size()), size = static_cast<uint32_t>(content.size());
    std::string common;
    for (uint16_t value : {20, 0, 0, 0, 33}) append_number(common, value);
    for (uint32_t value : {crc32(content), size, size}) append_number(common, value);
    append_number(common, static_cast<uint16_t>(name.size()));
    append_number(common, uint16_t{0});
    bytes += "PK\x03\x04" + common + name + content;
    directory += "PK\x01\x02" + std::string("\x14\0", 2) + common + std::string(10, '\0');
    append_number(directory, uint32_t{0});
    directory.resize(directory.size() - 4);
    append_number(directory, offset);
    directory += name;
  }
  std::string end = "PK\x05\x06" + std::string(4, '\0');
  for (int i = 0; i < 2; ++i) append_number(end, static_cast<uint16_t>(members.size()));
  append_number(end, static_cast<uint32_t>(directory.size()));
  append_number(end, static_cast<uint32_t>(bytes.size()));
  append_number(end, uint16_t{0});
  return bytes + directory + end;
}

}  // namespace gsv3d::testing
