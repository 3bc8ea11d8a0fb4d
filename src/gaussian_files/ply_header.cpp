#include "gaussian_files/ply_header.h"

#include <cctype>
#include <charconv>
#include <cmath>
#include <cstring>
#include <map>

#include "core/error.h"

namespace gsv3d {
namespace {

constexpr size_t kLongestHeader = 1 << 16;
constexpr int64_t kMostRows = int64_t{1} << 31;

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

/// Brush's "Vertical axis: " (crates/brush-serde): x, or y and z, which mean that -y and -z point up, or the direction itself.
std::optional<std::array<double, 3>> parse_up(std::string_view text) {
  std::string words(text);
  for (char& letter : words)
    letter = letter == ',' || letter == '[' || letter == ']' ? ' ' : static_cast<char>(std::tolower(letter));
  const auto parts = words_of(words);
  using Direction = std::array<double, 3>;
  if (parts.size() == 1 && parts[0] == "x") return Direction{1, 0, 0};
  if (parts.size() == 1 && parts[0] == "y") return Direction{0, -1, 0};
  if (parts.size() == 1 && parts[0] == "z") return Direction{0, 0, -1};
  Direction up{};
  if (parts.size() != up.size()) return std::nullopt;
  for (size_t c = 0; c < up.size(); ++c)
    if (std::from_chars(parts[c].data(), parts[c].data() + parts[c].size(), up[c]).ec != std::errc()) return std::nullopt;
  const double length = std::hypot(up[0], up[1], up[2]);
  return std::isfinite(length) && length > 1e-6 ? std::optional(up) : std::nullopt;
}

/// The state of reading line by line.
struct Parser {
  PlyHeader header;
  const std::string& where;
  bool format_seen = false;
  bool in_list_elements = false;  ///< from the first list property on, nothing can be located any more

  void element(const std::vector<std::string_view>& words) {
    require(words.size() == 3, "{}: malformed element line in the PLY header", where);
    require(!header.find(words[1]), "{}: two elements \"{}\" in the PLY header", where, words[1]);
    if (in_list_elements) {
      require(words[1] != "vertex", "{}: elements with lists come before the vertices; such files are not Gaussians", where);
      return;
    }
    PlyHeader::Element element{std::string(words[1]), 0, 0, 0, {}};
    const auto [end, error] = std::from_chars(words[2].data(), words[2].data() + words[2].size(), element.count);
    require(error == std::errc() && end == words[2].data() + words[2].size() && element.count >= 0 && element.count <= kMostRows,
            "{}: \"{}\" is not a possible number of rows of the element \"{}\"", where, words[2], words[1]);
    header.elements.push_back(std::move(element));
  }

  void property(const std::vector<std::string_view>& words) {
    if (in_list_elements) return;
    require(!header.elements.empty(), "{}: a property before the first element in the PLY header", where);
    auto& element = header.elements.back();
    if (words.size() > 1 && words[1] == "list") {
      require(element.name != "vertex", "{}: vertices with list properties are not Gaussians", where);
      header.elements.pop_back();
      in_list_elements = true;
      return;
    }
    require(words.size() == 3, "{}: malformed property line in the PLY header", where);
    const auto type = parse_type(words[1]);
    require(type.has_value(), "{}: unknown number type \"{}\" in the PLY header", where, words[1]);
    require(!element.find(words[2]), "{}: the property \"{}\" appears twice", where, words[2]);
    element.properties.push_back({std::string(words[2]), *type, element.stride});
    element.stride += ply_size(*type);
  }

  void comment(const std::vector<std::string_view>& words, std::string_view text) {
    if (words.size() < 3) return;
    if (words[1] == "frame:") {
      for (const auto frame : {Frame::kWorld, Frame::kYDown, Frame::kZUp})
        if (words[2] == frame_name(frame)) header.frame = frame;
    } else if (words[1] == "SplatRenderMode:") {
      header.antialiased = words[2] == "mip";
    } else if (words.size() > 3 && words[1] == "Vertical" && words[2] == "axis:") {
      header.up = parse_up(text.substr(text.find("axis:") + 5));
    }
  }

  void format(const std::vector<std::string_view>& words, std::string_view text) {
    const std::map<std::string_view, PlyHeader::Encoding> encodings = {
        {"binary_little_endian", PlyHeader::Encoding::kLittleEndian},
        {"binary_big_endian", PlyHeader::Encoding::kBigEndian},
        {"ascii", PlyHeader::Encoding::kText}};
    const auto found = words.size() == 3 ? encodings.find(words[1]) : encodings.end();
    require(found != encodings.end(), "{}: \"{}\" is no format of PLY files (binary_little_endian, binary_big_endian, ascii)",
            where, text.substr(0, 80));
    header.encoding = found->second;
    format_seen = true;
  }

  /// → false at the end of the header.
  bool line(std::string_view text) {
    const auto words = words_of(text);
    if (words.empty() || words[0] == "obj_info") return true;
    if (words[0] == "end_header") return false;
    if (words[0] == "comment") {
      comment(words, text);
    } else if (words[0] == "format") {
      format(words, text);
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

/// Finds where each element's rows begin. Throws Error when the file is too short for them.
void place_elements(PlyHeader& header, size_t begin, size_t file_size, const std::string& where) {
  for (auto& element : header.elements) {
    element.begin = begin;
    const size_t available = file_size - begin;
    require(element.stride == 0 || static_cast<size_t>(element.count) <= available / element.stride,
            "{}: the file is cut off: {} rows of {} bytes (element \"{}\") need more than the {} bytes there are", where,
            element.count, element.stride, element.name, available);
    begin += element.count * element.stride;
  }
}

}  // namespace

size_t ply_size(PlyHeader::Type type) {
  constexpr size_t kSizes[] = {1, 1, 2, 2, 4, 4, 4, 8};
  return kSizes[static_cast<int>(type)];
}

const PlyHeader::Property* PlyHeader::Element::find(std::string_view property) const {
  for (const auto& candidate : properties)
    if (candidate.name == property) return &candidate;
  return nullptr;
}

const PlyHeader::Element* PlyHeader::find(std::string_view element) const {
  for (const auto& candidate : elements)
    if (candidate.name == element) return &candidate;
  return nullptr;
}

PlyHeader parse_ply_header(std::string_view bytes, const std::string& where) {
  require(bytes.starts_with("ply\n") || bytes.starts_with("ply\r\n"), "{}: not a PLY file", where);
  Parser parser{{}, where};
  size_t position = bytes.find('\n') + 1;
  for (bool more = true; more;) {
    const size_t end = bytes.find('\n', position);
    require(end != std::string_view::npos && end < kLongestHeader, "{}: the PLY header does not end", where);
    auto text = bytes.substr(position, end - position);
    if (text.ends_with('\r')) text.remove_suffix(1);
    position = end + 1;
    more = parser.line(text);
  }
  const auto* vertex = parser.header.find("vertex");
  require(parser.format_seen && vertex && vertex->stride > 0, "{}: the PLY header lacks its format or its vertices", where);
  parser.header.size = position;
  if (parser.header.encoding != PlyHeader::Encoding::kText) place_elements(parser.header, position, bytes.size(), where);
  return std::move(parser.header);
}

float ply_value(const char* row, const PlyHeader::Property& property) {
  const auto load = [&]<class T>(T value) {
    std::memcpy(&value, row + property.offset, sizeof(T));
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
