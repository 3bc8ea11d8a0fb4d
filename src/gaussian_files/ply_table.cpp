#include "gaussian_files/ply_table.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "core/error.h"

namespace gsv3d {
namespace {

void turn_bytes_around(PlyTable& table) {
  for (const auto& element : table.header.elements) {
    for (int64_t row = 0; row < element.count; ++row) {
      char* values = table.converted->data() + element.begin + row * element.stride;
      for (const auto& property : element.properties)
        std::reverse(values + property.offset, values + property.offset + ply_size(property.type));
    }
  }
}

/// Numbers in text, separated by spaces and line ends.
class NumberReader {
 public:
  NumberReader(std::string_view text, const std::string& where) : text_(text), where_(where) {}

  double next(const PlyHeader::Element& element, int64_t row) {
    text_.remove_prefix(std::min(text_.find_first_not_of(" \t\r\n"), text_.size()));
    if (text_.starts_with('+')) text_.remove_prefix(1);
    double value = 0;
    const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), value);
    require(!text_.empty(), "{}: the file is cut off: it ends in row {} of {} of the element \"{}\"", where_, row, element.count,
            element.name);
    // A number that is too large or too small for double is infinite or zero, as it is for float.
    require(error != std::errc::invalid_argument, "{}: \"{}\" in row {} of the element \"{}\" is no number", where_, next_word(),
            row, element.name);
    if (error == std::errc::result_out_of_range) value = std::strtod(std::string(text_.data(), end).c_str(), nullptr);
    text_.remove_prefix(static_cast<size_t>(end - text_.data()));
    return value;
  }

 private:
  /// What is there instead of a number, fit for a message.
  std::string next_word() const {
    std::string word(text_.substr(0, std::min<size_t>(text_.find_first_of(" \t\r\n"), 20)));
    std::replace_if(
        word.begin(), word.end(), [](unsigned char letter) { return letter < ' ' || letter > '~'; }, '?');
    return word;
  }

  std::string_view text_;
  const std::string& where_;
};

template <class T>
void store(char* target, double value, const std::string& where) {
  if constexpr (std::is_integral_v<T>)
    require(value >= static_cast<double>(std::numeric_limits<T>::min()) &&
                value <= static_cast<double>(std::numeric_limits<T>::max()),
            "{}: {} does not fit the type of its property", where, value);
  const auto number = static_cast<T>(value);
  std::memcpy(target, &number, sizeof(T));
}

void store(char* target, PlyHeader::Type type, double value, const std::string& where) {
  using Type = PlyHeader::Type;
  switch (type) {
    case Type::kInt8:
      return store<int8_t>(target, value, where);
    case Type::kUint8:
      return store<uint8_t>(target, value, where);
    case Type::kInt16:
      return store<int16_t>(target, value, where);
    case Type::kUint16:
      return store<uint16_t>(target, value, where);
    case Type::kInt32:
      return store<int32_t>(target, value, where);
    case Type::kUint32:
      return store<uint32_t>(target, value, where);
    case Type::kFloat32:
      return store<float>(target, value, where);
    case Type::kFloat64:
      return store<double>(target, value, where);
  }
}

void read_text(PlyTable& table, std::string_view text, const std::string& where) {
  NumberReader reader(text, where);
  std::string& rows = *table.converted;
  for (auto& element : table.header.elements) {
    // A number takes two bytes of text at least, so that what is allocated stays in proportion to the file.
    require(static_cast<size_t>(element.count) <= text.size() / std::max<size_t>(1, 2 * element.properties.size()) + 1,
            "{}: the file is cut off: {} rows of the element \"{}\" need more than the {} bytes there are", where, element.count,
            element.name, text.size());
    element.begin = rows.size();
    rows.resize(rows.size() + element.count * element.stride);
    for (int64_t row = 0; row < element.count; ++row) {
      char* values = rows.data() + element.begin + row * element.stride;
      for (const auto& property : element.properties)
        store(values + property.offset, property.type, reader.next(element, row), where);
    }
  }
}

}  // namespace

PlyTable read_ply_table(std::string_view bytes, const std::string& where) {
  PlyTable table{parse_ply_header(bytes, where), bytes};
  if (table.header.encoding == PlyHeader::Encoding::kLittleEndian) return table;
  const bool text = table.header.encoding == PlyHeader::Encoding::kText;
  table.converted = std::make_shared<std::string>(text ? std::string_view() : bytes);
  if (text) {
    read_text(table, bytes.substr(table.header.size), where);
  } else {
    turn_bytes_around(table);
  }
  table.bytes = *table.converted;
  return table;
}

}  // namespace gsv3d
