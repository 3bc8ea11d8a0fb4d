// The little of Unicode that prompts need, with ICU's tables.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace gsv3d {

/// Code points of UTF-8; bytes that are none become U+FFFD, as many as ICU makes of them.
std::u32string decode_utf8(std::string_view bytes);
std::string encode_utf8(std::u32string_view text);

/// Lower case of the whole text, by Unicode's rules without those of single languages (a final sigma is one).
std::u32string lower_case(std::u32string_view text);

enum class CharacterKind { letter, number, space, other };
/// By general category: L*, N*; space as Python's str.isspace() has it.
CharacterKind kind_of(char32_t character);

}  // namespace gsv3d
