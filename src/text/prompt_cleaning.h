// What OpenCLIP does to a prompt before it is cut into tokens (open_clip/tokenizer.py: _clean_lower), but for ftfy's repairs of
// text that was decoded wrongly.
#pragma once

#include <string>
#include <string_view>

namespace gsv3d {

/// HTML's named and numbered characters by what they stand for, as browsers and Python's html.unescape read them: "&eacute;" and
/// "&#233;" are é, "&notit;" is ¬it;.
std::u32string unescape_html(std::u32string_view text);

/// UTF-8 → unescaped twice, every run of white space one blank, none at the ends, lower case.
std::u32string clean_prompt(std::string_view prompt);

}  // namespace gsv3d
