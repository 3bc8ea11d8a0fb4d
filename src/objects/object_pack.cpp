#include "objects/object_pack.h"

#include <fstream>

#include "core/atomic_file.h"
#include "core/cancel.h"
#include "core/config.h"
#include "core/error.h"
#include "core/log.h"
#include "core/ordered_work.h"
#include "core/progress.h"
#include "objects/byte_stream.h"
#include "objects/compression.h"

namespace gsv3d {
namespace {

constexpr std::string_view kPackMagic = "GSV3DPK1";
constexpr uint64_t kMaxIndex = uint64_t{1} << 28, kMaxObject = uint64_t{1} << 30;
constexpr int kPackZstdLevel = 19;

/// An object's line in the index.
struct IndexEntry {
  std::string id, group, split, name, author, licence, origin;
  uint64_t offset = 0, compressed_size = 0, size = 0;
  template <class Visitor>
  void fields(Visitor& visit) {
    visit("id", id);
    visit("group", group);
    visit("split", split);
    visit("name", name);
    visit("author", author);
    visit("licence", licence);
    visit("origin", origin);
    visit("offset", offset);
    visit("compressed_size", compressed_size);
    visit("size", size);
  }
};

/// One object of the file, or why it is none.
struct Block {
  std::string bytes, error;
  uint64_t size = 0;  ///< before compression
};

Block make_block(const ObjectEntry& entry, const PackOptions& options) {
  Block block;
  try {
    const std::string bytes = pack_object(entry.load(), options);
    block.bytes = compress(bytes, kPackZstdLevel);
    block.size = bytes.size();
  } catch (const Error& error) {
    block.error = error.what();
  }
  return block;
}

std::string read_range(const std::filesystem::path& path, uint64_t begin, uint64_t size) {
  std::ifstream stream(path, std::ios::binary);
  std::string bytes(size, '\0');
  require(stream.seekg(static_cast<std::streamoff>(begin)) && stream.read(bytes.data(), static_cast<std::streamsize>(size)),
          "{}: damaged (ends too early)", path.string());
  return bytes;
}

}  // namespace

int64_t write_object_pack(const std::filesystem::path& path, const std::vector<ObjectEntry>& entries,
                          const PackOptions& options) {
  AtomicFile file(path);  // first, so that a place that cannot be written is found before the work
  std::vector<IndexEntry> index;
  std::string blocks;
  const auto total = static_cast<int64_t>(entries.size());
  Progress progress("packing", total);
  ordered_work(
      total, [&](int64_t i) { return make_block(entries[i], options); },
      [&](int64_t i, const Block& block) {
        throw_if_cancelled();
        const ObjectEntry& entry = entries[i];
        if (block.error.empty()) {
          index.push_back({entry.id, entry.group, entry.split, entry.name, entry.author, entry.licence, entry.origin,
                           blocks.size(), block.bytes.size(), block.size});
          blocks += block.bytes;
        } else {
          spdlog::warn("left out {}: {}", entry.id, block.error);
        }
        progress.update(i + 1, entry.id);
      });
  require(!index.empty(), "none of the {} objects could be packed", entries.size());
  const std::string json = json_text(config_to_json(index)), compressed = compress(json, kPackZstdLevel);
  std::string header(kPackMagic);
  append_number(header, static_cast<uint64_t>(compressed.size()));
  append_number(header, static_cast<uint64_t>(json.size()));
  file.write(header);
  file.write(compressed);
  file.write(blocks);
  file.commit();
  return static_cast<int64_t>(index.size());
}

bool is_object_pack(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  std::string magic(kPackMagic.size(), '\0');
  return stream.read(magic.data(), static_cast<std::streamsize>(magic.size())) && magic == kPackMagic;
}

std::vector<ObjectEntry> list_pack(const std::filesystem::path& path) {
  require(is_object_pack(path), "{}: not a pack of objects", path.string());
  const uint64_t file_size = std::filesystem::file_size(path);
  const std::string sizes = read_range(path, kPackMagic.size(), 16);
  ByteReader reader(sizes, path.string());
  const auto compressed_size = reader.number<uint64_t>(), size = reader.number<uint64_t>();
  require(compressed_size <= file_size && size <= kMaxIndex, "{}: damaged (its index would have {} bytes)", path.string(), size);
  const uint64_t index_begin = kPackMagic.size() + 16, blocks_begin = index_begin + compressed_size;
  const Json json = parse_json(decompress(read_range(path, index_begin, compressed_size), size, path.string()), path.string());
  std::vector<ObjectEntry> entries;
  for (const IndexEntry& entry : config_from_json<std::vector<IndexEntry>>(json, path.string())) {
    require(entry.compressed_size <= file_size && entry.offset <= file_size &&
                blocks_begin + entry.offset + entry.compressed_size <= file_size && entry.size <= kMaxObject,
            "{}: {} lies outside of the file", path.string(), entry.id);
    entries.push_back(
        {entry.id, entry.group, entry.split, entry.name, entry.author, entry.licence, entry.origin, [path, blocks_begin, entry] {
           const std::string where = path.string() + ": " + entry.id;
           const std::string block = read_range(path, blocks_begin + entry.offset, entry.compressed_size);
           return unpack_object(decompress(block, entry.size, where), where);
         }});
  }
  return entries;
}

}  // namespace gsv3d
