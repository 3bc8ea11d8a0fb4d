#include "gaussian_files/spz_streams.h"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>

#include "gaussian_files/byte_view.h"
#include "gaussian_files/limits.h"

namespace gsv3d {
namespace {

constexpr uint32_t kMagic = 0x5053474e;  // "NGSP"
constexpr size_t kGzipHeader = 16, kZstdHeader = 32, kTocEntry = 16;
constexpr uint8_t kAntialiased = 1;
constexpr int kZstdLevel = 12;  // the reference writer's

void append_common_header(std::string& bytes, const SpzPacked& packed, uint8_t last) {
  append(bytes, kMagic);
  append(bytes, static_cast<uint32_t>(packed.version));
  append(bytes, packed.count);
  append(bytes, static_cast<uint8_t>(packed.sh_degree));
  append(bytes, static_cast<uint8_t>(packed.fractional_bits));
  append(bytes, packed.antialiased ? kAntialiased : uint8_t{0});
  append(bytes, last);
}

/// Both layouts begin with the same 15 bytes.
SpzPacked read_common_header(std::string_view bytes, size_t file_bytes, const std::string& where) {
  require(load<uint32_t>(bytes, 0) == kMagic, "{}: not an SPZ file", where);
  SpzPacked packed;
  const auto version = load<uint32_t>(bytes, 4);
  require(version >= 2 && version <= 4, "{}: SPZ version {}; versions 2, 3 and 4 can be read", where, version);
  packed.version = static_cast<int>(version);
  packed.count = load<uint32_t>(bytes, 8);
  packed.sh_degree = load<uint8_t>(bytes, 12);
  packed.fractional_bits = load<uint8_t>(bytes, 13);
  packed.antialiased = load<uint8_t>(bytes, 14) & kAntialiased;
  require(packed.sh_degree <= 4 && packed.fractional_bits <= 23, "{}: damaged (degree {}, {} fractional bits)", where,
          packed.sh_degree, packed.fractional_bits);
  require_plausible_count(packed.count, file_bytes, where);
  return packed;
}

/// A gzip stream that is read piece by piece, so that nothing is allocated before it is known to fit.
class Inflater {
 public:
  Inflater(std::string_view bytes, const std::string& where) : where_(where) {
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream_.avail_in = static_cast<uInt>(bytes.size());
    require(inflateInit2(&stream_, 16 + MAX_WBITS) == Z_OK, "{}: not enough memory", where_);
  }
  ~Inflater() { inflateEnd(&stream_); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  /// Exactly `size` bytes, or Error.
  std::string read(size_t size) {
    std::string result(size, '\0');
    for (size_t done = 0; done < size;) {
      const auto step = static_cast<uInt>(std::min<size_t>(size - done, size_t{1} << 30));
      stream_.next_out = reinterpret_cast<Bytef*>(result.data()) + done;
      stream_.avail_out = step;
      const int status = inflate(&stream_, Z_NO_FLUSH);
      const size_t got = step - stream_.avail_out;
      done += got;
      require((status == Z_OK && got > 0) || done == size, "{}: damaged or cut off ({})", where_,
              stream_.msg ? stream_.msg : "its gzip stream ends early");
    }
    return result;
  }

 private:
  z_stream stream_ = {};
  const std::string& where_;
};

std::string gzip(const std::string& bytes) {
  z_stream stream = {};
  require(deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 16 + MAX_WBITS, 9, Z_DEFAULT_STRATEGY) == Z_OK,
          "gzip: not enough memory");
  std::string result;
  std::string buffer(1 << 18, '\0');
  size_t given = 0;
  for (int status = Z_OK; status != Z_STREAM_END;) {
    if (stream.avail_in == 0 && given < bytes.size()) {
      const size_t step = std::min<size_t>(bytes.size() - given, size_t{1} << 30);
      stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data())) + given;
      stream.avail_in = static_cast<uInt>(step);
      given += step;
    }
    stream.next_out = reinterpret_cast<Bytef*>(buffer.data());
    stream.avail_out = static_cast<uInt>(buffer.size());
    status = deflate(&stream, given == bytes.size() ? Z_FINISH : Z_NO_FLUSH);
    result.append(buffer, 0, buffer.size() - stream.avail_out);
  }
  deflateEnd(&stream);
  return result;
}

SpzPacked unpack_gzip(std::string_view bytes, const std::string& where) {
  Inflater inflater(bytes, where);
  SpzPacked packed = read_common_header(inflater.read(kGzipHeader), bytes.size(), where);
  require(packed.version <= 3, "{}: damaged (version {} in a gzip stream)", where, packed.version);
  for (int i = 0; i < kSpzStreams; ++i) packed.streams[i] = inflater.read(packed.count * packed.bytes_of(SpzStream(i)));
  return packed;
}

std::string decompress(std::string_view bytes, size_t size, const std::string& where) {
  std::string result(size, '\0');
  const size_t got = ZSTD_decompress(result.data(), size, bytes.data(), bytes.size());
  require(!ZSTD_isError(got) && got == size, "{}: damaged ({})", where, ZSTD_isError(got) ? ZSTD_getErrorName(got) : "too short");
  return result;
}

SpzPacked unpack_zstd(std::string_view bytes, const std::string& where) {
  require(bytes.size() >= kZstdHeader, "{}: cut off", where);
  SpzPacked packed = read_common_header(bytes, bytes.size(), where);
  require(packed.version == 4, "{}: damaged (version {} without gzip)", where, packed.version);
  const size_t streams = load<uint8_t>(bytes, 15), toc = load<uint32_t>(bytes, 16);
  const size_t needed = packed.sh_degree > 0 ? kSpzStreams : kSpzStreams - 1;
  require(packed.count == 0 || streams >= needed, "{}: damaged ({} streams instead of {})", where, streams, needed);
  require(toc >= kZstdHeader && toc <= bytes.size() && streams <= (bytes.size() - toc) / kTocEntry, "{}: damaged or cut off",
          where);
  size_t begin = toc + streams * kTocEntry;
  for (size_t i = 0; i < std::min<size_t>(streams, kSpzStreams); ++i) {
    const auto compressed = load<uint64_t>(bytes, toc + i * kTocEntry), size = load<uint64_t>(bytes, toc + i * kTocEntry + 8);
    require(compressed <= bytes.size() - begin, "{}: cut off", where);
    const size_t expected = packed.count * packed.bytes_of(SpzStream(i));
    require(size == expected, "{}: damaged (a stream of {} bytes instead of {})", where, size, expected);
    if (size > 0) packed.streams[i] = decompress(bytes.substr(begin, compressed), size, where);
    begin += compressed;
  }
  return packed;
}

std::string compress(const std::string& bytes) {
  std::string result(ZSTD_compressBound(bytes.size()), '\0');
  const size_t size = ZSTD_compress(result.data(), result.size(), bytes.data(), bytes.size(), kZstdLevel);
  require(!ZSTD_isError(size), "zstd cannot compress {} bytes: {}", bytes.size(), ZSTD_getErrorName(size));
  result.resize(size);
  return result;
}

std::string pack_zstd(const SpzPacked& packed) {
  const int streams = packed.sh_degree > 0 ? kSpzStreams : kSpzStreams - 1;
  std::string bytes, content;
  append_common_header(bytes, packed, static_cast<uint8_t>(streams));
  append(bytes, static_cast<uint32_t>(kZstdHeader));
  bytes.resize(kZstdHeader, '\0');
  for (int i = 0; i < streams; ++i) {
    const std::string stream = compress(packed.streams[i]);
    append(bytes, static_cast<uint64_t>(stream.size()));
    append(bytes, static_cast<uint64_t>(packed.streams[i].size()));
    content += stream;
  }
  return bytes + content;
}

}  // namespace

size_t SpzPacked::bytes_of(SpzStream stream) const {
  switch (stream) {
    case kSpzPositions:
      return 9;
    case kSpzAlphas:
      return 1;
    case kSpzColours:
    case kSpzScales:
      return 3;
    case kSpzRotations:
      return version >= 3 ? 4 : 3;
    default:
      return 3 * ((sh_degree + 1) * (sh_degree + 1) - 1);
  }
}

std::string pack_spz(const SpzPacked& packed) {
  if (packed.version == 4) return pack_zstd(packed);
  std::string bytes;
  append_common_header(bytes, packed, 0);
  for (const auto& stream : packed.streams) bytes += stream;
  return gzip(bytes);
}

SpzPacked unpack_spz(std::string_view bytes, const std::string& where) {
  require(bytes.size() < (size_t{1} << 32), "{}: too large for an SPZ file", where);
  return bytes.starts_with("NGSP") ? unpack_zstd(bytes, where) : unpack_gzip(bytes, where);
}

}  // namespace gsv3d
