// The Range header (RFC 9110, 14.2): one range of bytes; several at once are answered with the whole file, as the RFC allows.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace gsv3d {

struct ByteRange {
  uint64_t begin, size;
};

enum class RangeOutcome { kWhole, kPart, kUnsatisfiable };
struct RangeAnswer {
  RangeOutcome outcome;
  ByteRange range;
};

/// `header` may be empty. → The bytes of a file of `size` bytes.
RangeAnswer requested_range(const std::string& header, uint64_t size);

}  // namespace gsv3d
