#include "splat/ply_header.h"

#include <charconv>
#include <cstring>
#include <map>

#include "core/error.h"

namespace gsv3d {
namespace {

constexpr size_t kLongestHeader = 1 << 16;
constexpr int64_t kMostVertices = int64_t{1} << 31;

size_t size_of(PlyHeader::Type type) {
  constexpr size_t kSizes[] = {1, 1, 2, 2, 4, 4, 4, 8};
  return kSizes[static_cast<int>(type)];
}

std::optional<PlyHeader::Type> parse_type(std::string_view name) {
  using Type = PlyHeader::Type;
  static const std::map<std::string_view, Type> kTypes = {
      {"char", Type::kInt8},     {"int8", Type::kInt8},       {"uchar", Type::kUint8},    {"uint8", Type::kUint8},
      {"short", Type::kInt16},   {"int16", Type::kInt16},     {"ushort", Type::kUint16},  {"uint16", Type::kUint16},
      {"int", Type::kInt32},     {"int32", Type::kInt32},     {"uint", Type::kUint32},    {"uint32", Type::kUint32},
      {"float", Type::kFloat32}, {"float32", Type::kFloat32}, {"double", Type::kFloat64}, {"float64", Type::kFloat64}};
  const auto found = kTypes.find(name);
  return found == kTypes.end() ? std::nullopt : std::optional(found->second);
}

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  for (size_t i = 0; i < line.size();) {
    const size_t begin = line.find_first_not_of(" \t", i);
    if (begin == std::string_view::npos) break;
    i = std::min(line.find_first_of(" \t", begin), line.size());
    words.push_back(line.substr(begin, i - begin));
  }
  return words;
}

/// The state of reading line by line.
struct Parser {
  PlyHeader header;
  const std::string& where;
  bool format_seen = false, vertex_seen = false, in_vertex = false;

  void element(const std::vector<std::string_view>& words) {
    require(words.size() == 3, "{}: malformed element line in the PLY header", where);
    require(words[1] != "chunk",
            "{}: this is a compressed PLY; convert it to a plain one first (for example with splat-transform)", where);
    in_vertex = words[1] == "vertex";
    if (!in_vertex) {
      require(vertex_seen, "{}: the element \"{}\" comes before the vertices; only files that begin with them can be read", where,
              words[1]);
      return;
    }
    require(!vertex_seen, "{}: two vertex elements in the PLY header", where);
    vertex_seen = true;
    const auto [end, error] = std::from_chars(words[2].data(), words[2].data() + words[2].size(), header.count);
    require(
        error == std::errc() && end == words[2].data() + words[2].size() && header.count >= 0 && header.count <= kMostVertices,
        "{}: \"{}\" is not a possible number of vertices", where, words[2]);
  }

  void property(const std::vector<std::string_view>& words) {
    if (!in_vertex) return;
    require(words.size() == 3, "{}: vertices with list properties are not Gaussians", where);
    const auto type = parse_type(words[1]);
    require(type.has_value(), "{}: unknown number type \"{}\" in the PLY header", where, words[1]);
    require(!header.find(words[2]), "{}: the property \"{}\" appears twice", where, words[2]);
    header.properties.push_back({std::string(words[2]), *type, header.stride});
    header.stride += size_of(*type);
  }

  void comment(const std::vector<std::string_view>& words) {
    if (words.size() < 3 || words[1] != "frame:") return;
    for (const auto frame : {Frame::kWorld, Frame::kYDown})
      if (words[2] == frame_name(frame)) header.frame = frame;
  }

  /// → false at the end of the header.
  bool line(std::string_view text) {
    const auto words = words_of(text);
    if (words.empty() || words[0] == "obj_info") return true;
    if (words[0] == "end_header") return false;
    if (words[0] == "comment") {
      comment(words);
    } else if (words[0] == "format") {
      require(words.size() == 3 && words[1] == "binary_little_endian",
              "{}: only PLY files of format binary_little_endian can be read, this one is \"{}\"", where, text);
      format_seen = true;
    } else if (words[0] == "element") {
      element(words);
    } else if (words[0] == "property") {
      property(words);
    } else {
      fail("{}: unexpected line \"{}\" in the PLY header", where, text.substr(0, 80));
    }
    return true;
  }
};

}  // namespace

const PlyHeader::Property* PlyHeader::find(std::string_view name) const {
  for (const auto& property : properties)
    if (property.name == name) return &property;
  return nullptr;
}

PlyHeader parse_ply_header(std::string_view bytes, const std::string& where) {
  require(bytes.starts_with("ply\n") || bytes.starts_with("ply\r\n"), "{}: not a PLY file", where);
  Parser parser{{}, where};
  for (size_t position = bytes.find('\n') + 1;;) {
    const size_t end = bytes.find('\n', position);
    require(end != std::string_view::npos && end < kLongestHeader, "{}: the PLY header does not end", where);
    auto text = bytes.substr(position, end - position);
    if (text.ends_with('\r')) text.remove_suffix(1);
    position = end + 1;
    if (parser.line(text)) continue;
    parser.header.begin = position;
    break;
  }
  auto& header = parser.header;
  require(parser.format_seen && parser.vertex_seen && header.stride > 0, "{}: the PLY header lacks its format or its vertices",
          where);
  const size_t available = bytes.size() - header.begin;
  require(static_cast<size_t>(header.count) <= available / header.stride,
          "{}: the file is cut off: {} vertices of {} bytes need more than the {} bytes there are", where, header.count,
          header.stride, available);
  return std::move(header);
}

float ply_value(const char* vertex, const PlyHeader::Property& property) {
  const auto load = [&]<class T>(T value) {
    std::memcpy(&value, vertex + property.offset, sizeof(T));
    return static_cast<float>(value);
  };
  switch (property.type) {
    case PlyHeader::Type::kInt8:
      return load(int8_t{});
    case PlyHeader::Type::kUint8:
      return load(uint8_t{});
    case PlyHeader::Type::kInt16:
      return load(int16_t{});
    case PlyHeader::Type::kUint16:
      return load(uint16_t{});
    case PlyHeader::Type::kInt32:
      return load(int32_t{});
    case PlyHeader::Type::kUint32:
      return load(uint32_t{});
    case PlyHeader::Type::kFloat32:
      return load(float{});
    case PlyHeader::Type::kFloat64:
      return load(double{});
  }
  return 0;
}

}  // namespace gsv3d
