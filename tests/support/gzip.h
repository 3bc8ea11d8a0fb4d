// A gzip stream around bytes, for files that lie about what is inside.
#pragma once

#include <zlib.h>

#include <string>
#include <string_view>

namespace gsv3d::testing {

/// Level 0 stores, 9 compresses most.
inline std::string gzipped(std::string_view bytes, int level = 9) {
  z_stream stream = {};
  deflateInit2(&stream, level, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  std::string result(deflateBound(&stream, bytes.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(result.data());
  stream.avail_out = static_cast<uInt>(result.size());
  deflate(&stream, Z_FINISH);
  result.resize(stream.total_out);
  deflateEnd(&stream);
  return result;
}

}  // namespace gsv3d::testing
