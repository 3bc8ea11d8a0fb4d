// PNG by hand on zlib (https://www.w3.org/TR/png-3/): small, deterministic, and there in builds without libvips.
#include <zlib.h>

#include <cstring>

#include "core/atomic_file.h"
#include "core/error.h"
#include "image/image.h"

namespace gsv3d {
namespace {

constexpr std::string_view kSignature("\x89PNG\r\n\x1a\n", 8);

void append_u32(std::string& out, uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift));
}

uint32_t read_u32(std::string_view bytes) {
  uint32_t value = 0;
  for (int i = 0; i < 4; ++i) value = value << 8 | static_cast<uint8_t>(bytes[i]);
  return value;
}

uint32_t checksum(std::string_view bytes) {
  return static_cast<uint32_t>(::crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

void append_chunk(std::string& out, std::string_view type, std::string_view content) {
  append_u32(out, static_cast<uint32_t>(content.size()));
  const size_t start = out.size();
  out.append(type).append(content);
  append_u32(out, checksum(std::string_view(out).substr(start)));
}

uint8_t paeth(int left, int up, int corner) {
  const int to_left = std::abs(up - corner), to_up = std::abs(left - corner), to_corner = std::abs(left + up - 2 * corner);
  if (to_left <= to_up && to_left <= to_corner) return static_cast<uint8_t>(left);
  return static_cast<uint8_t>(to_up <= to_corner ? up : corner);
}

/// What the filter predicts for byte i of a row; `above` is the row before, or zeros.
uint8_t predict(int filter, const uint8_t* row, const uint8_t* above, int64_t i, int64_t channels) {
  const int left = i >= channels ? row[i - channels] : 0, up = above[i], corner = i >= channels ? above[i - channels] : 0;
  switch (filter) {
    case 1:
      return static_cast<uint8_t>(left);
    case 2:
      return static_cast<uint8_t>(up);
    case 3:
      return static_cast<uint8_t>((left + up) / 2);
    case 4:
      return paeth(left, up, corner);
    default:
      return 0;
  }
}

/// Appends one row, filtered the way that leaves the smallest sum of absolute differences (the specification's heuristic).
void append_filtered(std::string& out, const uint8_t* row, const uint8_t* above, int64_t stride, int64_t channels) {
  std::string best, candidate(stride + 1, '\0');
  int64_t best_cost = -1;
  for (int filter = 0; filter <= 4; ++filter) {
    candidate[0] = static_cast<char>(filter);
    int64_t cost = 0;
    for (int64_t i = 0; i < stride; ++i) {
      const auto difference = static_cast<int8_t>(row[i] - predict(filter, row, above, i, channels));
      candidate[i + 1] = static_cast<char>(difference);
      cost += std::abs(static_cast<int>(difference));
    }
    if (best_cost < 0 || cost < best_cost) best_cost = cost, best = candidate;
  }
  out += best;
}

struct Header {
  int64_t width = 0, height = 0, channels = 0;
  int64_t stride() const { return width * channels; }
};

Header parse_header(std::string_view content, const std::string& name) {
  require(content.size() == 13, "{}: the PNG header is damaged", name);
  Header header{read_u32(content), read_u32(content.substr(4)), 0};
  require(header.width > 0 && header.height > 0 && header.width <= kMaxPixels / header.height,
          "{}: {} x {} pixels is more than the limit of {} megapixels; make it smaller first", name, header.width, header.height,
          kMaxPixels >> 20);
  const auto byte = [&](size_t i) { return static_cast<int>(static_cast<uint8_t>(content[i])); };
  const int depth = byte(8), colour = byte(9), interlace = byte(12);
  require(
      depth == 8 && interlace == 0 && (colour == 0 || colour == 2 || colour == 4 || colour == 6) && !content[10] && !content[11],
      "{}: only 8-bit, non-interlaced grey or RGB PNG is read here (this file: bit depth {}, colour type {}, interlace {})", name,
      depth, colour, interlace);
  header.channels = colour == 0 ? 1 : colour == 2 ? 3 : colour == 4 ? 2 : 4;
  return header;
}

struct Chunks {
  Header header;
  std::string compressed;  ///< all IDAT chunks
};

Chunks read_chunks(std::string_view bytes, const std::string& name) {
  require(bytes.substr(0, 8) == kSignature, "{}: not a PNG picture", name);
  Chunks result;
  bool ended = false;
  for (bytes.remove_prefix(8); !ended;) {
    require(bytes.size() >= 12, "{}: the PNG picture is truncated", name);
    const size_t size = read_u32(bytes);
    require(size <= bytes.size() - 12, "{}: the PNG picture is truncated", name);
    const std::string_view type = bytes.substr(4, 4), content = bytes.substr(8, size);
    require(checksum(bytes.substr(4, size + 4)) == read_u32(bytes.substr(8 + size)), "{}: the PNG picture is damaged (checksum)",
            name);
    require((result.header.width == 0) == (type == "IHDR"), "{}: the PNG picture is damaged (order of chunks)", name);
    if (type == "IHDR") result.header = parse_header(content, name);
    if (type == "IDAT") result.compressed += content;
    // A colour key would have to turn pixels transparent; no program that we read from writes one.
    require(type != "tRNS", "{}: PNG with a transparent colour is not read here; convert it to RGBA", name);
    ended = type == "IEND";
    bytes.remove_prefix(size + 12);
  }
  return result;
}

/// Undoes the row filters in place; `data` has height rows of 1 + stride bytes.
void unfilter(std::vector<uint8_t>& data, const Header& header, const std::string& name) {
  const int64_t stride = header.stride();
  const std::vector<uint8_t> zeros(stride, 0);
  for (int64_t y = 0; y < header.height; ++y) {
    uint8_t* row = data.data() + y * (stride + 1) + 1;
    const uint8_t* above = y > 0 ? row - stride - 1 : zeros.data();
    const int filter = row[-1];
    require(filter <= 4, "{}: the PNG picture is damaged (row filter)", name);
    for (int64_t i = 0; i < stride; ++i) row[i] = static_cast<uint8_t>(row[i] + predict(filter, row, above, i, header.channels));
  }
}

}  // namespace

std::string encode_png(const Image& image) {
  require(image.width > 0 && image.height > 0, "cannot write an empty picture");
  require(image.pixels.size() == static_cast<size_t>(4 * image.width * image.height), "a picture's pixels do not fit its size");
  const int64_t channels = has_transparency(image) ? 4 : 3, stride = image.width * channels;
  std::vector<uint8_t> row(stride), above(stride, 0);
  std::string filtered;
  filtered.reserve(image.height * (stride + 1));
  for (int64_t y = 0; y < image.height; ++y) {
    for (int64_t x = 0; x < image.width; ++x) std::copy_n(image.at(x, y), channels, row.data() + channels * x);
    append_filtered(filtered, row.data(), above.data(), stride, channels);
    std::swap(row, above);
  }
  uLongf size = ::compressBound(filtered.size());
  std::string compressed(size, '\0');
  const int status = ::compress2(reinterpret_cast<Bytef*>(compressed.data()), &size,
                                 reinterpret_cast<const Bytef*>(filtered.data()), filtered.size(), 6);
  require(status == Z_OK, "cannot compress a picture (zlib error {})", status);
  compressed.resize(size);

  std::string header;
  append_u32(header, static_cast<uint32_t>(image.width));
  append_u32(header, static_cast<uint32_t>(image.height));
  header += {8, static_cast<char>(channels == 4 ? 6 : 2), 0, 0, 0};
  std::string out(kSignature);
  append_chunk(out, "IHDR", header);
  append_chunk(out, "IDAT", compressed);
  append_chunk(out, "IEND", "");
  return out;
}

void save_png(const std::filesystem::path& path, const Image& image) {
  write_file(path, encode_png(image));
}

Image decode_png(std::string_view bytes, const std::string& name) {
  const auto [header, compressed] = read_chunks(bytes, name);
  // Deflate cannot expand by more than about 1030 to 1: a small file that claims a huge picture is turned away before any memory
  // is taken.
  const auto expected = static_cast<uint64_t>(header.height * (header.stride() + 1));
  require(expected / 1040 <= compressed.size(), "{}: the PNG picture is truncated", name);
  std::vector<uint8_t> data(expected);
  uLongf size = data.size();
  uLong used = compressed.size();
  const int status = ::uncompress2(data.data(), &size, reinterpret_cast<const Bytef*>(compressed.data()), &used);
  require(status == Z_OK && size == expected, "{}: the PNG picture is damaged (its pixels cannot be unpacked)", name);
  unfilter(data, header, name);

  Image image{header.width, header.height, std::vector<uint8_t>(4 * header.width * header.height, 255), false};
  for (int64_t y = 0; y < header.height; ++y) {
    const uint8_t* row = data.data() + y * (header.stride() + 1) + 1;
    for (int64_t x = 0; x < header.width; ++x) {
      const uint8_t* source = row + header.channels * x;
      uint8_t* pixel = image.at(x, y);
      const bool colour = header.channels >= 3;
      for (int c = 0; c < 3; ++c) pixel[c] = source[colour ? c : 0];
      if (header.channels % 2 == 0) pixel[3] = source[header.channels - 1];
    }
  }
  image.has_alpha = has_transparency(image);
  return image;
}

}  // namespace gsv3d
