#include "dataset/tar.h"

#include <array>
#include <cstring>

#include "core/error.h"

namespace gsv3d {
namespace {

constexpr size_t kBlock = 512;
using Block = std::array<char, kBlock>;

// Offsets and lengths of the header's fields.
constexpr size_t kSize = 124, kChecksum = 148, kType = 156, kMagicAt = 257, kPrefix = 345;

uint32_t checksum(const Block& header) {
  uint32_t sum = 0;
  for (size_t i = 0; i < kBlock; ++i) sum += i >= kChecksum && i < kChecksum + 8 ? ' ' : static_cast<unsigned char>(header[i]);
  return sum;
}

void put_text(Block& header, size_t offset, const std::string& text) {
  std::memcpy(header.data() + offset, text.data(), text.size());
}

/// Octal digits up to a space or NUL; -1 when there is anything else.
int64_t octal(const char* field, size_t length) {
  size_t i = 0;
  while (i < length && field[i] == ' ') ++i;
  int64_t value = 0;
  for (; i < length && field[i] != '\0' && field[i] != ' '; ++i) {
    if (field[i] < '0' || field[i] > '7') return -1;
    value = value * 8 + (field[i] - '0');
  }
  return value;
}

uint64_t padding(uint64_t size) {
  return (kBlock - size % kBlock) % kBlock;
}

std::string text_field(const char* field, size_t length) {
  return std::string(field, strnlen(field, length));
}

}  // namespace

void append_tar_member(AtomicFile& file, const std::string& name, std::string_view content) {
  require(!name.empty() && name.size() <= 100, "\"{}\" is too long a name for a tar member", name);
  Block header{};
  put_text(header, 0, name);
  put_text(header, 100, "0000644");
  put_text(header, 108, "0000000");
  put_text(header, 116, "0000000");
  put_text(header, kSize, fmt::format("{:011o}", content.size()));
  put_text(header, 136, "00000000000");
  header[kType] = '0';
  put_text(header, kMagicAt,
           std::string("ustar\0"
                       "00",
                       8));
  put_text(header, kChecksum, fmt::format("{:06o}", checksum(header)) + std::string("\0 ", 2));
  file.write(header.data(), header.size());
  file.write(content);
  const Block zeros{};
  file.write(zeros.data(), padding(content.size()));
}

void append_tar_end(AtomicFile& file) {
  const std::array<char, 2 * kBlock> zeros{};
  file.write(zeros.data(), zeros.size());
}

TarReader::TarReader(std::filesystem::path path) : path_(std::move(path)), stream_(path_, std::ios::binary) {
  require(stream_.good(), "{}: cannot be opened", path_.string());
  end_ = remaining_ = std::filesystem::file_size(path_);
}

TarReader::TarReader(std::filesystem::path path, uint64_t offset, uint64_t bytes) : TarReader(std::move(path)) {
  require(offset <= end_ && bytes <= end_ - offset, "{}: is shorter than it was", path_.string());
  end_ = offset + bytes;
  remaining_ = bytes;
  stream_.seekg(static_cast<std::streamoff>(offset));
}

bool TarReader::next(Member& member, uint64_t limit, const std::function<bool(const std::string& name)>& wanted) {
  while (remaining_ > 0) {
    Block header;
    require(remaining_ >= kBlock && stream_.read(header.data(), kBlock), "{}: truncated, a header is cut off", path_.string());
    remaining_ -= kBlock;
    if (std::all_of(header.begin(), header.end(), [](char c) { return c == 0; })) return false;
    require(octal(header.data() + kChecksum, 8) == static_cast<int64_t>(checksum(header)), "{}: not a tar archive, or damaged",
            path_.string());
    const int64_t size = octal(header.data() + kSize, 12);
    const std::string name = text_field(header.data(), 100), prefix = text_field(header.data() + kPrefix, 155);
    require(size >= 0 && static_cast<uint64_t>(size) <= remaining_, "{}: truncated within {}", path_.string(), name);
    const auto bytes = static_cast<uint64_t>(size);
    const uint64_t skip = std::min(padding(bytes), remaining_ - bytes);
    remaining_ -= bytes + skip;
    if (header[kType] != '0' && header[kType] != '\0') {
      stream_.seekg(static_cast<std::streamoff>(bytes + skip), std::ios::cur);
      continue;
    }
    require(bytes <= limit, "{}: {} has {} bytes; the limit is {}", path_.string(), name, bytes, limit);
    member.name = prefix.empty() ? name : prefix + "/" + name;
    member.bytes = bytes;
    if (wanted && !wanted(member.name)) {
      member.content.clear();
      stream_.seekg(static_cast<std::streamoff>(bytes + skip), std::ios::cur);
      return true;
    }
    member.content.resize(bytes);
    require(static_cast<bool>(stream_.read(member.content.data(), static_cast<std::streamsize>(bytes))), "{}: cannot read {}",
            path_.string(), name);
    stream_.seekg(static_cast<std::streamoff>(skip), std::ios::cur);
    return true;
  }
  return false;
}

}  // namespace gsv3d
