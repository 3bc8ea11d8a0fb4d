// Base64 (RFC 4648, section 4): bytes inside of JSON.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace gsv3d {

std::string base64_encoded(std::string_view bytes);

/// Nothing when the text is not base64 of whole bytes with its padding; blanks and line ends are not allowed either.
std::optional<std::string> base64_decoded(std::string_view text);

}  // namespace gsv3d
