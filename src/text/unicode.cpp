#include "text/unicode.h"

#include <unicode/uchar.h>
#include <unicode/ustring.h>

#include <limits>
#include <vector>

#include "core/error.h"

namespace gsv3d {
namespace {

constexpr char32_t replacement = 0xFFFD;

int32_t checked_length(size_t length) {
  constexpr size_t most = 64 << 20;
  require(length <= most, "text of {} characters: at most {} are taken", length, most);
  return static_cast<int32_t>(length);
}

std::vector<UChar> utf16_of(std::u32string_view text) {
  const int32_t length = checked_length(text.size());
  std::vector<UChar> result(2 * text.size() + 1);
  int32_t written = 0;
  UErrorCode error = U_ZERO_ERROR;
  u_strFromUTF32WithSub(result.data(), static_cast<int32_t>(result.size()), &written,
                        reinterpret_cast<const UChar32*>(text.data()), length, replacement, nullptr, &error);
  require(U_SUCCESS(error), "text: {}", u_errorName(error));
  result.resize(static_cast<size_t>(written));
  return result;
}

std::u32string utf32_of(const std::vector<UChar>& text) {
  std::u32string result(text.size() + 1, 0);
  int32_t written = 0;
  UErrorCode error = U_ZERO_ERROR;
  u_strToUTF32WithSub(reinterpret_cast<UChar32*>(result.data()), static_cast<int32_t>(result.size()), &written, text.data(),
                      static_cast<int32_t>(text.size()), replacement, nullptr, &error);
  require(U_SUCCESS(error), "text: {}", u_errorName(error));
  result.resize(static_cast<size_t>(written));
  return result;
}

}  // namespace

std::u32string decode_utf8(std::string_view bytes) {
  const int32_t length = checked_length(bytes.size());
  std::vector<UChar> utf16(bytes.size() + 1);
  int32_t written = 0;
  UErrorCode error = U_ZERO_ERROR;
  u_strFromUTF8WithSub(utf16.data(), static_cast<int32_t>(utf16.size()), &written, bytes.data(), length, replacement, nullptr,
                       &error);
  require(U_SUCCESS(error), "text: {}", u_errorName(error));
  utf16.resize(static_cast<size_t>(written));
  return utf32_of(utf16);
}

std::string encode_utf8(std::u32string_view text) {
  const std::vector<UChar> utf16 = utf16_of(text);
  std::string result(3 * utf16.size() + 1, '\0');
  int32_t written = 0;
  UErrorCode error = U_ZERO_ERROR;
  u_strToUTF8WithSub(result.data(), static_cast<int32_t>(result.size()), &written, utf16.data(),
                     static_cast<int32_t>(utf16.size()), replacement, nullptr, &error);
  require(U_SUCCESS(error), "text: {}", u_errorName(error));
  result.resize(static_cast<size_t>(written));
  return result;
}

std::u32string lower_case(std::u32string_view text) {
  const std::vector<UChar> utf16 = utf16_of(text);
  std::vector<UChar> lowered(3 * utf16.size() + 1);  // no character becomes longer than three units
  UErrorCode error = U_ZERO_ERROR;
  const int32_t written = u_strToLower(lowered.data(), static_cast<int32_t>(lowered.size()), utf16.data(),
                                       static_cast<int32_t>(utf16.size()), "", &error);
  require(U_SUCCESS(error), "text: {}", u_errorName(error));
  lowered.resize(static_cast<size_t>(written));
  return utf32_of(lowered);
}

CharacterKind kind_of(char32_t character) {
  const auto code = static_cast<UChar32>(character);
  if ((character >= 9 && character <= 13) || (character >= 0x1C && character <= 0x20) || character == 0x85 ||
      u_charType(code) == U_SPACE_SEPARATOR || character == 0x2028 || character == 0x2029)
    return CharacterKind::space;
  const uint32_t mask = U_MASK(u_charType(code));
  if (mask & U_GC_L_MASK) return CharacterKind::letter;
  return mask & U_GC_N_MASK ? CharacterKind::number : CharacterKind::other;
}

}  // namespace gsv3d
