#include "core/glb_container.h"

#include <array>
#include <bit>
#include <limits>

#include "core/atomic_file.h"

namespace gsv3d {
namespace {

static_assert(std::endian::native == std::endian::little, "glTF is little-endian");

constexpr uint32_t kMagic = 0x46546c67, kVersion = 2, kJsonChunk = 0x4e4f534a,
                   kBinaryChunk = 0x004e4942;  // "glTF", "JSON", "BIN\0"

size_t padding(size_t size) {
  return (4 - size % 4) % 4;
}

template <size_t N>
void write_numbers(AtomicFile& file, const std::array<uint32_t, N>& numbers) {
  file.write(numbers.data(), sizeof numbers);
}

}  // namespace

void write_glb_container(const std::filesystem::path& path, const Json& document, const std::vector<std::string_view>& buffer) {
  std::string text = document.dump();
  text.append(padding(text.size()), ' ');
  size_t bytes = 0;
  for (const auto& piece : buffer) bytes += piece.size();
  const std::string zeros(padding(bytes), '\0');
  const size_t chunk = bytes + zeros.size(), total = 12 + 8 + text.size() + (buffer.empty() ? 0 : 8 + chunk);
  require(total <= std::numeric_limits<uint32_t>::max(), "{} is not written: a GLB file ends at 4 GiB", path.string());

  AtomicFile file(path);
  write_numbers<5>(file, {kMagic, kVersion, static_cast<uint32_t>(total), static_cast<uint32_t>(text.size()), kJsonChunk});
  file.write(text);
  if (!buffer.empty()) {
    write_numbers<2>(file, {static_cast<uint32_t>(chunk), kBinaryChunk});
    for (const auto& piece : buffer) file.write(piece);
    file.write(zeros);
  }
  file.commit();
}

}  // namespace gsv3d
